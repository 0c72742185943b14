"""Who is read when: no time passes here but what reading is said to take."""
import asyncio

import pytest
from transports import Transport

from interface_server.protocols import intake as intake_module, turns as turns_module
from interface_server.protocols.intake import Intake
from interface_server.protocols.turns import BURST, LITTLE, PRESENT, SHARE, TURN, Client, Turns


class Clock:
    """Stands still unless somebody works."""

    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(turns_module, "now", clock)
    monkeypatch.setattr(intake_module, "now", clock)
    return clock


class LostTransport(Transport):
    """As that of asyncio before Python 3.11, once TLS has lost its connection."""

    def get_write_buffer_size(self):
        return None.get_write_buffer_size()


class Worker(asyncio.Protocol):
    """Takes so many seconds for a byte."""

    is_connected = True

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.slices = clock, seconds, []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.clock.time += self.seconds * len(data)
        self.slices.append(data)


def connected(turns, client, protocol):
    transport = LostTransport()
    intake = Intake(turns, client, protocol)
    intake.connection_made(transport)
    return intake, transport


def bring(turns, intake, data):
    """Have `data` be read."""
    turns.buffer[:len(data)] = data
    intake.buffer_updated(len(data))


DATA = bytes(range(256)) * 64


def test_others_have_their_turn_between_two_slices_of_what_one_has_sent(clock):
    async def run():
        turns = Turns()
        worker = Worker(clock, 0.00005)
        intake, transport = connected(turns, turns.client("a"), worker)
        bring(turns, intake, DATA)
        assert not transport.is_reading, "nothing more is read until it is done"
        gaps = []
        while not transport.is_reading:
            before = clock.time
            await asyncio.sleep(0)
            gaps.append(clock.time - before)
        assert b"".join(worker.slices) == DATA
        # The first slice is a guess.
        assert max(map(len, worker.slices[1:])) * worker.seconds <= 128 * worker.seconds < 20 * TURN
        assert max(gaps) <= 128 * worker.seconds

    asyncio.run(run())


def test_what_is_read_fast_is_read_in_large_slices(clock):
    async def run():
        turns = Turns()
        worker = Worker(clock, 1e-9)
        intake, transport = connected(turns, turns.client("a"), worker)
        for _ in range(20):
            bring(turns, intake, DATA)
        assert transport.is_reading and worker.slices[-1] == DATA

    asyncio.run(run())


def test_busy_client_waits_with_all_its_connections_and_others_do_not(clock):
    async def run():
        turns = Turns()
        busy = [Worker(clock, BURST / 100) for _ in range(50)]
        intakes = [connected(turns, turns.client("a"), worker) for worker in busy]
        for intake, _ in intakes:
            bring(turns, intake, b"x" * 10)
        handed_on = sum(len(worker.slices) for worker in busy)
        assert 10 <= handed_on < 15, "the others wait for a turn"
        other = Worker(clock, 1e-6)
        bring(turns, connected(turns, turns.client("b"), other)[0], b"hello")
        assert other.slices == [b"hello"]
        taken = turns.taken
        await asyncio.sleep(0)
        assert turns.taken == taken + 1, "one slice in each turn of the loop"
        clock.time += 2 * PRESENT
        for _ in range(500):
            await asyncio.sleep(0)
        assert all(worker.slices == [b"x" * 10] for worker in busy)
        assert all(transport.is_reading for _, transport in intakes)

    asyncio.run(run())


def test_turns_leave_two_thirds_of_the_time_while_there_are_others(clock):
    async def run():
        turns = Turns()
        later = []
        loop = asyncio.get_running_loop()
        worker = Worker(clock, 0.00001)
        intake, _ = connected(turns, turns.client("a"), worker)
        bring(turns, intake, DATA)
        bring(turns, connected(turns, turns.client("b"), Worker(clock, 0))[0], b"x")
        loop.call_later, call_later = lambda *args: later.append(args), loop.call_later
        try:
            for _ in range(10):
                await asyncio.sleep(0)
        finally:
            loop.call_later = call_later
        [(pause, _)] = later
        assert pause == pytest.approx(2 * len(worker.slices[-1]) * worker.seconds)

    asyncio.run(run())


def test_client_without_others_has_all_the_time(clock):
    async def run():
        turns = Turns()
        worker = Worker(clock, 1e-6)
        intake, transport = connected(turns, turns.client("a"), worker)
        turns.client("a").charge(clock.time, clock.time + 10)
        bring(turns, intake, b"x" * 100)
        assert worker.slices == [b"x" * 100] and transport.is_reading

    asyncio.run(run())


def test_clients_that_are_held_at_their_share_do_not_count_as_others(clock):
    async def run():
        turns = Turns()
        held, busy = Worker(clock, 0.001), Worker(clock, 1e-6)
        intake, _ = connected(turns, turns.client("a"), held)
        turns.client("a").charge(clock.time - BURST - PRESENT, clock.time - PRESENT)
        turns.client("b").charge(clock.time, clock.time + 10)
        # It has used a little less than all of its burst, as whenever its pause is over.
        bring(turns, intake, b"x")
        assert held.slices == [b"x"]
        bring(turns, connected(turns, turns.client("b"), busy)[0], b"y" * 100)
        assert busy.slices == [b"y" * 100]

    asyncio.run(run())


@pytest.mark.parametrize("used, is_heard", [(0, True), (LITTLE * 0.9, True), (LITTLE * 1.1, False)])
def test_clients_that_land_what_they_send_are_others_with_little_use(clock, used, is_heard):
    class Landing(Worker):
        def landed(self, size):
            return None

    async def run():
        turns = Turns()
        intake, _ = connected(turns, turns.client("a"), Landing(clock, 0))
        turns.client("a").charge(clock.time - used, clock.time)
        intake.land(memoryview(bytearray(10)))
        intake.buffer_updated(1)
        assert (turns.heard == clock.time) is is_heard

    asyncio.run(run())


def test_rest_waits_until_the_protocol_wants_more(clock):
    class Picky(Worker):
        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()

    async def run():
        turns = Turns()
        worker = Picky(clock, 1e-6)
        intake, transport = connected(turns, turns.client("a"), worker)
        bring(turns, intake, DATA)
        for number in range(1, 10):
            await asyncio.sleep(0)
            assert len(worker.slices) == number and not transport.is_reading
            intake.resume_reading()
            await asyncio.sleep(0)
        # Its successor has what is left.
        successor = Worker(clock, 1e-6)
        intake.set_protocol(successor)
        intake.resume_reading()
        while not transport.is_reading:
            await asyncio.sleep(0)
        assert b"".join(worker.slices + successor.slices) == DATA and successor.slices

    asyncio.run(run())


def test_protocol_that_fails_in_its_turn_loses_its_connection_and_nobody_else_does(clock, caplog):
    class Broken(Worker):
        def data_received(self, data):
            raise ValueError("broken")

    async def run():
        turns = Turns()
        client = turns.client("a")
        client.charge(clock.time, clock.time + 10)
        turns.heard = clock.time
        broken, well = Broken(clock, 0), Worker(clock, 0)
        intake, transport = connected(turns, client, broken)
        other, other_transport = connected(turns, client, well)
        bring(turns, intake, b"x")
        bring(turns, other, b"y")
        clock.time += 2 * PRESENT
        while not well.slices:
            await asyncio.sleep(0)
        assert transport.is_closed and not other_transport.is_closed
        assert "broken" in caplog.text

    asyncio.run(run())


def test_nothing_is_remembered_of_a_client_that_was_quiet(clock):
    turns = Turns()
    client = turns.client("a")
    client.charge(clock.time, clock.time + 1)
    turns.forget()
    assert turns.client("a") is client
    clock.time += 1 + 1 / SHARE
    turns.forget()
    assert turns.client("a") is not client


def test_client_is_busy_with_more_than_its_share():
    client = Client()
    for second in range(100):
        client.charge(second, second + SHARE)
        assert client.used(second + 1) < BURST
    client.charge(100, 100 + 2 * BURST)
    assert client.used(100 + 2 * BURST) > BURST
    assert client.used(103) < BURST


def test_a_lost_connection_has_nothing_to_send(clock):
    turns = Turns()
    intake, transport = connected(turns, turns.client("a"), Worker(clock, 0))
    assert intake.get_write_buffer_size() == 0
