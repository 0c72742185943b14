"""HTTP/2 in clear and over TLS, and what a client may not do with it."""
import asyncio
import contextlib
import re
import socket
import ssl
import subprocess
import threading

import h2.config
import h2.errors
import h2.events
import h2.settings
import pytest
from conftest import PATIENCE, eventually
from consumers import answer, echo_body, read_body
from django.channels.exceptions import LayerUnavailable
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.test.linting import exempt
from http2_client import tls_context
from hyperframe.frame import GoAwayFrame, WindowUpdateFrame
from needs import program

from interface_server.protocols import intake
from interface_server.protocols.h2 import connection as connection_module
from interface_server.protocols.h2.connection import BATCH, Http2Connection
from interface_server.protocols.h2.floods import IDLE_FRAMES
from interface_server.protocols.turns import MOST_SLICE

pytestmark = pytest.mark.usefixtures("quick_sweeps")


@pytest.fixture
def layer():
    return InMemoryChannelLayer()


def test_requests_on_one_connection(start, client):
    server = start({"http.request": echo_body}, inline_body_size=1000, body_chunk_size=100000)
    two = client(server)
    number = two.headers("GET", "/caf%C3%A9?a=b", [("cookie", "a=1"), ("cookie", "b=2"), ("x_user", "root")])
    status, headers, body = two.response(number)
    assert (status, body) == (200, b"")
    assert headers["content-length"] == "0" and "date" in headers
    [message] = server.workers.wait_for("http.request")
    assert message["http_version"] == "2"
    assert message["path"] == "/café"
    assert message["query_string"] == b"a=b"
    assert message["headers"] == [[b"host", b"localhost"], [b"cookie", b"a=1; b=2"]]
    server.workers.wait_for("http.disconnect")

    number = two.headers("POST", "/", end_stream=False)
    sent = bytes(range(256)) * 2048
    while sent:
        room = min(two.conn.local_flow_control_window(number), two.conn.max_outbound_frame_size, len(sent))
        if not room:
            assert two.read()
            continue
        two.conn.send_data(number, sent[:room])
        sent = sent[room:]
        two.flush()
    two.conn.end_stream(number)
    two.flush()
    status, headers, body = two.response(number)
    assert (status, body) == (200, bytes(range(256)) * 2048)
    assert int(headers["x-chunks"]) > 0


def test_streams_do_not_wait_for_each_other(start, client):
    go_on = threading.Event()

    def consumer(layer, message):
        if message["path"] == "/slow":
            assert go_on.wait(PATIENCE)
        layer.send(message["reply_channel"], {"status": 200, "content": message["path"].encode()})

    server = start({"http.request": consumer})
    two = client(server)
    slow, quick = two.headers(path="/slow"), two.headers(path="/quick")
    assert two.response(quick)[2] == b"/quick"
    go_on.set()
    assert two.response(slow)[2] == b"/slow"


def test_large_response_waits_for_the_windows_of_the_client(start, client):
    def consumer(layer, message):
        reply = {"status": 200, "content": b"x" * 100000, "more_content": True}
        for _ in range(20):
            layer.send_blocking(message["reply_channel"], reply, PATIENCE)
            reply = {"content": b"x" * 100000, "more_content": True}
        layer.send_blocking(message["reply_channel"], {"content": b""}, PATIENCE)

    server = start({"http.request": consumer})
    two = client(server)
    assert len(two.response(two.headers())[2]) == 2000000


def test_head_and_statuses_without_a_body(start, client):
    server = start({"http.request": answer(304)})
    two = client(server)
    assert two.response(two.headers("HEAD"))[::2] == (304, b"")


def test_head_of_a_stream_that_goes_on(start, client):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one ", "more_content": True})

    two = client(start({"http.request": consumer}))
    assert two.response(two.headers("HEAD"))[::2] == (200, b"")


def test_client_that_resets_a_stream(start, client):
    server = start({"http.request": lambda layer, message: None})
    two = client(server)
    number = two.headers()
    server.workers.wait_for("http.request")
    two.conn.reset_stream(number)
    two.flush()
    server.workers.wait_for("http.disconnect")


@pytest.mark.parametrize("extra, options, status", [
    ([("x-a", "x" * 5000)], {"max_header_bytes": 400}, None),
    ([(f"x-{number}", "y") for number in range(20)], {"max_headers": 10}, 431),
    ([("content-length", "2001")], {"max_body_size": 2000}, 413),
    ([("host", "elsewhere")], {}, None),
    ([("connection", "close")], {}, None),
    ([("transfer-encoding", "chunked")], {}, None),
    ([("X-Upper", "a")], {}, None),
    ([("x-a", "b\r\nc: d")], {}, None),
])
def test_request_that_is_refused(start, client, extra, options, status):
    server = start({"http.request": answer()}, **options)
    two = client(server)
    number = two.headers("POST", "/", extra, end_stream=False)
    if status is None:
        two.read_until_the_end()
        assert two.ended or two.of(h2.events.ConnectionTerminated) or two.of(h2.events.StreamReset)
    else:
        assert two.response(number)[0] == status
    assert not server.workers.seen


def test_clients_are_told_when_to_come_again_while_the_layer_is_away(start, client):
    server = start({"http.request": answer()})

    def refuse(channel, message, done):
        done(LayerUnavailable("away"))

    server.application.context.layer.send_then = refuse
    two = client(server)
    status, headers, body = two.response(two.headers())
    assert (status, headers["retry-after"]) == (503, "2")
    assert b"has lost its channel layer" in body


@pytest.mark.parametrize("path", ["/a b", "/a\tb", "/a\x7f", "/a HTTP/1.1", "/\xe9"])
def test_path_that_is_none(start, client, path):
    server = start({"http.request": answer()})
    two = client(server)
    assert two.response(two.headers("GET", path))[0] == 400
    assert not server.workers.seen


def test_path_that_is_too_long(start, client):
    server = start({"http.request": answer()}, max_request_line=100)
    two = client(server)
    assert two.response(two.headers(path="/" + "x" * 200))[0] == 414


#: What a request has that is as large as the options allow, beside "host: localhost"; what makes it larger by one;
#: the status of that.
EDGES = [
    ({"max_request_line": 100}, ("/" + 84 * "x", []), ("/" + 85 * "x", []), 414),
    ({"max_header_bytes": 200}, ("/", [("x-a", 176 * "x")]), ("/", [("x-a", 177 * "x")]), 431),
    ({"max_header_bytes": 200}, ("/", [("x-a", 127 * "x"), ("cookie", 39 * "y")]),
     ("/", [("x-a", 127 * "x"), ("cookie", 40 * "y")]), 431),
    ({"max_headers": 3}, ("/", [("x-a", "1"), ("x-b", "2")]), ("/", [("x-a", "1"), ("x-b", "2"), ("x-c", "3")]), 431),
]


@pytest.mark.parametrize("options, most, more, status", EDGES)
def test_limits_end_at_the_same_byte_as_over_http_1(start, client, options, most, more, status):
    server = start({"http.request": answer()}, **options)

    def over_http_1(path, headers):
        lines = [f"GET {path} HTTP/1.1", "host: localhost", *[f"{name}: {value}" for name, value in headers], "", ""]
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall("\r\n".join(lines).encode("ascii"))
            return int(connection.recv(1000).split()[1])

    def over_http_2(path, headers):
        two = client(server)
        return two.response(two.headers("GET", path, headers))[0]

    assert [over_http_1(*most), over_http_2(*most)] == [200, 200]
    assert [over_http_1(*more), over_http_2(*more)] == [status, status]


EXPECT = ("expect", "100-Continue")


def test_body_that_waits_to_be_asked_for(start, client):
    server = start({"http.request": echo_body}, inline_body_size=1)
    two = client(server)
    number = two.headers("POST", "/", [EXPECT], end_stream=False)
    while not two.of(h2.events.InformationalResponseReceived, number):
        assert two.read()
    two.conn.send_data(number, b"hello", end_stream=True)
    two.flush()
    assert two.response(number)[::2] == (200, b"hello")
    [told] = two.of(h2.events.InformationalResponseReceived, number)
    assert told.headers == [(b":status", b"100")]


@pytest.mark.parametrize("extra, body, options, status", [
    ([], b"", {}, 200),
    ([EXPECT], b"hello", {}, 200),
    ([EXPECT], None, {"allowed_hosts": ("example.com",)}, 400),
    ([EXPECT, ("content-length", "2001")], None, {"max_body_size": 2000}, 413),
], ids=["not wanted", "body is here", "other host", "too large"])
def test_body_that_need_not_be_asked_for(start, client, extra, body, options, status):
    server = start({"http.request": answer()}, **options)
    two = client(server)
    # In one piece.
    number = two.conn.get_next_available_stream_id()
    two.conn.send_headers(number, [
        (":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", "/"), *extra,
    ])
    if body is not None:
        two.conn.send_data(number, body)
        two.wait_for_server()
        two.conn.end_stream(number)
    two.flush()
    assert two.response(number)[0] == status
    assert not two.of(h2.events.InformationalResponseReceived)


def test_body_that_grows_too_large(start, client):
    server = start(
        {"http.request": lambda layer, message: None}, max_body_size=2000, inline_body_size=100, stream_bodies=True,
    )
    two = client(server)
    number = two.headers("POST", end_stream=False)
    two.conn.send_data(number, b"x" * 1500)
    two.flush()
    server.workers.wait_for("http.request")
    two.conn.send_data(number, b"x" * 1500)
    two.flush()
    assert two.response(number)[0] == 413
    server.workers.wait_for("http.disconnect")


def test_body_that_grows_too_large_during_the_response(start, client):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"x", "more_content": True})

    server = start({"http.request": consumer}, max_body_size=2000, inline_body_size=100, stream_bodies=True)
    two = client(server)
    number = two.headers("POST", end_stream=False)
    two.conn.send_data(number, b"x" * 1500)
    two.flush()
    while not two.of(h2.events.DataReceived, number):
        assert two.read()
    two.conn.send_data(number, b"x" * 1500)
    two.flush()
    two.response(number)
    assert two.of(h2.events.StreamReset, number)[0].error_code == h2.errors.ErrorCodes.CANCEL
    server.workers.wait_for("http.disconnect")


def test_refused_bodies_leave_the_window_of_the_connection_open(start, client, monkeypatch):
    monkeypatch.setattr(connection_module, "CONNECTION_WINDOW", 128 * 1024)
    server = start({"http.request": lambda layer, message: None}, max_body_size=2000)
    two = client(server)
    for _ in range(20):
        number = two.headers("POST", end_stream=False)
        two.conn.send_data(number, b"x" * 12000, pad_length=255)
        two.flush()
        assert two.response(number)[0] == 413
    # All that isn't in the window is about to be given back to it, once.
    [connection] = server.server.limiter.connections
    windows = connection._conn._inbound_flow_control_window_manager
    assert windows.max_window_size == connection_module.CONNECTION_WINDOW
    assert windows.current_window_size + windows._bytes_processed == windows.max_window_size


def test_body_that_does_not_come(start, client):
    server = start({"http.request": lambda layer, message: None}, body_timeout=0.2)
    two = client(server)
    assert two.response(two.headers("POST", end_stream=False)) == h2.errors.ErrorCodes.CANCEL


def fill_window(two, number):
    """Send on a stream what the server has room for, and wait until it is there."""
    size = 0
    while True:
        room = min(two.conn.local_flow_control_window(number), two.conn.max_outbound_frame_size)
        if not room:
            break
        two.conn.send_data(number, b"x" * room)
        two.flush()
        size += room
    two.wait_for_server()
    return size


def let_deadline_pass(connection, stream):
    """Have the deadline of a stream's body be over; wait until that was seen."""
    stream.body_deadline = connection.deadline = 1.0
    eventually(lambda: connection.deadline != 1.0, "the look at the deadlines")


def test_body_that_nobody_reads_is_not_late(start, client, monkeypatch):
    # One stream can fill the window of the whole connection.
    monkeypatch.setattr(connection_module, "CONNECTION_WINDOW", connection_module.STREAM_WINDOW // 2)
    go_on = threading.Event()

    def consumer(layer, message):
        assert go_on.wait(PATIENCE)
        answer(content=b"%d" % len(read_body(layer, message)[0]))(layer, message)

    # The body's channel has room for one piece.
    layer = InMemoryChannelLayer(channel_capacity={"http.request.body*": 1})
    server = start({"http.request": consumer}, layer=layer, inline_body_size=1, body_chunk_size=1, stream_bodies=True)
    two = client(server)
    first, second = two.headers("POST", end_stream=False), two.headers("POST", end_stream=False)
    two.wait_for_server()
    [connection] = server.server.limiter.connections
    full, starved = connection.receiver.streams[first], connection.receiver.streams[second]
    # One frame in the request, one in the channel and one that waits for room:
    # each is sent once the one before was read, so that no two are read as one.
    for number in range(3):
        two.conn.send_data(first, b"x" * 16384)
        two.flush()
        eventually(lambda: full.body_size - len(full.body) == (number + 1) * 16384, "the reading of a frame")
    two.conn.send_data(first, b"x" * 16384)
    two.flush()
    two.wait_for_server()
    sent = 4 * 16384
    assert full.body and connection._conn.inbound_flow_control_window
    let_deadline_pass(connection, full)
    assert not full.disconnected
    while connection._conn.inbound_flow_control_window:
        sent += fill_window(two, first)
    let_deadline_pass(connection, full)
    let_deadline_pass(connection, starved)
    assert not full.disconnected and not starved.disconnected
    # What is read gives the client its time anew, before it says anything.
    full.body_deadline = 1.0
    go_on.set()
    eventually(lambda: full.body_deadline > 1.0, "the next deadline")
    while not two.conn.local_flow_control_window(second):
        assert two.read()
    for number in (first, second):
        two.conn.send_data(number, b"x", end_stream=True)
    two.flush()
    assert [two.response(number)[2] for number in (first, second)] == [b"%d" % (sent + 1), b"1"]


def test_end_of_a_body_opens_no_window(start, client):
    server = start(
        {"http.request": answer(content=b"x" * 1000)}, write_timeout=0.3, inline_body_size=1, body_timeout=0,
        stream_bodies=True,
    )
    two = client(server)
    two.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
    number = two.headers("POST", end_stream=False)
    two.conn.send_data(number, b"x")
    two.flush()
    while not two.of(h2.events.ResponseReceived, number):
        assert two.read()
    two.conn.end_stream(number)
    two.flush()
    assert two.response(number)[0] == 200
    assert two.of(h2.events.StreamReset, number)[0].error_code == h2.errors.ErrorCodes.CANCEL


def test_streams_beyond_the_limit_are_refused(start, client):
    server = start({"http.request": lambda layer, message: None}, max_streams=2)
    two = client(server)
    while not two.of(h2.events.RemoteSettingsChanged):
        assert two.read()
    assert two.conn.remote_settings.max_concurrent_streams == 2
    two.conn.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 100
    two.conn.remote_settings.acknowledge()
    numbers = [two.headers() for _ in range(3)]
    # RFC 9113 section 5.1.2: the stream is at fault, not the connection.
    assert two.response(numbers[2]) == h2.errors.ErrorCodes.REFUSED_STREAM
    two.wait_for_server()
    assert not two.of(h2.events.ConnectionTerminated)


def test_rapid_resets(start, client):
    server = start({"http.request": lambda layer, message: None})
    two = client(server)
    with contextlib.suppress(OSError):
        for _ in range(300):
            two.conn.reset_stream(two.headers())
            two.flush()
    two.read_until_the_end()
    terminated = two.of(h2.events.ConnectionTerminated)
    assert terminated and terminated[0].error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("frame", [b"\0\0\0\4\1\0\0\0\0", b"\0\0\1\0\0\0\0\0\1x"])
def test_flood_of_acknowledgements_and_of_frames_on_a_closed_stream(start, client, frame):
    server = start({"http.request": answer()})
    person = client(server)
    assert person.response(person.headers())[0] == 200
    with contextlib.suppress(OSError):
        person.socket.sendall(frame * 20000)
    person.read_until_the_end()
    [terminated] = person.of(h2.events.ConnectionTerminated)
    assert terminated.error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


def test_stream_beyond_the_limit_costs_only_itself(start, client):
    server = start({"http.request": answer()}, max_streams=5)
    person = client(server)
    # In one write, as a client may before it has read our settings.
    flush = person.flush
    person.flush = lambda: None
    numbers = [person.headers() for _ in range(6)]
    person.flush = flush
    person.flush()
    found = [person.response(number) for number in numbers]
    assert [each[0] for each in found[:5]] == [200] * 5
    assert found[5] == h2.errors.ErrorCodes.REFUSED_STREAM


def test_ping_flood(start, client):
    server = start({"http.request": lambda layer, message: None})
    two = client(server)
    with contextlib.suppress(OSError):
        for _ in range(1000):
            two.conn.ping(b"12345678")
        two.flush()
    two.read_until_the_end()
    assert two.ended


def assert_sent_away(two):
    two.read_until_the_end()
    terminated = two.of(h2.events.ConnectionTerminated)
    assert terminated and terminated[-1].error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


def test_flood_of_window_updates(start, client):
    server = start({"http.request": lambda layer, message: None})
    two = client(server)
    with contextlib.suppress(OSError):
        for _ in range(5000):
            two.conn.increment_flow_control_window(1)
        two.flush()
    assert_sent_away(two)


@pytest.mark.parametrize("frame", [
    b"\0\0\0\xfa\0\0\0\0\0",  # Of an unknown type.
    b"\0\0\0\x04\0\0\0\0\0",  # SETTINGS without any.
    b"\0\0\5\2\0\0\0\0\1\0\0\0\0\1",  # PRIORITY
    b"\0\0\0\0\0\0\0\0\1",  # DATA without any.
    GoAwayFrame(0).serialize(),
])
def test_flood_of_frames_without_use(start, client, frame):
    server = start({"http.request": lambda layer, message: None})
    two = client(server)
    two.headers("POST", end_stream=False)
    with contextlib.suppress(OSError):
        two.socket.sendall(frame * 1000)
    assert_sent_away(two)


@pytest.mark.parametrize("frame", [
    b"\0\0\0\x04\0\0\0\0\0",  # SETTINGS without any.
    b"\0\0\x08\6\0\0\0\0\0" + bytes(8),  # PING
])
def test_flood_is_noticed_in_the_middle_of_one_read(start, client, frame, monkeypatch):
    """What one read brings takes the library a quarter of a second, and others wait for it."""
    monkeypatch.setattr(intake, "FIRST_SLICE", MOST_SLICE)
    looked_at = []
    take = Http2Connection._receive_frame

    def count(connection, frame):
        if not connection.config.client_side:
            looked_at.append(frame)
        return take(connection, frame)

    monkeypatch.setattr(Http2Connection, "_receive_frame", count)
    server = start({})
    two = client(server)
    with contextlib.suppress(OSError):
        two.socket.sendall(frame * 3500)
    assert_sent_away(two)
    # And the first two: a client's own, and its acknowledgment.
    assert len(looked_at) <= IDLE_FRAMES + BATCH + 2


def test_many_bodies_that_end_with_an_empty_frame_are_no_flood(start, client):
    server = start({"http.request": answer()})
    two = client(server)
    for _ in range(4):
        numbers = [two.headers("POST", end_stream=False) for _ in range(80)]
        for number in numbers:
            two.conn.end_stream(number)
        two.flush()
        assert all(two.response(number)[0] == 200 for number in numbers)


def test_streams_that_were_reset_count_until_they_have_ended(start, client):
    server = start({"http.request": lambda layer, message: None}, max_streams=5)
    two = client(server)
    first = [two.headers() for _ in range(5)]
    server.workers.wait_for("http.request", 5)
    for number in first:
        two.conn.reset_stream(number)
    # In the same piece, and before the server could end the first ones.
    second = two.headers()
    assert two.response(second) == h2.errors.ErrorCodes.REFUSED_STREAM


def test_continuation_without_an_end(start, client):
    server = start({})
    two = client(server)
    with contextlib.suppress(OSError):
        two.socket.sendall(b"\0\0\1\1\0\0\0\0\1\x82" + b"\0\0\1\x09\0\0\0\0\1\x84" * 10000)
    two.read_until_the_end()
    assert two.ended


def test_large_table_of_headers_stays_with_the_client(start, client):
    server = start({"http.request": answer()})
    two = client(server)
    two.conn.update_settings({h2.settings.SettingCodes.HEADER_TABLE_SIZE: 2 ** 30})
    two.flush()
    assert two.response(two.headers())[0] == 200
    [connection] = server.server.limiter.connections
    assert connection._conn.encoder.header_table_size == 4096
    assert two.response(two.headers())[0] == 200


@pytest.mark.parametrize("method", [b"G\xc3T", b"", b"GET /smuggled", b"GE\tT"])
def test_method_that_is_none(start, client, method, caplog):
    server = start({"http.request": answer()})
    two = client(server)
    status = two.response(two.headers(method))
    assert status == h2.errors.ErrorCodes.PROTOCOL_ERROR or status[0] == 400
    assert not caplog.records


def test_client_that_opens_no_window(start, client):
    server = start(
        {"http.request": lambda layer, message: layer.send(
            message["reply_channel"], {"status": 200, "content": b"x" * 1000})},
        write_timeout=0.3,
    )
    two = client(server)
    two.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
    number = two.headers()
    while not two.of(h2.events.StreamReset, number):
        assert two.read()
    assert two.of(h2.events.StreamReset, number)[0].error_code == h2.errors.ErrorCodes.CANCEL
    server.workers.wait_for("http.disconnect")


def test_push_becomes_an_early_hint(start, client):
    def consumer(layer, message):
        for request in [
            {"path": "/a b.css", "query_string": b"v=1"}, {"path": "/page/"}, {"path": "/x.js", "method": "POST"},
        ]:
            pushed = dict({"method": "GET", "http_version": "2", "headers": []}, **request)
            layer.send(message["reply_channel"], {"request": pushed})
        layer.send(message["reply_channel"], {"status": 200, "content": b"hello"})

    server = start({"http.request": consumer}, threads=1)
    two = client(server)
    number = two.headers()
    assert two.response(number)[::2] == (200, b"hello")
    [hint] = two.of(h2.events.InformationalResponseReceived, number)
    assert hint.headers == [(b":status", b"103"), (b"link", b"</a%20b.css?v=1>; rel=preload; as=style")]
    # Clients of HTTP/1.1 might take it for the answer.
    assert server.get("/")[::2] == (200, b"hello")


@exempt("request")
def test_push_of_nonsense_is_a_malformed_response(start, client):
    server = start({"http.request": lambda layer, message: layer.send(message["reply_channel"], {"request": []})})
    assert server.get("/")[0] == 500


def test_idle_connection_ends(start, client):
    server = start({"http.request": answer()}, keep_alive_timeout=0.2)
    two = client(server)
    two.response(two.headers())
    two.read_until_the_end()
    assert two.of(h2.events.ConnectionTerminated)[0].error_code == h2.errors.ErrorCodes.NO_ERROR


def test_client_that_reads_nothing(start, client):
    server = start(
        {"http.request": lambda layer, message: layer.send(
            message["reply_channel"], {"status": 200, "content": b"x" * 10000000})},
        write_timeout=1, response_buffer=0,
    )
    two = client(server)
    two.conn.increment_flow_control_window(2 ** 30)
    two.conn.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2 ** 30})
    two.headers()
    server.workers.wait_for("http.request")
    [connection] = server.server.limiter.connections
    eventually(lambda: not connection.writer.writable.is_set(), "the pause")
    # That is no sign of life as long as it doesn't read.
    two.headers(method="HEAD")
    server.workers.wait_for("http.disconnect", 2)


def test_streams_are_finished_when_the_server_stops(start):
    # By curl: to the library h2 a connection that says goodbye has ended.
    arrived, go_on = threading.Event(), threading.Event()

    def consumer(layer, message):
        arrived.set()
        assert go_on.wait(PATIENCE)
        layer.send(message["reply_channel"], {"status": 200, "content": b"done"})

    server = start({"http.request": consumer})
    with subprocess.Popen(
        [program("curl", "curl"), "-sS", "--http2-prior-knowledge", f"http://127.0.0.1:{server.port}/"],
        stdout=subprocess.PIPE,
    ) as curl:
        assert arrived.wait(PATIENCE)
        server.ask_to_stop()
        assert server.stopped_accepting()
        go_on.set()
        assert curl.communicate(timeout=PATIENCE)[0] == b"done"
    server.stop()


def test_streams_are_finished_when_the_client_says_goodbye(start, client):
    go_on = threading.Event()

    def consumer(layer, message):
        assert go_on.wait(PATIENCE)
        layer.send(message["reply_channel"], {"status": 200, "content": b"x" * 100000})

    server = start({"http.request": consumer})
    two = client(server)
    number = two.headers()
    two.read()
    # In the same piece as what the response needs.
    two.socket.sendall(GoAwayFrame(0).serialize() + WindowUpdateFrame(number, 2 ** 20).serialize())
    while not two.of(h2.events.ConnectionTerminated):
        assert two.read()
    assert two.response(two.headers()) == h2.errors.ErrorCodes.REFUSED_STREAM
    go_on.set()
    assert two.response(number)[::2] == (200, b"x" * 100000)
    two.read_until_the_end()


def test_client_that_says_goodbye_for_an_error(start, client):
    server = start({"http.request": lambda layer, message: None})
    two = client(server)
    two.headers()
    server.workers.wait_for("http.request")
    two.wait_for_server()
    two.socket.sendall(GoAwayFrame(0, error_code=h2.errors.ErrorCodes.INTERNAL_ERROR).serialize())
    two.read_until_the_end()
    server.workers.wait_for("http.disconnect")


def test_tls_with_alpn(start, client, certificate):
    server = start({"http.request": answer(content=b"hello")}, certificate=certificate[0], private_key=certificate[1])
    two = client(server, tls_context(certificate, "h2", "http/1.1"))
    assert two.socket.selected_alpn_protocol() == "h2"
    assert two.socket.version() == "TLSv1.3"
    assert two.response(two.headers())[2] == b"hello"
    assert server.workers.wait_for("http.request")[0]["scheme"] == "https"


@pytest.mark.parametrize("scheme", ["https", "file"])
def test_scheme_is_that_of_the_connection(start, client, scheme):
    """A proxy that ends TLS may say https: not refused. Anybody may: not believed (RFC 9113, 8.3.1)."""
    server = start({"http.request": answer()})
    two = client(server)
    two.scheme = scheme
    assert two.response(two.headers())[0] == 200
    assert server.workers.wait_for("http.request")[0]["scheme"] == "http"


def test_early_answer_comes_before_the_reset_and_not_with_it(start, client, certificate):
    """Each read is one write of the server's here: a record of TLS."""
    server = start({}, certificate=certificate[0], private_key=certificate[1], max_body_size=1000)
    two = client(server, tls_context(certificate, "h2"))
    two.headers("POST", extra=[("content-length", "2000")], end_stream=False)
    kinds = set()
    while 3 not in kinds:
        data, kinds = two.socket.recv(65536), set()
        assert data
        while data:
            kinds.add(data[3])
            data = data[9 + int.from_bytes(data[:3], "big"):]
    # RST_STREAM, and not DATA.
    assert kinds == {3}


def test_tls_without_alpn_is_http_1(start, certificate):
    server = start({"http.request": answer(content=b"hello")}, certificate=certificate[0], private_key=certificate[1])
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain:
        with tls_context(certificate, "http/1.1").wrap_socket(plain, server_hostname="localhost") as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = b""
            while not received.endswith(b"hello"):
                received += secure.recv(1000)
    assert server.workers.wait_for("http.request")[0]["scheme"] == "https"


def test_tls_websocket(start, certificate):
    # Not the client with threads: it reads in one while it writes in another,
    # which breaks its connection now and then as long as TLS 1.3's session
    # tickets are on their way. OpenSSL doesn't allow that, and Python (seen with
    # 3.11.7 and a server of its own) doesn't prevent it.
    from websockets.asyncio.client import connect

    def accept(layer, message):
        layer.send(message["reply_channel"], {"text": "hello"})

    server = start({"websocket.connect": accept}, certificate=certificate[0], private_key=certificate[1])
    context = ssl.create_default_context(cafile=certificate[0])

    async def talk():
        url = f"wss://localhost:{server.port}/"
        async with connect(url, ssl=context, compression=None, open_timeout=PATIENCE) as ws:
            return await asyncio.wait_for(ws.recv(), PATIENCE)

    assert asyncio.run(talk()) == "hello"
    assert server.workers.wait_for("websocket.connect")[0]["scheme"] == "wss"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(start, certificate, version):
    server = start({"http.request": answer()}, certificate=certificate[0], private_key=certificate[1])
    context = tls_context(certificate, "http/1.1")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(plain, server_hostname="localhost")


def test_tls_handshake_that_does_not_come(start, certificate):
    server = start({}, certificate=certificate[0], private_key=certificate[1], header_timeout=0.2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain:
        assert plain.recv(1000) == b""


def test_connections_count_before_their_handshake(start, certificate):
    server = start(
        {"http.request": answer(content=b"hello")}, certificate=certificate[0], private_key=certificate[1],
        max_connections=2, header_timeout=0.5,
    )
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address), socket.create_connection(address):
        eventually(lambda: server.server.limiter.total == 2, "the counting")
        with socket.create_connection(address, timeout=PATIENCE) as third, pytest.raises(OSError):
            tls_context(certificate, "http/1.1").wrap_socket(third, server_hostname="localhost")
        assert server.server.limiter.refused["total"] == 1
    # Those two had their time.
    eventually(lambda: not server.server.limiter.total, "the end of the connections")


def test_request_in_the_same_bytes_as_the_end_of_the_handshake(start, certificate):
    server = start({"http.request": answer(content=b"hello")}, certificate=certificate[0], private_key=certificate[1])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = tls_context(certificate, "http/1.1").wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        while True:
            try:
                secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
        secure.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        connection.sendall(outgoing.read())
        answered = b""
        while not answered.endswith(b"hello"):
            try:
                answered += secure.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(connection.recv(65536))
    assert answered.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("arguments", [
    ["--http2-prior-knowledge"], ["--http1.1"], ["--http2"], ["--http2", "-d", "a=b"], ["--http1.0"],
])
def test_curl_in_clear(start, arguments):
    server = start({"http.request": answer(content=b"hello")})
    output = subprocess.run(
        [program("curl", "curl"), "-sS", *arguments, f"http://127.0.0.1:{server.port}/"], check=True,
        capture_output=True, timeout=PATIENCE,
    ).stdout
    assert output == b"hello"


@pytest.mark.parametrize("arguments, version", [(["--http2"], b"2"), (["--http1.1"], b"1.1")])
def test_curl_over_tls(start, certificate, arguments, version):
    server = start({"http.request": answer(content=b"hello")}, certificate=certificate[0], private_key=certificate[1])
    output = subprocess.run(
        [program("curl", "curl"), "-sS", "--cacert", certificate[0], "-w", " %{http_version}", *arguments,
         f"https://localhost:{server.port}/"], check=True, capture_output=True, timeout=PATIENCE,
    ).stdout
    assert output == b"hello " + version


@pytest.mark.parametrize("over_tls", [False, True], ids=["clear", "TLS"])
def test_nghttp(start, certificate, over_tls):
    tls = dict(zip(("certificate", "private_key"), certificate)) if over_tls else {}
    server = start({"http.request": lambda layer, message: layer.send(
        message["reply_channel"], {"status": 200, "content": message["path"].encode() * 10000})}, **tls)
    scheme = "https" if over_tls else "http"
    urls = [f"{scheme}://127.0.0.1:{server.port}/{number}" for number in range(5)]
    told = subprocess.run(
        [program("nghttp", "nghttp2-client"), "--null-out", "--stat", "--multiply=4", "--no-verify-peer", *urls],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
    ).stdout.decode()
    assert re.findall(r" 200 +(\d+K?) /\d", told) == ["19K"] * 20, told


@pytest.mark.parametrize("over_tls", [False, True], ids=["clear", "TLS"])
def test_httpx(start, certificate, over_tls):
    httpx = pytest.importorskip("httpx", reason="pip install httpx[http2]")
    tls = dict(zip(("certificate", "private_key"), certificate)) if over_tls else {}
    server = start({"http.request": echo_body}, **tls)
    scheme, context = ("https", ssl.create_default_context(cafile=certificate[0])) if over_tls else ("http", False)
    with httpx.Client(http1=over_tls, http2=True, verify=context, timeout=PATIENCE) as client:
        for size in (0, 100, 3000000):
            response = client.post(f"{scheme}://localhost:{server.port}/", content=b"x" * size)
            assert (response.status_code, response.http_version) == (200, "HTTP/2")
            assert response.content == b"x" * size
