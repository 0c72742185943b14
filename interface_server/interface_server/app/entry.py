"""
The way of a request's message to the layer, through the queue of those that
find its channel full.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Optional

from ..backport import bridge, exceptions
from ..errors import Refused
from ..layers.queues import Waiting
from ..options import NEVER
from ..types import Message
from .context import Context
from .lines import Account


class Entry:
    """One request's place; `on_queued` is called, if it is given, once the request has to wait."""

    __slots__ = ("_context", "_account", "_outcome", "_queued", "_on_queued")

    def __init__(
        self, context: Context, account: Account, loop: asyncio.AbstractEventLoop,
        on_queued: Optional[Callable[[], None]],
    ) -> None:
        self._context = context
        self._account = account
        #: Done when the layer has the request, or will not have it; None once
        #: nobody waits for that.
        self._outcome: Optional[asyncio.Future[None]] = loop.create_future()
        #: The place among those that wait for room.
        self._queued: Optional[Waiting] = None
        self._on_queued = on_queued

    async def send(self, message: Message) -> None:
        """Send the request, waiting for its turn; raise what the layer does, or what give_up() got."""
        options = self._context.options
        self._context.shares.send_then(
            self._account, "http.request", message, self._on_sent, options.queue_timeout or NEVER, options.queue_size,
            self._on_waiting, is_request=True,
        )
        try:
            await self._outcome  # type: ignore[misc]
        finally:
            # What it raises refers to this frame.
            self._outcome = None
            if self._queued is not None:
                self._queued.cancel()

    def give_up(self, failure: Exception) -> None:
        """Wait no longer; a request on its way stays there."""
        if self._queued is not None and self._queued.cancel():
            self._queued = None
            if self._outcome is not None:
                self._outcome.set_exception(failure)

    def _on_waiting(self, waiting: Waiting) -> None:
        # First for its address' turn, then for room.
        self._queued, on_queued, self._on_queued = waiting, self._on_queued, None
        if on_queued is not None:
            on_queued()

    def _on_sent(self, error: Optional[Exception]) -> None:
        self._queued = None
        outcome = self._outcome
        if outcome is None or outcome.done():
            # The task that waited was cancelled.
            return
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)


def refusal_of(context: Context, error: Exception) -> Refused:
    """Return what to tell the client of a request that the layer doesn't take, and count it."""
    if isinstance(error, exceptions.MessageTooLarge):
        return Refused(413, "The request is larger than the channel layer carries.")
    if isinstance(error, exceptions.LayerUnavailable):
        context.metrics.dropped["layer_unavailable"] += 1
        return Refused(503, "The server has lost its channel layer.", [bridge.retry_after(bridge.AWAY_SECONDS)])
    context.metrics.dropped["http_request_full"] += 1
    seconds = context.queues.retry_after("http.request")
    return Refused(bridge.BUSY_STATUS, "Too many requests are waiting for a worker.", [bridge.retry_after(seconds)])
