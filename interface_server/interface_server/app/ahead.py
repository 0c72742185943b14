"""
The lead that the pieces of a body have over the worker that reads them.

Who sends a large body has it here, in memory or in a file, where there is room
for it; what is sent before a worker reads it would be in the layer's memory.
"""
from __future__ import annotations

import asyncio

from ..backport import AHEAD, Backoff
from ..layers import AsyncLayer

__all__ = ["AHEAD", "Ahead"]

#: Seconds between two looks how many do, growing from first to last.
FIRST_PAUSE, LAST_PAUSE = 0.001, 0.1


class Ahead:
    """The pieces that are sent to `channel`, where one worker reads."""

    def __init__(self, layer: AsyncLayer, channel: str) -> None:
        self._layer = layer
        self._channel = channel
        # As many as can be there.
        self._most = 0

    async def wait(self, timeout: float) -> None:
        """Return when the next piece may be sent, or after `timeout` seconds: then it shows if there is room."""
        backoff, deadline = Backoff(FIRST_PAUSE, LAST_PAUSE), asyncio.get_running_loop().time() + timeout
        while self._most >= AHEAD:
            self._most = await self._measure()
            if self._most >= AHEAD:
                if asyncio.get_running_loop().time() >= deadline:
                    break
                await asyncio.sleep(backoff.next_pause())
        self._most += 1

    async def _measure(self) -> int:
        length: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def tell(number: int) -> None:
            # The task may have been cancelled.
            if not length.done():
                length.set_result(number)

        self._layer.measure_then(self._channel, tell)
        return await length
