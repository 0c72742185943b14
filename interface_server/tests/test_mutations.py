"""
Mutated traffic of each protocol, read without sockets: no exception but those
that say what is wrong, and an end to each. benchmarks/fuzz.py has the same read
by a server.

With CHANNELS_LONG_TESTS ten million bytes; else a few hundred thousand. The
seed is fixed, and the case that failed is in the failure.
"""
import os
import random

import h2.config
import h2.exceptions
import pytest
from mutants import HTTP1, WEBSOCKET, http2_conversations, mutated

from interface_server.errors import Refused
from interface_server.options import Options
from interface_server.protocols.h1.connection import H1Connection
from interface_server.protocols.h2.connection import Flood, Http2Connection
from interface_server.protocols.requests import read_fields
from interface_server.protocols.ws.frames import FrameError, FrameParser

TOTAL = 10 ** 7 if os.environ.get("CHANNELS_LONG_TESTS") else 2 * 10 ** 5


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
