"""
Mutated traffic of each protocol, read without sockets: no exception but those
that say what is wrong, and an end to each.

With CHANNELS_LONG_TESTS ten million bytes; else a few hundred thousand. The
seed is fixed, and the case that failed is in the failure.
"""
import os
import random

import h2.config
import h2.connection
import h2.exceptions
import pytest
from test_frames import client as frame

from interface_server.errors import Refused
from interface_server.options import Options
from interface_server.protocols.h1.connection import H1Connection
from interface_server.protocols.h2.connection import Flood, Http2Connection
from interface_server.protocols.requests import read_fields
from interface_server.protocols.ws.frames import FrameError, FrameParser

TOTAL = 10 ** 7 if os.environ.get("CHANNELS_LONG_TESTS") else 2 * 10 ** 5

HTTP1 = [
    b"GET /a?b HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    b"PROPFIND * HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"GET http://[::1]:80/ HTTP/1.1\r\nHost: y\r\n\r\n",
]
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


def read_http1(data):
    connection = H1Connection(Options())
    for start in range(0, len(data), 1000):
        connection.receive(data[start:start + 1000])


def read_websocket(data):
    parser = FrameParser(2 ** 20, 2 ** 20)
    try:
        for start in range(0, len(data), 1000):
            parser.feed(data[start:start + 1000])
    except FrameError as error:
        assert error.code in (1002, 1007, 1009)


def read_http2(data):
    counted = []

    def count():
        counted.append(None)
        if len(counted) > 200:
            raise Flood()

    connection = Http2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None), count)
    connection.start(Options())
    try:
        for event in connection.events_of(data):
            if isinstance(event, h2.events.RequestReceived):
                read_fields(event.headers, {}, Options())
    except (Flood, Refused, h2.exceptions.ProtocolError):
        return


@pytest.mark.parametrize("corpus, read", [
    (HTTP1, read_http1), (WEBSOCKET, read_websocket), (http2_conversations(), read_http2),
], ids=["HTTP/1", "WebSocket", "HTTP/2"])
def test_mutated_traffic_is_read_or_refused(corpus, read):
    chance = random.Random(7)
    for original in corpus:
        read(original)
    size = 0
    while size < TOTAL:
        data = mutated(chance, chance.choice(corpus))
        size += len(data) + 1
        try:
            read(data)
        except Exception as error:
            raise AssertionError(f"{data[:3000]!r} made it fail") from error
