"""
Unread bytes: those that wait for the client of a WebSocket, which reads slowly.

A client can say what keeps it alive, and have the rest kept for it; so within
each `write_timeout` it has to read what the least rate makes of that time, or
everything. More is written meanwhile, which counts, too. What waits for all such
clients together has a bound as well.
"""
from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Optional

from ...options import Options


class UnreadTotal:
    """What waits for all clients of a process."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0


class Unread:
    """
    What one client has left unread, while its transport has writing paused; a part of `total`.

    `give_up` is called, with the bytes that wait, once it reads too slowly.
    """

    __slots__ = (
        "_transport", "_total", "_limits", "_timeout", "_least", "_give_up", "_loop", "_size", "_owed", "_timer",
    )

    def __init__(
        self, transport: asyncio.WriteTransport, total: UnreadTotal, options: Options, give_up: Callable[[int], None],
    ) -> None:
        self._transport = transport
        self._total = total
        self._limits = options.outbound_buffer or math.inf, options.max_buffered or math.inf
        self._timeout = options.write_timeout
        self._least = max(options.min_write_rate * options.write_timeout, 1)
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        #: Bytes that waited when last heard of.
        self._size = 0
        #: Bytes that waited at the last look, and that were written since.
        self._owed = 0
        self._timer: Optional[asyncio.TimerHandle] = None
        self._await_reading(transport.get_write_buffer_size())

    def add(self, frame: bytes) -> None:
        """Count a frame that was written."""
        self._owed += len(frame)
        self._measure(self._transport.get_write_buffer_size())
        if self._size > self._limits[0] or self._total.size > self._limits[1]:
            self._give_up(self._size)

    def _measure(self, size: int) -> None:
        self._total.size += size - self._size
        self._size = size

    def stop(self) -> None:
        """Expect nothing of the client any more."""
        self._measure(0)
        if self._timer is not None:
            self._timer.cancel()

    def _await_reading(self, size: int) -> None:
        self._owed = size
        self._measure(size)
        if self._timeout:
            self._timer = self._loop.call_later(self._timeout, self._look)

    def _look(self) -> None:
        size = self._transport.get_write_buffer_size()
        if self._owed - size >= self._least:
            self._await_reading(size)
        else:
            self._give_up(size)
