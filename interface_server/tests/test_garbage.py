"""
What has ended is gone at once: nothing is left for the collector of garbage,
which would look at all that lives, while everybody waits for that.
"""
import collections
import gc
import socket
import struct

from conftest import PATIENCE, eventually
from consumers import accept

#: Of each kind, so that what each leaves behind stands out.
CONNECTIONS = 5
#: Whose objects are looked for.
OURS = ("interface_server", "h2.", "hpack", "httptools", "django.channels.interfaces")


def frame(kind, flags, stream, payload=b""):
    """Return a frame of HTTP/2."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def requests(number, method=b"\x82", flags=5, more=()):
    """Return so many requests over HTTP/2, and the other frames of their streams."""
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + b"".join(
        frame(1, flags, stream, method + b"\x86\x84\x01\x01x") + b"".join(frame(*each, stream) for each in more)
        for stream in range(1, 2 * number, 2)
    )


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
HANDSHAKE = GET[:-2] + (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TUNNEL = (
    b"\x42\x07CONNECT\x86\x84\x01\x01x\x00\x09:protocol\x09websocket\x00\x15sec-websocket-version\x0213"
)

#: What a client says -> whether it waits for an answer before it goes.
KINDS = {
    "says nothing": (b"", False),
    "half a request": (GET[:20], False),
    "a request": (GET, True),
    "a request, and gone": (GET, False),
    "requests in a row": (GET * 5, True),
    "no request": (b"\r\n\r\nno request\r\n\r\n", True),
    "a target that is none": (GET.replace(b"/ ", b"//[ "), True),
    "a request without a host": (b"GET / HTTP/1.1\r\n\r\n", True),
    "a request behind one that waits": (GET + b"no request\r\n\r\n", True),
    "a handshake that is none": (HANDSHAKE.replace(b"13", b"12"), True),
    "half a body": (POST + b"Content-Length: 9\r\n\r\nx", False),
    "half a chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\nx", False),
    "a chunk that is none": (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", True),
    "a body too large": (POST + b"Content-Length: 1001\r\n\r\n", True),
    "a WebSocket": (HANDSHAKE, True),
    "a WebSocket, and gone": (HANDSHAKE, False),
    "a message": (HANDSHAKE + b"\x81\x81\x00\x00\x00\x00x", True),
    "a frame that is none": (HANDSHAKE + b"\xff\xff", True),
    "HTTP/2": (requests(0), True),
    "HTTP/2: half a preface": (requests(0)[:9], False),
    "HTTP/2: requests": (requests(9), True),
    "HTTP/2: requests, and gone": (requests(9), False),
    "HTTP/2: requests that are reset": (requests(9, more=[]) + b"".join(
        frame(3, 0, stream, bytes(4)) for stream in range(1, 18, 2)), True),
    "HTTP/2: half bodies": (requests(9, b"\x83", 4), False),
    "HTTP/2: no host": (requests(9).replace(b"\x01\x01x", b"\x05\x01x"), True),
    "HTTP/2: no frame": (requests(1) + frame(1, 4, 2), True),
    "HTTP/2: a flood": (requests(1) + frame(6, 0, 0, bytes(8)) * 300, True),
    "HTTP/2: a WebSocket": (requests(0) + frame(1, 4, 1, TUNNEL), True),
    "HTTP/2: a WebSocket, and gone": (requests(0) + frame(1, 4, 1, TUNNEL), False),
    "HTTP/2: goodbye": (requests(3) + frame(7, 0, 0, bytes(8)), True),
}


def answer(layer, message):
    layer.send(message["reply_channel"], {"status": 200, "headers": [], "content": b"hello"})


def echo(layer, message):
    layer.send(message["reply_channel"], {"text": message["text"]})


def play(port, said, waits):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(said)
        if waits:
            client.recv(65536)


def is_idle(server):
    limiter, replies = server.server.limiter, server.application.context.replies
    return not (limiter.total or limiter.tasks or replies.exchange_count or replies.socket_count)


def garbage():
    """Return how many objects of ours wait to be collected, by their type."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        names = [f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    return collections.Counter(name for name in names if name.startswith(OURS))


def left_by(server, said, waits):
    """Return what CONNECTIONS of a kind leave behind, by type; less is not theirs."""
    eventually(lambda: is_idle(server))
    gc.collect()
    gc.disable()
    try:
        for _ in range(CONNECTIONS):
            play(server.port, said, waits)
        eventually(lambda: is_idle(server))
        return {name: number for name, number in garbage().items() if number >= CONNECTIONS}
    finally:
        gc.enable()


def test_connections_leave_nothing_behind(start):
    server = start(
        {"http.request": answer, "websocket.connect": accept, "websocket.receive": echo}, max_body_size=1000,
    )
    play(server.port, GET, True)
    gc.collect()
    # What there is already is not looked at again and again.
    gc.freeze()
    try:
        # Twice: of a client that has gone while it was written to, Python's own
        # transport may keep the error, and with that what its connection had.
        assert {} == {
            kind: left for kind, what in KINDS.items() if left_by(server, *what) and (left := left_by(server, *what))
        }
    finally:
        gc.unfreeze()
