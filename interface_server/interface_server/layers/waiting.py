"""
A message that waits for its turn, or for room.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Optional

from ..types import Message
from . import Done

__all__ = ["CANCELLED", "ON_ITS_WAY", "WAITS", "Waiting", "unwanted"]

#: Bytes that a message counts for beside its content.
OVERHEAD = 2048

#: States of a message in a queue.
WAITS, ON_ITS_WAY, CANCELLED = range(3)


class Waiting:
    """One message in a queue."""

    __slots__ = ("message", "done", "since", "timeout", "size", "number", "is_wanted", "state", "_queue")

    def __init__(
        self, queue: Any, message: Message, done: Done, timeout: float, is_wanted: Optional[Callable[[], bool]],
        number: int,
    ) -> None:
        self.message = message
        self.done = done
        #: When it came, by the loop's clock, and how long it may wait.
        self.since = asyncio.get_running_loop().time()
        self.timeout = timeout
        self.is_wanted = is_wanted
        size = OVERHEAD
        for value in message.values():
            if type(value) is str or type(value) is bytes:
                size += len(value)
        self.size = size
        #: Its place in the order of all.
        self.number = number
        self.state = WAITS
        #: A SendQueue, or whatever else can cancel it.
        self._queue = queue

    def cancel(self) -> bool:
        """
        Leave the queue, `done` uncalled; return False if it is on its way to the layer.

        It isn't sent again then, if it comes back because there is no room.
        """
        return bool(self._queue.cancel(self))


def unwanted() -> bool:
    """Say so of a message that was cancelled on its way: its `is_wanted`."""
    return False
