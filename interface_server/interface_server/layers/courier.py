"""
The courier of messages that nobody waits for: a moment later, and together.
"""
from __future__ import annotations

import asyncio
import time
from typing import Any, Optional, Protocol

from django.channels.layers.backoff import Backoff
from django.channels.layers.redis.outage import COMMAND_TIMEOUT

from ..backport import exceptions
from ..types import Message
from . import ROOM_PAUSES

__all__ = ["Courier"]

#: Seconds that a message nobody waits for stays, so that it goes with others:
#: there is one at the end of every request.
SOON = 0.01


class PlanRunner(Protocol):
    """The layer that the messages are sent over."""

    async def run_plan(self, plan: Any, request: Any) -> Any:
        """Return the Result of a plan of the transport, which asks for `request`."""


class Courier:
    """Sends over `runner`; `sender` makes plans."""

    def __init__(self, runner: PlanRunner, sender: Any) -> None:
        self._runner = runner
        self._sender = sender
        # (what to send, until when to try).
        self._waiting: list[tuple[tuple[str, Message], float]] = []
        self._task: Optional[asyncio.Task[None]] = None

    def send_soon(self, channel: str, message: Message, patience: float) -> None:
        """Send a message within a moment, and try so for `patience` seconds while there is no room."""
        self._waiting.append(((channel, message), time.monotonic() + patience))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._carry())

    async def _carry(self) -> None:
        """Send what there is, until there is none."""
        retry = Backoff(SOON, ROOM_PAUSES[1])
        while self._waiting:
            await asyncio.sleep(retry.next_pause())
            waiting, self._waiting = self._waiting, []
            plan = self._sender.send_many([pair for pair, deadline in waiting])
            try:
                refused = await self._runner.run_plan(plan, next(plan))
            except exceptions.ChannelsError as error:
                # What surely wasn't sent has its time left.
                refused = getattr(error, "refused", ())
            if not refused:
                retry.reset()
            now = time.monotonic()
            deadlines = {id(pair): deadline for pair, deadline in waiting}
            self._waiting[:0] = [(pair, deadlines[id(pair)]) for pair in refused if deadlines[id(pair)] > now]

    async def close(self) -> None:
        """Wait for what is to be sent, for a while."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=COMMAND_TIMEOUT)
