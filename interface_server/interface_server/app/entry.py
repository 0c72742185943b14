"""
A request as all kinds of it are, and its way to the layer: through the queue of
those that find its channel full.
"""
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Optional

from ..backport import bridge, exceptions
from ..errors import Refused
from ..layers.waiting import Waiting
from ..options import NEVER
from ..types import Message, Scope
from .context import Context
from .replies import Exchange


def path_of(scope: Scope) -> str:
    """Return the path that a request's message has."""
    return bridge.decode_path(scope.get("raw_path") or scope["path"].encode("utf-8"))  # type: ignore[no-any-return]


def request_message(
    context: Context, scope: Scope, reply_channel: str, path: str, body: bytes = b"",
    body_channel: Optional[str] = None,
) -> dict[str, Any]:
    """Return the message of a request; `body_channel` is where more of its body will come, if more does."""
    return bridge.http_request(  # type: ignore[no-any-return]
        reply_channel,
        scope["method"],
        path,
        scope.get("query_string", b""),
        bridge.clean_headers(scope["headers"]),
        http_version=scope["http_version"],
        scheme=scope.get("scheme", "http"),
        root_path=context.options.root_path or scope.get("root_path", ""),
        client=scope.get("client"),
        server=scope.get("server"),
        body=body,
        body_channel=body_channel,
    )


class Entry:
    """
    One request, from its beginning to its end, and its place on its way.

    `exchange` gets what comes for it. `on_sent` is called, if it is given, with
    None once the layer has the request, or with the error if it will not.
    """

    __slots__ = (
        "path", "account", "reply_channel", "on_queued", "is_over", "was_sent", "_started", "_sent_at", "_context",
        "_error", "_outcome", "_queued", "_on_sent", "_given_up",
    )

    def __init__(
        self, context: Context, scope: Scope, exchange: Exchange,
        on_sent: Optional[Callable[[Optional[Exception]], None]] = None,
    ) -> None:
        self._context = context
        self._started = self._sent_at = time.monotonic()
        self.path = path_of(scope)
        self.account = context.shares.begin_request(scope.get("client"))
        self.reply_channel = context.replies.add_exchange(exchange)
        #: Is called once the request has to wait.
        self.on_queued: Optional[Callable[[], None]] = None
        #: Whether the layer has the request, or will not have it.
        self.is_over = False
        #: Whether the layer was seen to have it, and that is counted.
        self.was_sent = False
        self._error: Optional[Exception] = None
        #: What somebody waits by for that.
        self._outcome: Optional[asyncio.Future[None]] = None
        #: The place among those that wait for room.
        self._queued: Optional[Waiting] = None
        self._on_sent = on_sent
        #: What give_up() got.
        self._given_up: Optional[Exception] = None

    def begin(self, message: Message) -> None:
        """Send the request when it is its turn; raise what the layer does if that is known at once."""
        context = self._context
        context.layer.check_hearing(context.replies.http_channel)
        options = context.options
        context.shares.send_then(
            self.account, "http.request", message, self._after, options.queue_timeout or NEVER, options.queue_size,
            self._on_waiting, is_request=True,
        )

    async def wait(self) -> None:
        """Return once the layer has the request; raise what it does, or what give_up() got."""
        # Who waits here is told so, and who was told before may refer to us.
        self._on_sent = None
        try:
            if not self.is_over:
                self._outcome = asyncio.get_running_loop().create_future()
                await self._outcome
            if self._error is not None:
                raise self._error
        finally:
            # What it raises refers to this frame, and who is called to us.
            self._outcome = self._error = self._given_up = self.on_queued = None
            if not self.is_over:
                # The task was cancelled.
                self.give_up(exceptions.ChannelFull("Nobody waits for it any more."))

    def cancel(self) -> bool:
        """Send nothing, if that can be; say if it can."""
        if self._queued is None or not self._queued.cancel():
            return False
        self.on_queued = self._on_sent = None
        return True

    def give_up(self, failure: Exception) -> None:
        """Wait no longer; a request on its way stays there, and is sent once at most."""
        self._given_up = failure
        if self.cancel():
            self.fail(failure)

    def fail(self, error: Exception) -> None:
        """Take note that the request isn't sent, and why."""
        self._after(error)

    def _on_waiting(self, waiting: Waiting) -> None:
        # First for its address' turn, then for room.
        self._queued, on_queued, self.on_queued = waiting, self.on_queued, None
        if self._given_up is not None:
            # It was being tried then.
            self.give_up(self._given_up)
            return
        if on_queued is not None:
            on_queued()

    def mark_sent(self) -> None:
        """Take note that the layer has the request, as its answer may tell first."""
        if not self.was_sent:
            self.was_sent, self._sent_at = True, time.monotonic()
            self._context.metrics.messages_in["http.request"] += 1

    @property
    def waited(self) -> float:
        """The seconds since the layer got the request; 0 if it has none."""
        return time.monotonic() - self._sent_at if self.was_sent else 0.0

    def end(self, status: int) -> float:
        """Forget the request, which was answered with `status`, 0 if it wasn't; return how many seconds it took."""
        context = self._context
        context.shares.end_request(self.account)
        context.replies.remove(self.reply_channel)
        if self.was_sent:
            context.queues.progress("http.request")
            context.disconnects.add(self.reply_channel, self.path)
        seconds = time.monotonic() - self._started
        context.metrics.request_seconds.observe(seconds)
        if status:
            context.metrics.responses[status] += 1
        return seconds

    def _after(self, error: Optional[Exception]) -> None:
        if error is None:
            self.mark_sent()
        elif self._given_up is not None:
            error = self._given_up
        self._queued, self.is_over, self._error = None, True, error
        if self._outcome is not None:
            if not self._outcome.done():
                # Else the task that waited was cancelled.
                self._outcome.set_result(None)
        elif self._on_sent is not None:
            on_sent, self._on_sent = self._on_sent, None
            on_sent(error)


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
