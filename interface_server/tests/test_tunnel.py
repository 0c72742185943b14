"""WebSockets inside a connection of HTTP/2 (RFC 8441)."""
import h2.errors
import h2.events
import h2.settings
import pytest
from consumers import accept
from django.channels.layers.memory import InMemoryChannelLayer
from http2_client import tls_context
from mutants import frame

from interface_server.protocols.ws.frames import BINARY, CLOSE, PING, PONG, TEXT

pytestmark = pytest.mark.usefixtures("quick_sweeps")

HANDSHAKE = [(":protocol", "websocket"), ("sec-websocket-version", "13"), ("origin", "http://localhost")]


@pytest.fixture
def layer():
    return InMemoryChannelLayer()


def echo(layer, message):
    text, data = message["text"], message["bytes"]
    layer.send(message["reply_channel"], {"text": text} if data is None else {"bytes": data})


class Socket:
    """A WebSocket on a stream of a test's Client."""

    def __init__(self, two, path="/", extra=HANDSHAKE):
        while not two.of(h2.events.RemoteSettingsChanged):
            assert two.read()
        self.two = two
        self.number = two.headers("CONNECT", path, extra, end_stream=False)
        self.taken = 0

    def answer(self):
        """Return the status and headers of the handshake's answer."""
        while not self.two.of(h2.events.ResponseReceived, self.number):
            assert self.two.read(), self.two.events
        headers = dict(self.two.of(h2.events.ResponseReceived, self.number)[0].headers)
        return int(headers.pop(b":status")), headers

    def send(self, *frames):
        data = b"".join(frames)
        for position in range(0, len(data), 16384):
            while self.two.conn.local_flow_control_window(self.number) < 16384:
                assert self.two.read()
            self.two.conn.send_data(self.number, data[position:position + 16384])
            self.two.flush()

    @property
    def received(self):
        return b"".join(event.data for event in self.two.of(h2.events.DataReceived, self.number))

    def recv(self):
        """Return (opcode, payload) of the next frame."""
        while True:
            data = self.received[self.taken:]
            if len(data) >= 2:
                size, start = data[1], 2
                if size > 125:
                    start = 4 if size == 126 else 10
                    size = int.from_bytes(data[2:start], "big")
                if len(data) >= start + size:
                    self.taken += start + size
                    return data[0] & 15, data[start:start + size]
            assert self.two.read(), self.two.events

    def ended(self):
        """Wait for the end of the stream."""
        while not self.two.of((h2.events.StreamEnded, h2.events.StreamReset), self.number):
            assert self.two.read(), self.two.events
        return True


def test_server_says_that_it_can(start, client):
    two = client(start({}))
    while not two.of(h2.events.RemoteSettingsChanged):
        two.read()
    assert two.conn.remote_settings.enable_connect_protocol == 1


def test_echo_beside_a_request(start, client):
    server = start({
        "websocket.connect": accept, "websocket.receive": echo,
        "http.request": lambda layer, message: layer.send(
            message["reply_channel"], {"status": 200, "content": b"hello"},
        ),
    }, threads=1)
    two = client(server)
    ws = Socket(two, "/chat/?room=1", HANDSHAKE + [("cookie", "a=b")])
    assert ws.answer()[0] == 200
    ws.send(frame(TEXT, b"hello"), frame(BINARY, b"\x00\xff"))
    assert ws.recv() == (TEXT, b"hello")
    assert ws.recv() == (BINARY, b"\x00\xff")
    assert two.response(two.headers())[::2] == (200, b"hello")
    ws.send(frame(PING, b"there?"))
    assert ws.recv() == (PONG, b"there?")
    ws.send(frame(CLOSE, b"\x0f\xa0"))
    assert ws.recv() == (CLOSE, b"\x0f\xa0")
    assert ws.ended()
    [connect] = server.workers.wait_for("websocket.connect")
    assert (connect["path"], connect["query_string"], connect["scheme"]) == ("/chat/", b"room=1", "ws")
    assert [b"cookie", b"a=b"] in connect["headers"] and [b"host", b"localhost"] in connect["headers"]
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 4000
    # The connection goes on.
    assert two.response(two.headers())[0] == 200
    assert server.server.limiter.total == 1 and not server.server.limiter.sockets


def test_over_tls(start, client, certificate):
    server = start(
        {"websocket.connect": accept, "websocket.receive": echo}, certificate=certificate[0],
        private_key=certificate[1],
    )
    ws = Socket(client(server, tls_context(certificate, "h2")))
    assert ws.answer()[0] == 200
    ws.send(frame(TEXT, b"hello"))
    assert ws.recv() == (TEXT, b"hello")
    assert server.workers.wait_for("websocket.connect")[0]["scheme"] == "wss"


def test_subprotocol_and_headers(start, client):
    server = start({"websocket.connect": lambda layer, message: layer.send(
        message["reply_channel"], {"accept": True, "subprotocol": "b", "headers": [[b"X-A", b"c"]]})})
    status, headers = Socket(client(server), extra=HANDSHAKE + [("sec-websocket-protocol", "a, b")]).answer()
    assert (status, headers[b"sec-websocket-protocol"], headers[b"x-a"]) == (200, b"b", b"c")


def test_denial(start, client):
    server = start({"websocket.connect": lambda layer, message: layer.send(
        message["reply_channel"], {"accept": False, "status": 404, "content": b"no such room"})})
    two = client(server)
    ws = Socket(two)
    assert two.response(ws.number)[::2] == (404, "no such room".encode())


@pytest.mark.parametrize("extra, status", [
    ([(":protocol", "connect-udp"), ("sec-websocket-version", "13")], 501),
    ([(":protocol", "websocket"), ("sec-websocket-version", "8")], 400),
    ([(":protocol", "websocket")], 400),
])
def test_handshake_that_is_none(start, client, extra, status):
    server = start({})
    two = client(server)
    assert two.response(Socket(two, extra=extra).number)[0] == status
    assert not server.workers.seen


def test_close_by_the_worker(start, client):
    server = start({"websocket.connect": lambda layer, message: layer.send(
        message["reply_channel"], {"accept": True, "text": "bye", "close": 4001})}, close_timeout=0.2)
    ws = Socket(client(server))
    assert ws.recv() == (TEXT, b"bye")
    assert ws.recv() == (CLOSE, b"\x0f\xa1")
    # It doesn't answer with a close of its own.
    assert ws.ended()
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 4001


@pytest.mark.parametrize("end", ["reset", "stream", "connection"])
def test_client_that_just_goes(start, client, end):
    server = start({"websocket.connect": accept})
    two = client(server)
    ws = Socket(two)
    ws.answer()
    if end == "reset":
        two.conn.reset_stream(ws.number)
    elif end == "stream":
        two.conn.end_stream(ws.number)
    two.flush()
    if end == "connection":
        two.close()
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1006


def test_large_messages_wait_for_the_windows(start, client):
    server = start({"websocket.connect": accept, "websocket.receive": echo})
    ws = Socket(client(server))
    ws.answer()
    ws.send(frame(BINARY, b"x" * 900000))
    assert ws.recv() == (BINARY, b"x" * 900000)


def test_slow_client_is_closed(start, client, caplog):
    def flood(layer, message):
        layer.send(message["reply_channel"], {"accept": True})
        for _ in range(20):
            layer.send(message["reply_channel"], {"bytes": b"x" * 100000})

    server = start({"websocket.connect": flood}, outbound_buffer=500000, close_timeout=0.2)
    two = client(server)
    ws = Socket(two)
    # It opens no window beyond the first 65535 bytes.
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1013
    assert "its client doesn't read" in caplog.text
    assert ws.number


def test_sockets_are_closed_when_the_server_stops(start, client):
    server = start({"websocket.connect": accept})
    two = client(server)
    Socket(two).answer()
    # To the library h2 a connection that says goodbye has ended, so the close
    # frame behind that is seen by the worker only.
    server.stop()
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1012


def test_sockets_count_as_streams(start, client):
    server = start({"websocket.connect": accept}, max_streams=2)
    two = client(server)
    sockets = [Socket(two), Socket(two)]
    assert [ws.answer()[0] for ws in sockets] == [200, 200]
    two.conn.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 100
    two.conn.remote_settings.acknowledge()
    assert two.response(Socket(two).number) == h2.errors.ErrorCodes.REFUSED_STREAM
    assert not any(two.of((h2.events.StreamEnded, h2.events.StreamReset), ws.number) for ws in sockets)
