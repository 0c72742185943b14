"""WebSockets through a running server, a layer and workers."""
import asyncio
import contextlib
import socket
import struct
import threading
import time

import pytest
from conftest import PATIENCE, eventually
from django.channels.exceptions import ChannelFull
from django.channels.test.linting import exempt
from mutants import HANDSHAKE
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interface_server.options import Options
from interface_server.protocols.ws.unread import Unread, UnreadTotal


def reply(**message):
    """Return a consumer that answers each message with this one."""
    def consumer(layer, received):
        layer.send(received["reply_channel"], message)
    return consumer


def echo(layer, message):
    """Answer with what came; as a worker's outbox does, wait while the reply channel is full."""
    kind = "text" if message["text"] is not None else "bytes"
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return layer.send(message["reply_channel"], {kind: message[kind]})
        except ChannelFull:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


ECHO = {"websocket.connect": reply(accept=True), "websocket.receive": echo}


def test_messages_for_a_client_that_is_gone_are_not_written(start, caplog):
    """asyncio warns of each write, from the sixth on, to a connection that has failed before."""
    server = start(ECHO)
    busy, free = threading.Event(), threading.Event()

    def work():
        busy.set()
        assert free.wait(PATIENCE)

    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(HANDSHAKE)
        assert client.recv(1000).startswith(b"HTTP/1.1 101")
        [connect] = server.workers.wait_for("websocket.connect")
        server.server._loop.call_soon_threadsafe(work)
        assert busy.wait(PATIENCE)
        for number in range(40):
            server.workers.layer.send(connect["reply_channel"], {"text": str(number)})
        # It is gone without a word, which the server reads after it has written.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    free.set()
    [disconnect] = server.workers.wait_for("websocket.disconnect")
    assert disconnect["code"] == 1006
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_echo(start):
    server = start(ECHO, threads=1)
    with server.socket("/caf%C3%A9?a=b", origin="http://x") as ws:
        for data in ("hello", "", "grüße", b"\x00\xff", b"", "x" * 100000):
            ws.send(data)
            assert ws.recv(PATIENCE) == data
    [connect] = server.workers.wait_for("websocket.connect")
    assert connect["path"] == "/café"
    assert connect["query_string"] == b"a=b"
    assert connect["scheme"] == "ws"
    assert connect["order"] == 0
    assert connect["root_path"] == ""
    assert connect["client"][0] == "127.0.0.1"
    assert [b"origin", b"http://x"] in connect["headers"]
    received = server.workers.wait_for("websocket.receive", 6)
    assert [message["order"] for message in received] == [1, 2, 3, 4, 5, 6]
    assert received[0] == {
        "reply_channel": connect["reply_channel"], "path": "/café", "order": 1, "text": "hello", "bytes": None,
    }
    [disconnect] = server.workers.wait_for("websocket.disconnect")
    assert disconnect == {"reply_channel": connect["reply_channel"], "path": "/café", "order": 7, "code": 1000}


def test_code_of_the_client_reaches_the_worker(start):
    server = start(ECHO)
    with server.socket() as ws:
        ws.close(4123)
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 4123


def test_client_that_just_goes(start):
    server = start(ECHO)
    with server.socket() as ws:
        ws.socket.shutdown(socket.SHUT_RDWR)
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] in (1005, 1006)


def test_many_that_go_at_once_are_all_told_of(start, layer):
    layer.capacity = 4
    all_are_gone = threading.Event()

    def goodbye(layer, message):
        all_are_gone.wait(PATIENCE)

    server = start({"websocket.connect": reply(accept=True), "websocket.disconnect": goodbye}, threads=1)
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(server.socket())
    eventually(lambda: not server.application.context.replies.socket_count)
    all_are_gone.set()
    server.workers.wait_for("websocket.disconnect", 12)


@pytest.mark.parametrize("message, status, body", [
    ({"accept": False}, 403, b""),
    ({"close": True}, 403, b""),
    ({"close": 4000}, 403, b""),
    ({"accept": False, "status": 401, "content": b"Log in."}, 401, b"Log in."),
])
def test_denial(start, message, status, body):
    server = start({"websocket.connect": reply(**message)})
    with pytest.raises(InvalidStatus) as refusal:
        server.socket()
    assert refusal.value.response.status_code == status
    assert refusal.value.response.body == body
    server.workers.wait_for("websocket.disconnect")


def test_data_accepts(start):
    server = start({"websocket.connect": reply(text="welcome")})
    with server.socket() as ws:
        assert ws.recv(PATIENCE) == "welcome"


def test_accept_with_headers(start):
    server = start({"websocket.connect": reply(accept=True, headers=[[b"X-Room", b"7"]])})
    with server.socket() as ws:
        assert ws.response.headers["x-room"] == "7"


@pytest.mark.parametrize("chosen, options, expected", [
    ({"subprotocol": "v2"}, {}, "v2"),
    ({}, {"ws_protocols": ("v3", "v2")}, "v2"),
    ({}, {}, None),
])
def test_subprotocol(start, chosen, options, expected):
    server = start({"websocket.connect": reply(accept=True, **chosen)}, **options)
    with server.socket(subprotocols=["v1", "v2"]) as ws:
        assert ws.subprotocol == expected


@pytest.mark.parametrize("message, code, reason", [
    ({"close": True}, 1000, ""),
    ({"close": 4001, "reason": "Bye."}, 4001, "Bye."),
    ({"text": "last", "close": 3000}, 3000, ""),
])
def test_close_by_the_worker(start, message, code, reason):
    server = start({"websocket.connect": reply(accept=True), "websocket.receive": reply(**message)})
    with server.socket() as ws:
        ws.send("please")
        if "text" in message:
            assert ws.recv(PATIENCE) == message["text"]
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
        assert (ws.close_code, ws.close_reason) == (code, reason)
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == code


def test_no_answer_to_the_handshake_gives_403(start):
    server = start({"websocket.connect": lambda layer, message: None}, websocket_handshake_timeout=0.2)
    with pytest.raises(InvalidStatus) as refusal:
        server.socket()
    assert refusal.value.response.status_code == 403
    server.workers.wait_for("websocket.disconnect")


def test_a_client_that_leaves_while_connect_runs_is_in_no_group_afterwards(start):
    runs, go_on = threading.Event(), threading.Event()

    def connect(layer, message):
        runs.set()
        assert go_on.wait(PATIENCE)
        layer.group_add("room", message["reply_channel"])
        layer.send(message["reply_channel"], {"accept": True})

    def disconnect(layer, message):
        layer.group_discard("room", message["reply_channel"])
        left.append(layer.group_channels("room"))

    left = []
    server = start({"websocket.connect": connect, "websocket.disconnect": disconnect}, threads=2)
    sock = socket.create_connection(("127.0.0.1", server.port))
    sock.sendall(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert runs.wait(PATIENCE)
    replies = server.application.context.replies
    assert replies.socket_count == 1
    sock.close()
    eventually(lambda: not replies.socket_count)
    assert not [name for name, _ in server.workers.seen if name == "websocket.disconnect"]
    go_on.set()
    server.workers.wait_for("websocket.disconnect")
    eventually(lambda: left)
    assert list(left[0]) == []


@exempt("headers", "order", "path", "reply_channel")
def test_full_channel_refuses_the_handshake_with_503(start, layer):
    server = start({}, threads=0, websocket_handshake_timeout=0, queue_timeout=0.05)
    for _ in range(layer.capacity):
        layer.send("websocket.connect", {})
    with pytest.raises(InvalidStatus) as refusal:
        server.socket()
    assert refusal.value.response.status_code == 503
    assert int(refusal.value.response.headers["retry-after"]) >= 1
    layer.flush()


def test_full_channel_closes_the_socket_with_1013(start, layer):
    go_on = threading.Event()

    def busy(layer, message):
        assert go_on.wait(PATIENCE)

    server = start({"websocket.connect": reply(accept=True), "websocket.receive": busy}, threads=1, send_timeout=0.1)
    with server.socket() as ws:
        with pytest.raises(ConnectionClosed):
            for _ in range(layer.capacity + 2):
                ws.send("x")
            ws.recv(PATIENCE)
        assert ws.close_code == 1013
    go_on.set()
    [disconnect] = server.workers.wait_for("websocket.disconnect")
    received = server.workers.wait_for("websocket.receive", layer.capacity + 1)
    assert disconnect["code"] == 1013
    # No number is left out, which workers could wait for.
    assert [message["order"] for message in received] == list(range(1, disconnect["order"]))


def test_what_a_client_sent_before_it_went_comes_before_its_going(start, layer):
    go_on = threading.Event()
    number = layer.capacity + 5

    def busy(layer, message):
        assert go_on.wait(PATIENCE)

    server = start(
        {"websocket.connect": reply(accept=True), "websocket.receive": busy}, threads=1, send_timeout=PATIENCE,
    )
    with server.socket() as ws:
        for _ in range(layer.capacity):
            ws.send("x")
        # Fewer than it takes for the client to be asked to wait.
        eventually(lambda: layer.channel_statistics("websocket.receive")["messages_pending"] >= layer.capacity - 1)
        for _ in range(5):
            ws.send("x")
    eventually(lambda: not server.application.context.replies.socket_count)
    go_on.set()
    received = server.workers.wait_for("websocket.receive", number)
    assert [message["order"] for message in received] == list(range(1, number + 1))
    assert server.workers.wait_for("websocket.disconnect")[0]["order"] == number + 1


def test_frames_that_wait_for_room_are_dropped_once_the_worker_closes(start, layer):
    go_on = threading.Event()

    def busy(layer, message):
        assert go_on.wait(PATIENCE)

    server = start(
        {"websocket.connect": reply(accept=True), "websocket.receive": busy}, threads=1, send_timeout=PATIENCE,
    )
    with server.socket() as ws:
        for _ in range(layer.capacity + 5):
            ws.send("x")
        [connect] = server.workers.wait_for("websocket.connect")
        eventually(lambda: layer.channel_statistics("websocket.receive")["messages_pending"] == layer.capacity)
        layer.send(connect["reply_channel"], {"close": 4001})
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
    go_on.set()
    [disconnect] = server.workers.wait_for("websocket.disconnect")
    received = server.workers.wait_for("websocket.receive", disconnect["order"] - 1)
    assert (disconnect["code"], [message["order"] for message in received]) == (
        4001, list(range(1, disconnect["order"])),
    )


def test_short_burst_waits_for_room(start, layer):
    server = start(ECHO, threads=1)
    with server.socket() as ws:
        for number in range(layer.capacity * 3):
            ws.send(str(number))
        for number in range(layer.capacity * 3):
            assert ws.recv(PATIENCE) == str(number)


@pytest.mark.parametrize("message", [{"text": "a", "bytes": b"b"}, {"close": 5}])
@exempt("bytes", "close")
def test_malformed_reply_is_ignored_and_logged(start, caplog, message):
    server = start({"websocket.connect": reply(accept=True), "websocket.receive": reply(**message)})
    with server.socket() as ws:
        ws.send("x")
        [received] = server.workers.wait_for("websocket.receive")
        server.workers.layer.send(received["reply_channel"], {"text": "still here"})
        assert ws.recv(PATIENCE) == "still here"
    assert "was ignored" in caplog.text


def test_reply_with_a_key_of_a_later_version_does_the_rest(start, caplog):
    server = start({
        "websocket.connect": reply(accept=True, later=1), "websocket.receive": reply(text="hi", later=2),
    })
    with server.socket() as ws:
        ws.send("x")
        assert ws.recv(PATIENCE) == "hi"


def test_headers_of_the_handshake_are_left_out(start):
    server = start({"websocket.connect": reply(accept=True, headers=[
        [b"sec-websocket-accept", b"x"], [b"sec-websocket-extensions", b"y"], [b"x-room", b"7"],
    ])})
    with server.socket() as ws:
        assert ws.response.headers.get_all("sec-websocket-accept") != ["x"]
        assert len(ws.response.headers.get_all("sec-websocket-accept")) == 1
        assert ws.response.headers["x-room"] == "7"


def test_subprotocol_that_was_not_offered_is_refused_at_once(start, caplog):
    server = start({"websocket.connect": reply(accept=True, subprotocol="v3")})
    with pytest.raises(InvalidStatus) as refused:
        server.socket(subprotocols=["v1", "v2"])
    assert refused.value.response.status_code == 500
    assert "not among those the client offers: v1, v2" in caplog.text


def test_group_reaches_every_member_once_and_in_order(start, layer):
    def join(layer, message):
        layer.send(message["reply_channel"], {"accept": True})
        layer.group_add("room", message["reply_channel"])

    server = start({"websocket.connect": join, "websocket.disconnect": lambda *args: None})
    with contextlib.ExitStack() as stack:
        members = [stack.enter_context(server.socket()) for _ in range(20)]
        server.workers.wait_for("websocket.connect", 20)
        for number in range(50):
            layer.send_group("room", {"text": str(number)})
        for member in members:
            assert [member.recv(PATIENCE) for _ in range(50)] == [str(number) for number in range(50)]


def test_slow_client_is_closed_and_costs_the_others_nothing(start, layer, caplog):
    def join(layer, message):
        layer.send(message["reply_channel"], {"accept": True})
        layer.group_add("room", message["reply_channel"])

    server = start({"websocket.connect": join}, outbound_buffer=200000, close_timeout=0.2)
    with server.socket(max_queue=1) as slow, server.socket("/healthy") as healthy:
        server.workers.wait_for("websocket.connect", 2)
        text = "x" * 50000
        for _ in range(400):
            layer.send_group("room", {"text": text})
            assert healthy.recv(PATIENCE) == text
        [disconnect] = server.workers.wait_for("websocket.disconnect")
        assert (disconnect["code"], disconnect["path"]) == (1013, "/")
        assert server.application.metrics.dropped["slow_client"] == 1
        assert "its client doesn't read" in caplog.text
        with contextlib.suppress(OSError):
            # The server may have cut it off already.
            slow.socket.shutdown(socket.SHUT_RDWR)


def test_client_that_only_says_that_it_is_there_is_closed(start, layer):
    """It answers no ping, since it reads none; but what it says shows that it is alive."""
    def join(layer, message):
        layer.send(message["reply_channel"], {"accept": True})
        layer.group_add("room", message["reply_channel"])

    server = start(
        {"websocket.connect": join}, outbound_buffer=0, write_timeout=0.5, close_timeout=0.2, ping_interval=5,
        ping_timeout=5,
    )
    with server.socket("/healthy") as healthy, socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        server.workers.wait_for("websocket.connect", 2)
        eventually(lambda: len(layer.group_channels("room")) == 2)
        text = "x" * 100000
        for _ in range(150):
            # More than the system keeps for it, which is megabytes.
            layer.send_group("room", {"text": text})
            assert healthy.recv(PATIENCE) == text

        def is_closed():
            with contextlib.suppress(OSError):
                # A pong that nobody has asked for.
                slow.sendall(b"\x8a\x80" + bytes(4))
            return server.application.metrics.dropped["slow_client"]

        assert eventually(is_closed) == 1
        [disconnect] = server.workers.wait_for("websocket.disconnect")
        assert (disconnect["code"], disconnect["path"]) == (1013, "/")


def test_pace_counts_what_is_written_meanwhile():
    class Transport:
        size = 100000

        def get_write_buffer_size(self):
            return self.size

    async def run():
        transport, late = Transport(), []
        options, total = Options(write_timeout=10, min_write_rate=100, max_buffered=250000), UnreadTotal()
        unread = Unread(transport, total, options, late.append)
        transport.size = 150000
        unread.add(bytes(51000))
        # 1,000 bytes were read, as many as the least rate makes.
        unread._look()
        assert not late
        transport.size = 199500
        unread.add(bytes(50000))
        unread._look()
        assert late == [199500]
        # Another one's is a part of what all may have.
        other = Unread(transport, total, options, late.append)
        other.add(b"")
        assert late == [199500, 199500] and total.size == 2 * 199500
        unread.stop()
        other.add(b"")
        assert len(late) == 2 and total.size == 199500
        other.stop()
        assert total.size == 0

    asyncio.run(run())


def test_late_replies_are_ignored(start, layer):
    server = start(ECHO)
    with server.socket():
        pass
    [connect] = server.workers.wait_for("websocket.connect")
    server.workers.wait_for("websocket.disconnect")
    layer.send(connect["reply_channel"], {"text": "late"})
    with server.socket() as ws:
        ws.send("still serving")
        assert ws.recv(PATIENCE) == "still serving"


def test_action_log(start):
    lines = []
    server = start(ECHO, lambda *line: lines.append(line))
    with server.socket("/room") as ws:
        client = "%s:%s" % ws.local_address
    server.workers.wait_for("websocket.disconnect")
    assert lines == [
        ("websocket", action, {"path": "/room", "client": client})
        for action in ("connecting", "connected", "disconnected")
    ]


def test_action_log_of_a_denial(start):
    lines = []
    server = start({"websocket.connect": reply(accept=False)}, lambda *line: lines.append(line[1]))
    with pytest.raises(InvalidStatus):
        server.socket("/room")
    server.workers.wait_for("websocket.disconnect")
    assert lines == ["connecting", "rejected"]
