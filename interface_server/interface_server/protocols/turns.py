"""
Turns: fair scheduling of the event loop's time among clients.

A limit of bytes or frames says nothing about what they cost, so time itself is
counted, for each address that connections are counted by. What a client with
little to say sends is read at once. A busy client is read in slices, in
rotation with the other busy ones, and pauses twice as long leave two thirds of
the time to the rest. Nobody is refused, and a client that is alone has all of
the time, as have the busy ones together where nobody else asks for anything.
"""
from __future__ import annotations

import asyncio
import collections
import math
import time
from typing import Optional, Protocol

#: Seconds of one turn.
TURN = 0.0005
#: Seconds after which a slice was too large.
SLOW = TURN / 2
#: The part of the time that a client may use before it is busy, and how many
#: seconds of it at once.
SHARE, BURST = 0.05, 0.05
#: Seconds of BURST that one of the others has used at most: who is held at its
#: share has used about all of them whenever it says something.
LITTLE = BURST / 2
#: The length of the pause after a turn, in turns.
PAUSE = 2
#: Seconds for which a client who has said something counts as one of the others.
PRESENT = 0.1
#: Bytes that are read at once: at first, at least and at most. How many fit
#: into a turn is learned from those before.
FIRST_SLICE, LEAST_SLICE, MOST_SLICE = 1024, 128, 262144

now = time.perf_counter


class Reader(Protocol):
    """A connection whose client has sent something that isn't read yet."""

    def read_slice(self) -> bool:
        """Read some of it; say if the rest can be read, too."""


class Client:
    """An address, or a network of them: its use of time, and its connections that wait for a turn."""

    __slots__ = ("waiting", "_used", "_since")

    def __init__(self) -> None:
        self.waiting: list[Reader] = []
        #: Seconds used of late, at a time of `now`.
        self._used = self._since = 0.0

    def charge(self, began: float, ended: float) -> None:
        """Count the time from `began` to `ended`, in seconds of `now`."""
        self._used = max(0.0, self._used - (ended - self._since) * SHARE) + ended - began
        self._since = ended

    def used(self, at: float) -> float:
        """Return how many seconds it has used beyond its share: more than BURST says that it is busy."""
        return math.inf if self.waiting else self._used - (at - self._since) * SHARE

    def is_forgettable(self, at: float) -> bool:
        """Say if nothing need be remembered of it."""
        return not self.waiting and self._used <= (at - self._since) * SHARE


def next_slice(current: int, size: int, took: float) -> int:
    """Return how many bytes to read at once after `size`, of `current` that might have been, took so many seconds."""
    if took > SLOW:
        return max(LEAST_SLICE, int(size * SLOW / took))
    if size >= current and took < TURN / 8:
        return min(MOST_SLICE, current * 2)
    return current


class Turns:
    """Gives turns to the clients of one process."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        #: Those who wait; the next one first.
        self._rotation: collections.deque[Client] = collections.deque()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        #: When somebody who has used LITTLE has said something.
        self.heard = 0.0
        #: Slices that were read in turn.
        self.taken = 0
        #: What reads are made into; each is copied out of it at once.
        self.buffer = memoryview(bytearray(MOST_SLICE))

    def client(self, slot: str) -> Client:
        """Return the Client of `slot`, a key of ConnectionLimiter; "" is a client of its own."""
        if not slot:
            return Client()
        client = self._clients.get(slot)
        if client is None:
            client = self._clients[slot] = Client()
        return client

    def forget(self) -> None:
        """Forget those who have had their share of nothing for long enough; call it now and then."""
        at = now()
        self._clients = {slot: client for slot, client in self._clients.items() if not client.is_forgettable(at)}

    def is_quiet(self, at: float) -> bool:
        """Say if there is nobody else whom a busy client could keep waiting."""
        return not self._rotation and at - self.heard > PRESENT

    def wait(self, client: Client, reader: Reader) -> None:
        """Have `reader` read a slice when it is its client's turn."""
        if not client.waiting:
            self._rotation.append(client)
        client.waiting.append(reader)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        assert self._loop is not None
        client, began = self._rotation.popleft(), now()
        reader = client.waiting[0]
        self.taken += 1
        has_more = reader.read_slice()
        del client.waiting[0]
        if has_more:
            client.waiting.append(reader)
        if client.waiting:
            self._rotation.append(client)
        if self._rotation:
            self._loop.call_soon(self._pace, began)
        else:
            self._loop = None

    def _pace(self, began: float) -> None:
        """Have the next turn now, or later by PAUSE times what the last one took with all that followed at once."""
        assert self._loop is not None
        at = now()
        if at - self.heard < PRESENT:
            self._loop.call_later(PAUSE * (at - began), self._take_turn)
        else:
            self._take_turn()
