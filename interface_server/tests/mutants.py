"""
Traffic of each protocol, and mutations of it.
"""
import h2.config
import h2.connection


def frame(opcode, payload, fin=True, mask=b"\x01\x02\x03\x04", rsv=0):
    """Return a frame as clients send it."""
    first = (0x80 if fin else 0) | rsv | opcode
    size = len(payload)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 65536:
        head = bytes([first, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, 0x80 | 127]) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


HTTP1 = [
    b"GET /a?b HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    b"PROPFIND * HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"GET http://[::1]:80/ HTTP/1.1\r\nHost: y\r\n\r\n",
]
#: What comes before frames.
HANDSHAKE = (
    b"GET /echo/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
WEBSOCKET = [
    frame(1, b"hello") + frame(2, bytes(200)), frame(1, b"a", fin=False) + frame(9, b"") + frame(0, b"b"),
    frame(8, b"\x03\xe8bye"), frame(1, "\u20ac".encode() * 400),
]


def http2_conversations():
    """Return what clients of the library h2 say."""
    said = []
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", "x"), (":path", "/a?b"), ("cookie", "a=b")]
    for extra in ([], [("content-length", "5")], [("te", "trailers"), ("x-" + "y" * 100, "z" * 100)]):
        connection = h2.connection.H2Connection(h2.config.H2Configuration())
        connection.initiate_connection()
        for number in (1, 3):
            connection.send_headers(number, fields + extra)
            connection.send_data(number, b"hello", end_stream=True)
        connection.ping(b"12345678")
        connection.increment_flow_control_window(1000)
        connection.reset_stream(1)
        said.append(connection.data_to_send())
    return said


def mutated(chance, data):
    """Return `data` with some of it changed, doubled, moved or left out."""
    data = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((1, 1, 2, 9, 40)))
        change = chance.randrange(6)
        if change == 0:
            data[start:end] = b""
        elif change == 1:
            data[start:start] = data[start:end] * chance.choice((1, 3, 50))
        elif change == 2:
            data[start:start] = chance.choice((b"\r\n", b"\n", b"\0", b":", b" ", b"\xff" * 8, b"0", b"99999999999"))
        elif start < len(data):
            data[start] = data[start] ^ (1 << chance.randrange(8)) if change < 5 else chance.randrange(256)
    return bytes(data)
