"""Every limit, tried with raw sockets from outside."""
import dataclasses
import socket
import threading
import time

import pytest
from conftest import PATIENCE, eventually
from consumers import accept, hello
from django.channels.test.linting import exempt
from websockets.exceptions import ConnectionClosed

from interface_server.app.ahead import AHEAD
from interface_server.app.websocket import WebSocketSession
from interface_server.backport import bridge
from interface_server.options import Options
from interface_server.protocols.connections import ConnectionLimiter
from interface_server.protocols.h1.connection import MOST_PIPELINED
from interface_server.protocols.h1.lifecycle import OPEN
from interface_server.protocols.h1.protocol import Http1Protocol

pytestmark = [pytest.mark.outer_pythons, pytest.mark.usefixtures("quick_sweeps")]


@pytest.fixture
def layer():
    from django.channels.layers.memory import InMemoryChannelLayer

    return InMemoryChannelLayer()


def read_all(connection):
    """Return what comes until the server closes the connection."""
    connection.settimeout(PATIENCE)
    received = b""
    while True:
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not data:
            return received
        received += data


def open_connection(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def say(server, *pieces):
    """Send pieces over one connection; return what comes until its end."""
    with open_connection(server) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return read_all(connection)


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def requests_seen(server):
    return [message for channel, message in server.workers.seen if channel == "http.request"]


# Sizes

@pytest.mark.parametrize("request_bytes, status", [
    (b"GET /" + b"x" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET /" + b"x" * 500, 414),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 1000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 200000, 431),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2001\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d1\r\n" + b"x" * 2001 + b"\r\n0\r\n\r\n", 413),
])
def test_request_that_is_too_large(start, request_bytes, status):
    server = start(
        {"http.request": hello}, max_request_line=400, max_header_bytes=900, max_headers=10, max_body_size=2000,
    )
    assert status_of(say(server, request_bytes)) == status
    assert not requests_seen(server)


def test_request_as_large_as_may_be(start):
    server = start({"http.request": hello}, max_header_bytes=900, max_headers=3, max_body_size=2000)
    received = say(
        server, b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000,
    )
    assert status_of(received) == 200


def test_body_that_grows_too_large_in_chunks(start):
    server = start({"http.request": lambda layer, message: None}, max_body_size=2000, inline_body_size=100)
    received = say(
        server, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"64\r\n" + b"x" * 100 + b"\r\n"] * 21,
    )
    assert status_of(received) == 413


@pytest.mark.parametrize("frames", [
    # One frame, and one message of several.
    b"\x81\xfe\x04\x00\0\0\0\0" + b"x" * 1024,
    b"\x81\xff" + b"\0\0\0\0\0\x01\0\0" + b"\0\0\0\0",
    b"\x01\xbe\0\0\0\0" + b"x" * 62 + b"\x00\xbe\0\0\0\0" + b"x" * 62 + b"\x80\xbe\0\0\0\0" + b"x" * 62,
])
def test_frame_or_message_that_is_too_large_closes_with_1009(start, frames):
    server = start({"websocket.connect": accept}, max_frame_size=500, max_message_size=150)
    with server.socket() as ws:
        ws.socket.sendall(frames)
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
        assert ws.close_code == 1009
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1009


def test_frames_beyond_the_rate_are_read_later(start):
    def echo(layer, message):
        layer.send(message["reply_channel"], {"text": message["text"]})

    server = start({"websocket.connect": accept, "websocket.receive": echo}, threads=1, max_frames_per_second=10)
    started = time.monotonic()
    with server.socket() as ws:
        # In one piece: what one read brings is not taken whole.
        ws.socket.sendall(b"".join(b"\x81\x82\0\0\0\0%02d" % number for number in range(24)))
        assert [ws.recv(PATIENCE) for _ in range(24)] == [f"{number:02}" for number in range(24)]
        # Not all at once, and not much later than need be.
        assert 0.5 < time.monotonic() - started < 10


@exempt("order", "path", "reply_channel")
def test_one_read_of_tiny_frames_does_not_become_thousands_of_messages(start, layer, monkeypatch):
    """The layer takes nothing; what waits for it is the bytes that came."""
    taken = []
    received = WebSocketSession.received

    def count(session, *frame):
        taken.append(frame)
        received(session, *frame)

    monkeypatch.setattr(WebSocketSession, "received", count)
    server = start({"websocket.connect": accept}, max_frames_per_second=0)
    with server.socket() as ws:
        server.workers.stop()
        for _ in range(layer.capacity):
            layer.send("websocket.receive", {"text": "in the way"})
        ws.socket.sendall(b"\x81\x80\0\0\0\0" * 10000)
        [session] = server.application.context.replies._sockets.values()
        eventually(lambda: session._inbound and session._inbound._paused, "the pause")
        assert session._inbound._paused and len(taken) < 100


def test_zero_takes_each_limit_away(start):
    """With all of them away, at once, everything goes on."""
    def echo(layer, message):
        layer.send(message["reply_channel"], {"text": message["text"]})

    def echo_body(layer, message):
        content = message["body"]
        while message.get("body_channel"):
            channel, chunk = layer.receive([message["body_channel"]], block=True)
            if channel is not None:
                content += chunk["content"]
                if not chunk["more_content"]:
                    break
        layer.send(message["reply_channel"], {"status": 200, "content": content})

    limits = {
        field.name: type(field.default)(0) for field in dataclasses.fields(Options)
        if type(field.default) in (int, float) and field.name != "shutdown_timeout"
    }
    assert len(limits) > 20
    server = start(
        {"websocket.connect": accept, "websocket.receive": echo, "http.request": echo_body}, **limits
    )
    body = b"x" * 300000
    status, _, content = server.request(
        "POST", "/" + "y" * 9000, body, {f"X-{number}": "z" * 400 for number in range(90)},
    )
    assert (status, content == body) == (200, True)
    with server.socket(max_size=None) as ws:
        ws.send("x" * 2000000)
        assert len(ws.recv(PATIENCE)) == 2000000
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1000


# Time

def test_headers_that_do_not_come(start):
    server = start({"http.request": hello}, header_timeout=0.2)
    assert status_of(say(server, b"GET / HTTP/1.1\r\nHost: x\r\nX-")) == 408


def test_connection_that_says_nothing(start):
    server = start({"http.request": hello}, header_timeout=0.2)
    assert say(server) == b""


def test_headers_that_come_a_byte_at_a_time(start):
    server = start({"http.request": hello}, header_timeout=0.3)
    with open_connection(server) as connection:
        started = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - started < PATIENCE:
                connection.sendall(b"x")
                connection.settimeout(0.02)
                try:
                    if connection.recv(1000):
                        raise OSError("answered with 408")
                except socket.timeout:
                    continue
        assert time.monotonic() - started < 5


def test_headers_that_come_a_byte_at_a_time_behind_another_request(start):
    server = start({"http.request": hello}, header_timeout=0.5)
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
        received, started = b"", time.monotonic()
        connection.settimeout(0.1)
        while time.monotonic() - started < PATIENCE:
            try:
                connection.sendall(b"x")
                data = connection.recv(1000)
            except socket.timeout:
                continue
            except OSError:
                break
            if not data:
                break
            received += data
        assert time.monotonic() - started < PATIENCE
        assert received.startswith(b"HTTP/1.1 200")


def test_body_that_does_not_come(start):
    server = start({"http.request": hello}, body_timeout=0.2)
    assert status_of(say(server, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")) == 408
    assert not requests_seen(server)


def test_rest_of_a_body_that_does_not_come(start):
    server = start(
        {"http.request": lambda layer, message: None}, body_timeout=0.2, inline_body_size=5, stream_bodies=True,
    )
    assert status_of(say(server, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")) == 408
    [request] = server.workers.wait_for("http.request")
    channel, message = server.workers.layer.receive([request["body_channel"]], block=True)
    assert message == {"closed": True}
    server.workers.wait_for("http.disconnect")


@pytest.mark.parametrize("size, stream_bodies", [(100000, False), (10000000, True)])
def test_a_worker_that_has_not_read_yet_has_few_pieces_of_a_body_before_it(start, size, stream_bodies):
    waiting, contents = [], []

    def read(layer, message):
        channel = message["body_channel"]
        eventually(lambda: layer.count_waiting(channel) >= AHEAD, "the pieces that come unasked")
        contents.append(message["body"])
        while True:
            waiting.append(layer.count_waiting(channel))
            _, piece = layer.receive([channel], block=True)
            contents.append(piece["content"])
            if not piece["more_content"]:
                break
        hello(layer, message)

    server = start({"http.request": read}, body_chunk_size=1000, inline_body_size=10, stream_bodies=stream_bodies)
    body = bytes(range(200)) * (size // 200)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
    response = say(server, head + body)
    assert status_of(response) == 200
    assert b"".join(contents) == body
    assert max(waiting) == AHEAD


def test_idle_connection_between_requests(start):
    server = start({"http.request": hello}, keep_alive_timeout=0.2)
    received = say(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert received.endswith(b"hello")


def test_client_that_reads_nothing(start):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"x" * 10000000})

    server = start({"http.request": consumer}, write_timeout=0.3)
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        server.workers.wait_for("http.disconnect")


def test_client_that_reads_nothing_and_asks_for_more(start):
    server = start(
        {"http.request": lambda layer, message: layer.send(
            message["reply_channel"], {"status": 200, "content": b"x" * 20000000})},
        write_timeout=1, response_buffer=0,
    )
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        server.workers.wait_for("http.request")
        [http] = server.server.limiter.connections
        eventually(lambda: http.flow.write_paused, "the pause")
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: not server.server.limiter.total, "the end of the connections")


def test_client_that_reads_slowly_but_surely(start):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"x" * 10000000})

    server = start({"http.request": consumer}, write_timeout=0.3)
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.settimeout(PATIENCE)
        size = 0
        while True:
            data = connection.recv(200000)
            if not data:
                break
            size += len(data)
            time.sleep(0.01)
    assert size > 10000000


def test_silent_socket_is_pinged_and_then_given_up(start):
    server = start({"websocket.connect": accept}, ping_interval=0.1, ping_timeout=0.1)
    with open_connection(server) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert read_all(connection).endswith(b"\r\n\r\n\x89\x00")
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1006


def test_socket_that_answers_pings_stays(start):
    server = start({"websocket.connect": accept}, ping_interval=0.05, ping_timeout=PATIENCE)
    with server.socket() as ws:
        with pytest.raises(TimeoutError):
            ws.recv(0.5)
        ws.ping().wait(PATIENCE)


def test_socket_ends_with_its_lifetime(start):
    server = start({"websocket.connect": accept}, websocket_lifetime=0.3)
    with server.socket() as ws:
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
        assert ws.close_code == 1012
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1012


def test_client_that_does_not_answer_a_close(start):
    server = start(
        {"websocket.connect": lambda layer, message: layer.send(
            message["reply_channel"], {"accept": True, "close": 4000},
        )},
        close_timeout=0.2,
    )
    with open_connection(server) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert read_all(connection).endswith(b"\x88\x02\x0f\xa0")
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 4000


# Number

def test_connections_in_all(start, caplog):
    server = start({"http.request": hello}, max_connections=2)
    with open_connection(server), open_connection(server) as second:
        second.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert second.recv(1000).startswith(b"HTTP/1.1 200")
        assert status_of(say(server)) == 503
    assert "Connections are being refused: there are 2 already" in caplog.text
    for _ in range(100):
        if not server.server.limiter.total:
            break
        time.sleep(0.05)
    assert server.get("/")[0] == 200


def test_connections_of_one_address(caplog):
    limiter = ConnectionLimiter(Options(max_connections_per_address=2, trusted_proxies=("10.0.0.0/8",)))
    first = limiter.acquire(("192.0.2.1", 1))
    assert limiter.acquire(("192.0.2.1", 2)) is not None
    assert limiter.acquire(("192.0.2.1", 3)) is None
    assert limiter.acquire(("::ffff:192.0.2.1", 3)) is None
    limiter.release(first)
    assert limiter.acquire(("192.0.2.1", 4)) is not None
    # Whoever comes and goes while it has as many as it may: that is one line.
    for number in range(100):
        limiter.release("192.0.2.1")
        assert limiter.acquire(("192.0.2.1", number)) is not None
        assert limiter.acquire(("192.0.2.1", number)) is None
    assert caplog.text.count("Connections are being refused") == 1
    # One subscriber has a whole network of IPv6.
    assert limiter.acquire(("2001:db8::1", 1)) is not None
    assert limiter.acquire(("2001:db8::2", 1)) is not None
    assert limiter.acquire(("2001:db8::3", 1)) is None
    assert limiter.acquire(("2001:db8:0:1::3", 1)) is not None
    # Behind these are many.
    for client in (("127.0.0.1", 1), ("::1", 1), ("10.1.2.3", 1), None):
        assert all(limiter.acquire(client) == "" for _ in range(5))


# What two programs in a row might read differently (RFC 9112, section 11.2)

@pytest.mark.parametrize("headers", [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding: \"chunked\"\r\n",
    b"X: y\rTransfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: -5\r\n",
    b"Content-Length: 0x5\r\n",
    b"Content-Length: 5 5\r\n",
    b"Content-Length : 5\r\n",
    b"Content-Length: \r\n",
    b"Content-Length\x00: 5\r\n",
    b" Content-Length: 5\r\n",
    b"X: a\r\n folded\r\nContent-Length: 5\r\n",
    b"X: a\r\n\tContent-Length: 5\r\n",
    b"X: a\x00b\r\nContent-Length: 5\r\n",
    b"X: a\nContent-Length: 5\r\n",
    b"Host: y\r\nContent-Length: 5\r\n",
    b"Content Length: 5\r\n",
    b": 5\r\n",
])
def test_ambiguous_request_is_refused_and_nothing_after_it_is_read(start, headers):
    server = start({"http.request": hello})
    received = say(
        server,
        b"POST /first HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert status_of(received) in (400, 501)
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in received.lower()
    assert not requests_seen(server)


@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n",
    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\rHost: x\r\r",
    b"nonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
])
def test_request_that_is_none(start, request_bytes):
    server = start({"http.request": hello}, header_timeout=0.5)
    received = say(server, request_bytes)
    assert status_of(received) in (400, 501, 505)
    assert not requests_seen(server)


@pytest.mark.parametrize("body", [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;extension=x\r\nhello\r\n0\r\n\r\n",
    b"005\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
])
def test_chunked_body_is_read_to_its_end_and_the_next_request_after_it(start, body):
    server = start({"http.request": hello}, threads=1)
    received = say(
        server, b"POST /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
        b"GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    assert received.count(b"HTTP/1.1 200") == 2
    first, second = requests_seen(server)
    assert (first["path"], first["body"]) == ("/first", b"hello")
    assert (second["path"], second["body"]) == ("/second", b"")


@pytest.mark.parametrize("body", [
    b"5\nhello\n0\n\n",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"5\r\nhelloX\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n5\r\nworld0\r\n\r\n",
])
def test_chunked_body_that_is_none(start, body):
    server = start({"http.request": hello})
    received = say(
        server, b"POST /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
        b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert status_of(received) == 400
    assert not requests_seen(server)


@pytest.mark.parametrize("body", [
    b"1;" + b"x" * 300000, b"0\r\nX: " + b"x" * 300000, b"0\r\n" + b"X: y\r\n" * 60000,
])
def test_endless_extensions_and_trailers_of_a_chunked_body(start, body):
    server = start({"http.request": hello})
    received = say(server, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", body)
    assert status_of(received) in (400, 431)
    assert not requests_seen(server)


def test_chunks_of_one_byte_are_fine(start):
    server = start({"http.request": hello})
    received = say(
        server, b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n" * 100000 + b"0\r\n\r\n",
    )
    assert status_of(received) == 200
    assert requests_seen(server)[0]["body"] == b"x" * 100000


def test_trailers_are_no_headers(start):
    server = start({"http.request": hello})
    say(
        server, b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nHost: y\r\n\r\n",
    )
    [request] = requests_seen(server)
    assert [name for name, _ in request["headers"]] == [b"host", b"connection", b"transfer-encoding"]


def test_request_behind_a_large_body_has_limits_of_its_own(start):
    server = start({"http.request": hello}, threads=1)
    received = say(
        server, b"POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200000 + b"GET /sec",
        b"ond HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    assert [message["path"] for message in requests_seen(server)] == ["/first", "/second"]
    assert received.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("target, host, path", [
    (b"http://other.example/a?b", b"other.example", "/a"),
    (b"HTTP://other.example:8080/a?b", b"other.example:8080", "/a"),
    (b"http://[::1]:80/a?b", b"[::1]:80", "/a"),
    (b"http://other.example?b", b"other.example", "/"),
])
def test_host_of_the_target_is_the_one_that_counts(start, target, host, path):
    """RFC 9112 section 3.2.2: two programs must not see two hosts."""
    server = start({"http.request": hello})
    say(server, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    [request] = requests_seen(server)
    assert [value for name, value in request["headers"] if name == b"host"] == [host]
    assert (request["path"], request["query_string"]) == (path, b"b")


def name_of(layer, message):
    layer.send(message["reply_channel"], {"status": 200, "content": message["path"].encode()})


def test_pipelined_requests_are_answered_in_order(start):
    server = start({"http.request": name_of})
    received = say(
        server, b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(4)),
        b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    bodies = [part.split(b"\r\n\r\n")[1] for part in received.split(b"HTTP/1.1 200")[1:]]
    assert bodies == [b"/0", b"/1", b"/2", b"/3", b"/last"]


def test_broken_request_behind_another_does_not_spoil_its_answer(start):
    server = start({"http.request": hello})
    received = say(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200") and received.endswith(b"hello")


@pytest.mark.parametrize("broken", [
    b"POST /broken HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhellonone",
    b"GET /broken HTTP/1.1\r\n\r\n",
    # It doesn't come to its end.
    b"GET /broken HTTP/1.1\r\n",
    # Some clients of old end a request with one line too many.
    b"\r\n",
])
def test_answers_to_the_requests_before_a_broken_one_are_given(start, broken):
    def slowly(layer, message):
        if message["path"] == "/0" and broken.strip():
            # It was refused by then.
            [connection] = server.server.limiter.connections
            eventually(lambda: connection._state is not OPEN)
        name_of(layer, message)

    server = start({"http.request": slowly}, threads=1, header_timeout=0.1, keep_alive_timeout=0.5)
    received = say(server, b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(3)) + broken)
    bodies = [part.split(b"\r\n\r\n")[1] for part in received.split(b"HTTP/1.1 200")[1:]]
    assert bodies == [b"/0", b"/1", b"/2"]
    assert received.count(b"HTTP/1.1 ") == 3


def test_many_pipelined_requests_are_not_all_taken(start, monkeypatch):
    held, waiting, begin = threading.Event(), [], Http1Protocol._begin

    def count(protocol, request):
        begin(protocol, request)
        waiting.append(len(protocol._exchanges))

    def answer_when_allowed(layer, message):
        held.wait(PATIENCE)
        name_of(layer, message)

    monkeypatch.setattr(Http1Protocol, "_begin", count)
    server = start({"http.request": answer_when_allowed})
    with open_connection(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        eventually(lambda: waiting, "the first requests")
        [connection] = server.server.limiter.connections
        eventually(lambda: connection.flow.read_paused, "the end of reading")
        assert len(waiting) <= MOST_PIPELINED
        held.set()
        received = read_all(client)
    # How many came before the first was answered is the network's affair, but
    # never did more wait, and all that was taken was answered.
    assert max(waiting) <= MOST_PIPELINED
    assert received.count(b"HTTP/1.1 200") == len(waiting) >= MOST_PIPELINED
    eventually(lambda: len(requests_seen(server)) == len(waiting), "the end of the last consumer")


def test_all_who_wait_learn_that_their_client_went(start, layer):
    server = start({"http.request": lambda layer, message: None}, close_timeout=0.1)
    with open_connection(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        server.workers.wait_for("http.request")
    server.workers.wait_for("http.disconnect")
    eventually(lambda: not server.application.context.replies.exchange_count, "the end of the requests")


def test_client_of_http_1_0_gets_no_chunks(start):
    def stream(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one ", "more_content": True})
        layer.send(message["reply_channel"], {"content": b"two"})

    server = start({"http.request": stream})
    received = say(server, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head, body = received.split(b"\r\n\r\n", 1)
    assert body == b"one two"
    assert b"transfer-encoding" not in head and b"connection: close" in head


def test_unknown_upgrade_is_an_ordinary_request(start):
    server = start({"http.request": hello}, threads=1)
    received = say(
        server,
        b"POST /first HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello"
        b"GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    assert received.count(b"HTTP/1.1 200") == 2
    assert [message["body"] for message in requests_seen(server)] == [b"hello", b""]


@pytest.mark.parametrize("headers, status", [
    (b"Sec-WebSocket-Version: 13\r\n", 400),
    (b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400),
    (b"Sec-WebSocket-Version: 13\r\n" + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" * 2, 400),
    (b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", 426),
    (b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nContent-Length: 5\r\n", 400),
])
def test_websocket_handshake_that_is_none(start, headers, status):
    server = start({})
    received = say(
        server, b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + headers + b"\r\nhello"
    )
    assert status_of(received) == status
    assert not server.workers.seen


def test_underscored_header_of_a_handshake_is_dropped(start):
    server = start({"websocket.connect": accept})
    with server.socket(additional_headers={"X_User": "root", "X-User": "joe"}):
        [connect] = server.workers.wait_for("websocket.connect")
    assert [b"x-user", b"joe"] in connect["headers"]
    assert b"root" not in [value for _, value in connect["headers"]]


# What a worker may not put into a response

@pytest.mark.parametrize("headers", [
    [[b"X-A", b"b\r\n\r\n<script>"]], [[b"X-A: b\r\nX-B", b"c"]], [[b"X-A", b"b\x00"]], [["X-A", "b\nc"]],
])
@exempt("headers")
def test_response_can_not_be_split(start, headers):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "headers": headers, "content": b"hello"})

    server = start({"http.request": consumer})
    assert server.get("/")[0] == 500


def test_busy_status_is_what_the_standard_says():
    assert (bridge.BUSY_STATUS, bridge.BUSY_CODE) == (503, 1013)
