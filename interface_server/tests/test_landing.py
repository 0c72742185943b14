"""Bodies that come fast, and are read to their place: each byte is said to come when the test has it come."""
import asyncio
import os
from types import SimpleNamespace

import pytest
from transports import Transport

from interface_server.options import Options
from interface_server.protocols import intake as intake_module, turns as turns_module
from interface_server.protocols.connections import ConnectionLimiter
from interface_server.protocols.h1.landing import LARGEST, Landing
from interface_server.protocols.h1.protocol import Http1Protocol
from interface_server.protocols.intake import Intake
from interface_server.protocols.turns import MOST_SLICE, Turns
from interface_server.types import Peer

FULL = MOST_SLICE // 2
CONTENT = os.urandom(4 * LARGEST)
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """No time passes while something is read."""
    clock = SimpleNamespace(time=1000.0)
    for module in (intake_module, turns_module):
        monkeypatch.setattr(module, "now", lambda: clock.time)
    return clock


def post(size, sent=None):
    """Return a request with a body of `size` bytes, `sent` of which come with it."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
    return head + CONTENT[:size if sent is None else sent]


class Connection:
    """One connection to `application`."""

    def __init__(self, application):
        self.turns, self.transport = Turns(), Transport()
        self.client = self.turns.client("")
        self.protocol = Http1Protocol(application, ConnectionLimiter(Options()), Peer(None, None, False), "")
        self.intake = Intake(self.turns, self.client, self.protocol)
        self.intake.connection_made(self.transport)
        # As after some requests; a new connection begins with small slices.
        self.intake._slice = MOST_SLICE
        self.copied = 0

    def bring(self, data):
        """Have as much of `data` be read as is wanted now; return the rest."""
        while data and self.transport.is_reading:
            place = self.intake.get_buffer(-1)
            size = min(len(place), len(data))
            place[:size] = data[:size]
            if place is self.turns.buffer:
                self.copied += size
            del place
            self.intake.buffer_updated(size)
            data = data[size:]
        return data

    async def bring_all(self, data):
        for _ in range(1000):
            data = self.bring(data)
            if not data:
                return
            await asyncio.sleep(0)
        raise AssertionError("It is not read.")


class Reader:
    """An application that keeps what it receives, of each request."""

    def __init__(self):
        self.requests = []

    async def __call__(self, scope, receive, send):
        events = []
        self.requests.append(events)
        while not events or events[-1].get("more_body"):
            events.append(await receive())
        if events[-1]["type"] == "http.request":
            await answer(send)

    def open_request(self, scope, carrier):
        return None

    def bodies(self):
        return [b"".join(event.get("body", b"") for event in events) for events in self.requests]


async def answer(send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def turns_of_the_loop(number=20):
    for _ in range(number):
        await asyncio.sleep(0)


def test_megabyte_is_one_piece_that_was_not_copied():
    async def run():
        reader = Reader()
        connection = Connection(reader)
        for number in range(3):
            assert not connection.bring(post(LARGEST) + NEXT), "it is not paused"
            await turns_of_the_loop()
            assert [len(event["body"]) for event in reader.requests[-2]] == [LARGEST]
            assert type(reader.requests[-2][0]["body"]) is bytes
            assert len(connection.transport.answers) == 2 * number + 2
        assert reader.bodies() == [CONTENT[:LARGEST], b""] * 3
        assert connection.copied == 3 * (MOST_SLICE + len(NEXT))

    asyncio.run(run())


@pytest.mark.parametrize("size", [FULL, MOST_SLICE, 700000, LARGEST - 1, LARGEST + 1, 4 * LARGEST])
@pytest.mark.parametrize("at_once", [1000, FULL, 300000, 8 * LARGEST])
def test_bodies_are_whole_however_they_come(size, at_once):
    async def run():
        reader = Reader()
        connection = Connection(reader)
        data = post(size) + NEXT + post(size) + NEXT
        for start in range(0, len(data), at_once):
            await connection.bring_all(data[start:start + at_once])
            if start % 3:
                await asyncio.sleep(0)
        await turns_of_the_loop()
        assert reader.bodies() == [CONTENT[:size], b""] * 2
        assert len(connection.transport.answers) == 4

    asyncio.run(run())


def test_application_gets_what_is_there_of_a_body_that_stops():
    async def run():
        reader = Reader()
        connection = Connection(reader)
        assert not connection.bring(post(LARGEST, 400000))
        await turns_of_the_loop()
        [events] = reader.requests
        assert b"".join(event["body"] for event in events) == CONTENT[:400000]
        # What comes now is read as it was before.
        copied = connection.copied
        for start in range(400000, LARGEST, 1000):
            await connection.bring_all(CONTENT[start:min(start + 1000, LARGEST)])
        await turns_of_the_loop()
        assert connection.copied - copied == LARGEST - 400000
        assert reader.bodies() == [CONTENT[:LARGEST]]

    asyncio.run(run())


def test_client_that_goes_in_the_middle_is_noticed():
    async def run():
        reader = Reader()
        connection = Connection(reader)
        await turns_of_the_loop()
        connection.bring(post(LARGEST, 400000))
        connection.intake.connection_lost(None)
        await turns_of_the_loop()
        assert reader.requests[0][-1]["type"] == "http.disconnect"
        # One who waits for more.
        reader = Reader()
        connection = Connection(reader)
        connection.bring(post(LARGEST, 400000))
        await turns_of_the_loop(1)
        connection.intake.connection_lost(None)
        await turns_of_the_loop()
        assert reader.requests[0][-1]["type"] == "http.disconnect"

    asyncio.run(run())


def test_body_that_nobody_reads_is_left_out():
    requests = []

    class Careless(Reader):
        async def __call__(self, scope, receive, send):
            requests.append(scope["raw_path"])
            await answer(send)

    async def run():
        connection = Connection(Careless())
        await connection.bring_all(post(3 * LARGEST) + NEXT)
        await turns_of_the_loop()
        assert requests == [b"/", b"/next"]

    asyncio.run(run())


def test_no_more_than_a_megabyte_is_read_that_nobody_takes():
    async def busy(scope, receive, send):
        await asyncio.sleep(3600)

    async def run():
        connection = Connection(busy)
        rest = connection.bring(post(4 * LARGEST))
        await turns_of_the_loop()
        assert not connection.transport.is_reading
        assert len(rest) > 2 * LARGEST

    asyncio.run(run())


def test_busy_client_waits_for_its_turn(clock):
    async def run():
        reader = Reader()
        connection = Connection(reader)
        first = post(LARGEST, 2 * MOST_SLICE)
        assert not connection.bring(first[:MOST_SLICE])
        connection.client.charge(clock.time, clock.time + 10)
        # Somebody else has just said something.
        connection.turns.heard = clock.time
        connection.bring(first[MOST_SLICE:])
        assert not connection.transport.is_reading
        await turns_of_the_loop()
        assert connection.transport.is_reading and connection.turns.taken == 1
        await connection.bring_all(post(LARGEST)[len(first):])
        await turns_of_the_loop()
        assert reader.bodies() == [CONTENT[:LARGEST]]

    asyncio.run(run())


def test_what_was_not_read_is_in_nothing_that_is_handed_out():
    landing = Landing([b"ab"], 1000)
    landing.rest[:3] = b"cde"
    landing.fill(3)
    assert landing.content() == b"abcde"
    landing = Landing([b"ab"], 3)
    landing.rest[:3] = b"cde"
    landing.fill(3)
    assert landing.rest is None
    content = landing.content()
    assert content == b"abcde"
    assert landing.content() is content
