"""HTTP/1 without sockets: tables of bytes and the events that they are, and conversations with h11."""
import h11
import pytest

from interface_server.options import Options
from interface_server.protocols.h1 import response
from interface_server.protocols.h1.connection import MOST_PIPELINED, PREFACE, H1Connection
from interface_server.protocols.h1.events import Data, End, Http2, Refuse, Request, Upgrade
from interface_server.protocols.h1.latest import MOST_KEPT
from interface_server.protocols.h1.reading_states import BODY, HEADERS, IDLE, STOPPED, TRANSITIONS, UPGRADED
from interface_server.protocols.h1.response import ResponseWriter


def told(events):
    """Return events as tuples, with the pieces of a body joined."""
    found = []
    for event in events:
        if type(event) is Request:
            found.append(("request", event.method, event.path, event.query, event.version, event.keep_alive))
        elif type(event) is Data:
            if found and found[-1][0] == "data":
                found[-1] = ("data", found[-1][1] + event.content)
            else:
                found.append(("data", event.content))
        elif type(event) is End:
            found.append(("end",))
        elif type(event) is Upgrade:
            found.append(("upgrade", event.request.path, event.rest))
        elif type(event) is Http2:
            found.append(("http2", event.data))
        else:
            found.append(("refuse", event.refusal.status))
    return found


def one_by_one(connection, data):
    return [event for index in range(len(data)) for event in connection.receive(data[index:index + 1])]


HEAD = b" HTTP/1.1\r\nHost: x\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def request(method, path=b"/", query=b"", version="1.1", keep_alive=True):
    return ("request", method, path, query, version, keep_alive)


#: What a client says -> (what it amounts to, the state after it).
CONVERSATIONS = {
    "a request": (b"GET /a?b=c" + HEAD + b"\r\n", [request("GET", b"/a", b"b=c")], IDLE),
    "HTTP/1.0 without headers": (
        b"GET / HTTP/1.0\r\n\r\n", [request("GET", version="1.0", keep_alive=False)], STOPPED,
    ),
    "blank lines before it": (b"\r\n\r\nGET /" + HEAD + b"\r\n", [request("GET")], IDLE),
    "a part of a line": (b"GET /a", [], HEADERS),
    "a head without its end": (b"GET /" + HEAD + b"A: b\r\n", [], HEADERS),
    "a method of its own": (b"PURGE /" + HEAD + b"\r\n", [request("PURGE")], IDLE),
    "methods of RFC 3253, RFC 3648 and of nobody": (
        b"".join(b"%s /%sX: y\r\n\r\n" % (method, HEAD) for method in (
            b"VERSION-CONTROL", b"LABEL", b"MKWORKSPACE", b"ORDERPATCH", b"BAN", b"M-SEARCH", b"X")),
        [request(method) for method in (
            "VERSION-CONTROL", "LABEL", "MKWORKSPACE", "ORDERPATCH", "BAN", "M-SEARCH", "X")], IDLE,
    ),
    "a method in small letters": (b"get /" + HEAD + b"\r\n", [request("get")], IDLE),
    "a method of its own with a body": (
        b"FROBNICATE /" + HEAD + b"Content-Length: 2\r\n\r\nhi",
        [request("FROBNICATE"), ("data", b"hi"), ("end",)], IDLE,
    ),
    "methods that llhttp reads in another way": (
        b"SOURCE /" + HEAD + b"\r\nPRI /" + HEAD + b"\r\n", [request("SOURCE"), request("PRI")], IDLE,
    ),
    "HTTP/2.0 in a request line": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", [("refuse", 505)], STOPPED),
    "HTTP/0.9 in a request line": (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", [("refuse", 505)], STOPPED),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", [("refuse", 505)], STOPPED),
    "a version that isn't one": (b"GET / HTTP/1\r\nHost: x\r\n\r\n", [("refuse", 400)], STOPPED),
    "TLS": (b"\x16\x03\x01\x02", [("refuse", 400)], STOPPED),
    "a bare line feed": (b"GET / HTTP/1.1\nHost: x\n\n", [("refuse", 400)], STOPPED),
    "a proxy's method": (b"CONNECT x:80" + HEAD + b"\r\n", [("refuse", 501)], STOPPED),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", [("refuse", 400)], STOPPED),
    "a counted body": (
        b"POST /" + HEAD + b"Content-Length: 5\r\n\r\nhello", [request("POST"), ("data", b"hello"), ("end",)], IDLE,
    ),
    "a part of a body": (
        b"POST /" + HEAD + b"Content-Length: 5\r\n\r\nhel", [request("POST"), ("data", b"hel")], BODY,
    ),
    "a body that looks like a request": (
        b"POST /" + HEAD + b"Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        [request("POST"), ("data", b"GET / HTTP/1.1\r\n\r\n"), ("end",)], IDLE,
    ),
    "an empty body": (b"POST /" + HEAD + b"Content-Length: 0\r\n\r\n", [request("POST")], IDLE),
    "chunks": (
        b"POST /" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n",
        [request("POST"), ("data", b"abcde"), ("end",)], IDLE,
    ),
    "chunks with blank lines in them": (
        b"POST /" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
        [request("POST"), ("data", b"\r\n" * 4), ("end",)], IDLE,
    ),
    "an unknown method behind chunks": (
        b"POST /" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nPURGE /" + HEAD + b"\r\n",
        [request("POST"), ("data", b"hi"), ("end",), request("PURGE")], IDLE,
    ),
    "chunks in HTTP/1.0": (
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [("refuse", 400)], STOPPED,
    ),
    "two lengths": (
        b"POST /" + HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", [("refuse", 400)], STOPPED,
    ),
    "a broken chunk": (
        b"POST /" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhiX",
        [request("POST"), ("data", b"hi"), ("refuse", 400)], STOPPED,
    ),
    "pipelined": (
        b"GET /a" + HEAD + b"\r\nPOST /b" + HEAD + b"Content-Length: 1\r\n\r\nxGET /c" + HEAD + b"\r\n",
        [request("GET", b"/a"), request("POST", b"/b"), ("data", b"x"), ("end",), request("GET", b"/c")], IDLE,
    ),
    "nothing is read after the last": (
        b"GET /a" + HEAD + b"Connection: close\r\n\r\nGET /b" + HEAD + b"\r\n",
        [request("GET", b"/a", keep_alive=False)], STOPPED,
    ),
    "a handshake": (b"GET /ws" + HEAD + UPGRADE + b"\r\n", [("upgrade", b"/ws", b"")], UPGRADED),
    "a handshake with a body": (
        b"GET /ws" + HEAD + UPGRADE + b"Content-Length: 1\r\n\r\nx", [("refuse", 400)], STOPPED,
    ),
    "an unknown upgrade": (
        b"GET /" + HEAD + b"Connection: upgrade, x\r\nUpgrade: h2c\r\n\r\nGET /b" + HEAD + b"\r\n",
        [request("GET"), request("GET", b"/b")], IDLE,
    ),
    "an unknown upgrade with chunks": (
        b"POST /" + HEAD + b"Connection: upgrade\r\nUpgrade: foo\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\n\r\n",
        [request("POST"), ("data", b"hi"), ("end",)], IDLE,
    ),
    "an upgrade of HTTP/1.0": (
        b"GET /ws HTTP/1.0\r\n" + UPGRADE + b"\r\n",
        [request("GET", b"/ws", version="1.0", keep_alive=False)], STOPPED,
    ),
    "an unknown upgrade of HTTP/1.0 with a body": (
        b"POST / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: foo\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.0\r\n\r\n",
        [request("POST", version="1.0", keep_alive=False), ("data", b"hi"), ("end",)], STOPPED,
    ),
}


@pytest.mark.parametrize("data, events, state", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_bytes_are_the_same_events_however_they_come(data, events, state):
    for receive in (H1Connection.receive, one_by_one):
        connection = H1Connection(Options())
        assert told(receive(connection, data)) == events
        assert connection.state == state


def test_client_of_http2_is_found_by_its_first_bytes():
    connection = H1Connection(Options())
    assert connection.receive(PREFACE[:10]) == []
    assert told(connection.receive(PREFACE[10:] + b"more")) == [("http2", PREFACE + b"more")]
    assert connection.state is UPGRADED
    # Where TLS has settled it, and behind a request, it is nothing.
    assert told(H1Connection(Options(), may_be_http2=False).receive(PREFACE)) == [("refuse", 505)]
    connection = H1Connection(Options())
    assert told(connection.receive(b"GET /" + HEAD + b"\r\n" + PREFACE)) == [request("GET"), ("refuse", 505)]


def test_rest_behind_a_handshake_is_handed_on():
    connection = H1Connection(Options())
    [event] = connection.receive(b"GET /ws" + HEAD + UPGRADE + b"\r\n\x81\x00")
    assert event.rest == b"\x81\x00"


def test_what_asks_for_an_unknown_upgrade_is_not_seen_by_the_application():
    connection = H1Connection(Options())
    [event] = connection.receive(
        b"GET /" + HEAD + b"Connection: keep-alive, Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
    )
    assert event.headers == [(b"host", b"x"), (b"connection", b"keep-alive")]


@pytest.mark.parametrize("option, data, status", [
    ("max_request_line", b"GET /" + b"x" * 100, 414),
    ("max_request_line", b"GET /" + b"x" * 100 + HEAD, 414),
    ("max_header_bytes", b"GET /" + HEAD + b"X: " + b"y" * 100 + b"\r\n\r\n", 431),
    ("max_headers", b"GET /" + HEAD + b"A: b\r\n" * 100, 431),
    ("max_body_size", b"POST /" + HEAD + b"Content-Length: 101\r\n\r\n", 413),
    ("max_body_size", b"POST /" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101, 413),
])
def test_limits_are_kept_while_it_comes(option, data, status):
    for receive in (H1Connection.receive, one_by_one):
        connection = H1Connection(Options(**{option: 60}))
        assert told(receive(connection, data))[-1] == ("refuse", status)


def test_only_so_many_wait_for_the_answer_to_one_before_them():
    connection = H1Connection(Options())
    said = b"GET /" + HEAD + b"\r\n"
    events = told(connection.receive(said * (MOST_PIPELINED + 1)))
    assert events == [request("GET")] * MOST_PIPELINED + [("refuse", 503)]
    connection = H1Connection(Options())
    for _ in range(2 * MOST_PIPELINED):
        assert told(connection.receive(said)) == [request("GET")]
        connection.answered()


def test_table_of_transitions_knows_each_state_it_leads_to():
    assert {state for events in TRANSITIONS.values() for state in events.values()} <= set(TRANSITIONS)
    # No way leads back from another protocol, or from the end.
    assert TRANSITIONS[UPGRADED] == {} and set(TRANSITIONS[STOPPED].values()) == {STOPPED}


class ConnectionPair:
    """A client by h11 and our connection, joined without sockets."""

    def __init__(self):
        self.client = h11.Connection(h11.CLIENT)
        self.server = H1Connection(Options())
        self.events = []

    def send(self, *events):
        """Have the client say `events`; return what the server made of them."""
        found = []
        for event in events:
            data = self.client.send(event)
            found += self.server.receive(data or b"")
        self.events += found
        return found

    def answer(self, request, status, headers, pieces):
        """Answer `request` with pieces; return (status, headers, content) as the client reads them."""
        writer = ResponseWriter(request.method, request.version, request.keep_alive)
        said = writer.head(status, headers)
        for index, piece in enumerate(pieces):
            said += writer.body(piece, index < len(pieces) - 1)
        self.client.receive_data(said)
        if not writer.keep_alive:
            self.client.receive_data(b"")
        response, content = self.client.next_event(), b""
        while True:
            event = self.client.next_event()
            if type(event) is h11.EndOfMessage:
                break
            content += bytes(event.data)
        self.server.answered()
        return response.status_code, dict(response.headers), content


def h11_request(method="GET", *headers, target="/"):
    return h11.Request(method=method, target=target, headers=[("Host", "x"), *headers])


def test_conversation_of_several_requests():
    pair = ConnectionPair()
    for number in range(3):
        [request] = pair.send(h11_request("GET", target=f"/{number}"), h11.EndOfMessage())
        status, headers, content = pair.answer(request, 200, [(b"Content-Length", b"5")], [b"hello"])
        assert (request.path, status, content) == (b"/%d" % number, 200, b"hello")
        assert b"date" in headers and b"connection" not in headers
        pair.client.start_next_cycle()


@pytest.mark.parametrize("headers", [[("Content-Length", "6")], [("Transfer-Encoding", "chunked")]])
def test_conversation_with_bodies_in_pieces(headers):
    pair = ConnectionPair()
    events = pair.send(
        h11_request("PUT", *headers), h11.Data(data=b"abc"), h11.Data(data=b"def"), h11.EndOfMessage(),
    )
    assert told(events) == [request("PUT"), ("data", b"abcdef"), ("end",)]
    assert pair.answer(events[0], 200, [], [b"one", b"", b"two"])[::2] == (200, b"onetwo")


@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_content(method, status):
    pair = ConnectionPair()
    [event] = pair.send(h11_request(method), h11.EndOfMessage())
    assert pair.answer(event, status, [], [b""])[::2] == (status, b"")


def test_answer_of_unknown_length_to_http_1_0_ends_with_the_connection():
    connection = H1Connection(Options())
    [event] = connection.receive(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    writer = ResponseWriter(event.method, event.version, True)
    said = writer.head(200, []) + writer.body(b"one", True) + writer.body(b"two", False)
    assert not writer.keep_alive
    assert said.endswith(b"connection: close\r\n\r\nonetwo") and b"chunked" not in said


def test_headers_that_were_sent_before_are_the_same_again():
    for headers, framing in (
        ([(b"X-A", b"1"), (b"Content-Length", b"2")], b""), ([(b"X-A", b"1")], b"transfer-encoding: chunked\r\n"),
    ):
        lines = b"".join(b"%b: %b\r\n" % (name.lower(), value) for name, value in headers)
        for _ in range(2):
            head = ResponseWriter("GET", "1.1", False).head(200, headers)
            assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
            assert head.partition(b"GMT\r\n")[2] == lines + b"connection: close\r\n" + framing + b"\r\n"


def test_headers_that_clients_may_choose_are_kept_within_bounds():
    response._blocks.clear()
    for number in range(3 * response._MOST_BLOCKS):
        ResponseWriter("GET", "1.1", True).head(200, [(b"content-length", b"%d" % number)])
        assert 0 < len(response._blocks) <= response._MOST_BLOCKS
    response._blocks.clear()
    ResponseWriter("GET", "1.1", True).head(200, [(b"x-a", b"1" * response._SMALL)])
    assert response._blocks == {}


def test_client_that_waits_to_be_told_to_send_the_body():
    pair = ConnectionPair()
    [event] = pair.send(h11_request("POST", ("Content-Length", "2"), ("Expect", "100-continue")))
    assert event.expects_continue and not event.ended
    # RFC 9110 section 10.1.1: not of HTTP/1.0.
    [event] = H1Connection(Options()).receive(b"POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert not event.expects_continue


def test_refusal_is_said_once_whatever_comes_after_it():
    connection = H1Connection(Options())
    [event] = connection.receive(b"nonsense\r\n")
    assert type(event) is Refuse
    assert connection.receive(b"GET /" + HEAD + b"\r\n") == []


#: What a client says, one after the other.
FOLLOWERS = {
    "the same": (b"GET /a?b" + HEAD + b"\r\n", b"GET /a?b" + HEAD + b"\r\n"),
    "another target": (b"GET /a?b" + HEAD + b"\r\n", b"GET /c?d#e" + HEAD + b"\r\n"),
    "a target of bytes": (b"GET /a" + HEAD + b"\r\n", b"GET /\xff\x80%41" + HEAD + b"\r\n"),
    "a target that is a URL": (b"GET /a" + HEAD + b"\r\n", b"GET http://y/a" + HEAD + b"\r\n"),
    "behind a URL": (b"GET http://y/a" + HEAD + b"\r\n", b"GET /a" + HEAD + b"\r\n"),
    "a target that is none": (b"GET /a" + HEAD + b"\r\n", b"GET a" + HEAD + b"\r\n"),
    "another method": (b"GET /a" + HEAD + b"\r\n", b"POST /a" + HEAD + b"\r\n"),
    "a method of its own": (b"PURGE /a" + HEAD + b"\r\n", b"PURGE /b" + HEAD + b"\r\n"),
    "the same of a method of its own": (b"PURGE /a" + HEAD + b"\r\n",) * 2,
    "POST behind a method of its own": (b"PURGE /a" + HEAD + b"\r\n", b"POST /a" + HEAD + b"\r\n"),
    "POST behind TRACE": (b"TRACE /a" + HEAD + b"\r\n", b"POST /a" + HEAD + b"\r\n"),
    "another version": (b"GET /a" + HEAD + b"\r\n", b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n"),
    "another header": (b"GET /a" + HEAD + b"A: b\r\n\r\n", b"GET /a" + HEAD + b"A: c\r\n\r\n"),
    "one header less": (b"GET /a" + HEAD + b"A: b\r\n\r\n", b"GET /a" + HEAD + b"\r\n"),
    "headers that go on": (b"GET /a" + HEAD + b"\r\n", b"GET /a" + HEAD),
    "a body each": (
        b"POST /a" + HEAD + b"Content-Length: 2\r\n\r\nok", b"POST /a" + HEAD + b"Content-Length: 2\r\n\r\nno"),
    "a body and none": (b"POST /a" + HEAD + b"Content-Length: 0\r\n\r\n", b"POST /a" + HEAD + b"\r\n"),
    "an upgrade that is ignored": (
        b"GET /a" + HEAD + b"Connection: Upgrade\r\nUpgrade: x\r\n\r\n",
        b"GET /a" + HEAD + b"Connection: Upgrade\r\nUpgrade: x\r\n\r\n"),
    "the end": (b"GET /a" + HEAD + b"\r\n", b"GET /a" + HEAD + b"Connection: close\r\n\r\n"),
    "two at once": (b"GET /a" + HEAD + b"\r\n", (b"GET /a" + HEAD + b"\r\n") * 2),
    "a blank line before it": (b"GET /a" + HEAD + b"\r\n", b"\r\nGET /a" + HEAD + b"\r\n"),
    "a body before it": (
        b"GET /a" + HEAD + b"\r\n", b"POST /a" + HEAD + b"Content-Length: 2\r\n\r\nok", b"GET /a" + HEAD + b"\r\n"),
    "chunks before it": (
        b"GET /a" + HEAD + b"\r\n", b"POST /a" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"GET /b" + HEAD + b"\r\n"),
    "many headers": (b"GET /a" + HEAD + b"A: %b\r\n\r\n" % (b"b" * MOST_KEPT),) * 2,
}


@pytest.mark.parametrize("said", FOLLOWERS.values(), ids=FOLLOWERS)
def test_what_a_request_is_does_not_depend_on_the_one_before(said):
    def told_of(connection, data):
        events = connection.receive(data)
        return told(events), [event.headers for event in events if type(event) is Request], connection.state

    alone, behind = H1Connection(Options()), H1Connection(Options())
    *before, second = said
    for first in before:
        behind.receive(first)
        behind.answered()
    for _ in range(2):
        assert told_of(behind, second) == told_of(alone, second)
        for connection in (alone, behind):
            connection.answered()


def test_headers_that_came_before_are_not_parsed_again(monkeypatch):
    connection = H1Connection(Options())
    connection.receive(b"GET /a?b" + HEAD + b"\r\n")
    fed = []
    feed = type(connection._message).feed
    monkeypatch.setattr(type(connection._message), "feed", lambda self, data: (fed.append(data), feed(self, data)))
    assert told(connection.receive(b"GET /a?b" + HEAD + b"\r\n")) == [request("GET", b"/a", b"b")]
    assert fed == []
    assert told(connection.receive(b"GET /c" + HEAD + b"\r\n")) == [request("GET", b"/c")]
    assert fed == [b"POST /c HTTP/1.1\r\n\r\n"]


def test_a_request_that_came_before_is_not_read_again(monkeypatch):
    connection, said = H1Connection(Options()), b"GET /a?b" + HEAD + b"\r\n"
    connection.receive(said)
    monkeypatch.delattr(H1Connection, "_read_line")
    for _ in range(2):
        connection.answered()
        assert told(connection.receive(said)) == [request("GET", b"/a", b"b")]


def test_bytes_of_a_request_that_came_before_are_what_they_come_as():
    connection, said = H1Connection(Options()), b"GET /a" + HEAD + b"\r\n"
    assert connection.receive(b"") == []
    connection.receive(said)
    connection.answered()
    connection.receive(b"POST /a" + HEAD + b"Content-Length: %d\r\n\r\n" % len(said))
    assert told(connection.receive(said)) == [("data", said), ("end",)]
    connection.receive(b"G")
    assert told(connection.receive(said)) == [request("GGET", b"/a")]
    connection.receive(b"?\r\n\r\n")
    assert connection.receive(said) == []


def test_a_long_target_is_not_kept_with_an_idle_connection(monkeypatch):
    connection = H1Connection(Options())
    said = b"GET /%b" % (b"a" * MOST_KEPT) + HEAD + b"\r\n"
    connection.receive(said)
    fed = []
    feed = type(connection._message).feed
    monkeypatch.setattr(type(connection._message), "feed", lambda self, data: (fed.append(data), feed(self, data)))
    connection.receive(said)
    assert fed == [said]
