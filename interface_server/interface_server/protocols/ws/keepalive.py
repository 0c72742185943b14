"""
Timers of the looks whether the clients of WebSockets are there.

A timer of the event loop for each socket would take a seventh of the memory of
an idle one. Here those that are due at about the same time share one.
"""

from __future__ import annotations

import asyncio
import math
from typing import Optional, Protocol

#: Parts of the seconds that sockets wait: those in the same one share a timer.
PARTS = 16
#: Sockets that are looked at before the event loop does other things: after a
#: restart, thousands may be due together.
AT_ONCE = 100


class Watched(Protocol):
    """A socket, as its timer knows it."""

    #: Those that are due together with it, while Keepalive has it.
    due: Optional[set[Watched]]

    def is_due(self) -> None:
        """Look whether the client is there."""


class Keepalive:
    """The timers of the sockets of one process."""

    def __init__(self) -> None:
        self._due: dict[tuple[float, int], set[Watched]] = {}

    def add(self, socket: Watched, seconds: float) -> None:
        """Call `socket.is_due()` after `seconds`, or up to a sixteenth more; never if that is 0."""
        if not seconds:
            return
        loop = asyncio.get_running_loop()
        part = seconds / PARTS
        key = seconds, math.ceil((loop.time() + seconds) / part)
        due = self._due.get(key)
        if due is None:
            due = self._due[key] = set()
            loop.call_at(key[1] * part, self._fire, key)
        due.add(socket)
        socket.due = due

    def discard(self, socket: Watched) -> None:
        """Forget `socket`, if it is there."""
        if socket.due is not None:
            socket.due.discard(socket)
            socket.due = None

    def _fire(self, key: tuple[float, int]) -> None:
        self._look_at(self._due.pop(key))

    def _look_at(self, due: set[Watched]) -> None:
        left = AT_ONCE
        while due and left:
            # It may have others forgotten.
            left -= 1
            socket = due.pop()
            socket.due = None
            socket.is_due()
        if due:
            asyncio.get_running_loop().call_soon(self._look_at, due)
