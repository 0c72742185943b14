"""
A WebSocket's messages on their way to the layer.

One goes at a time, so that none can be refused with a later one taken: workers
count on the order, and may wait for each number of it. Where the layer has no
room it waits in turn with those of other sockets, for a while, during which few
more are taken from the client.
"""
from __future__ import annotations

import collections
from typing import Optional, Protocol

from ..backport import exceptions
from ..layers.waiting import Waiting
from ..options import NEVER
from ..types import Message
from .context import Context
from .lines import Account

#: Messages that wait for their turn before the client is asked for no more.
MOST_WAITING = 8


class Outlet(Protocol):
    """The session whose messages these are."""

    @property
    def is_open(self) -> bool:
        """Whether the worker wants more messages."""

    def pause(self) -> None:
        """Take nothing more from the client."""

    def resume(self) -> None:
        """Take more from the client."""

    def on_send_failed(self, error: Exception) -> None:
        """End the socket: the layer doesn't take a message."""

    def on_dropped(self, message: Message) -> None:
        """`message` and those after it will not be sent."""

    def on_idle(self) -> None:
        """All that came was sent, or dropped."""


class Inbound:
    """
    The messages of one session that the layer has not taken yet.

    The session hears of what becomes of them; it is told `on_idle` last.
    """

    __slots__ = ("_session", "_context", "_account", "_message", "_waiting", "_paused", "_queued")

    def __init__(self, session: Outlet, context: Context, account: Account) -> None:
        self._session = session
        self._context = context
        self._account = account
        #: The one that is on its way.
        self._message: Optional[Message] = None
        self._waiting: Optional[collections.deque[Message]] = None
        self._paused = False
        #: Its place among all that wait for room.
        self._queued: Optional[Waiting] = None

    @property
    def is_busy(self) -> bool:
        """Whether a message is on its way."""
        return self._message is not None

    def put(self, message: Message) -> None:
        """Send a message once those before it are taken."""
        if self._message is None:
            self._send(message)
            return
        if self._waiting is None:
            self._waiting = collections.deque()
        self._waiting.append(message)
        if len(self._waiting) >= MOST_WAITING and not self._paused:
            self._paused = True
            self._session.pause()

    def client_left(self) -> None:
        """Go on for what the client sent, unless the worker has closed the socket."""
        if self._queued is not None and not self._session.is_open and self._queued.cancel():
            self._drop()

    def _send(self, message: Message) -> None:
        self._message = message
        self._context.shares.send_then(
            self._account, "websocket.receive", message, self._done, self._context.options.send_timeout or NEVER,
            queued=self._on_queued, is_wanted=self._is_wanted,
        )

    def _on_queued(self, waiting: Waiting) -> None:
        self._queued = waiting

    def _is_wanted(self) -> bool:
        return self._session.is_open

    def _done(self, error: Optional[Exception]) -> None:
        self._queued = None
        if error is not None:
            if self._session.is_open or not isinstance(error, exceptions.ChannelFull):
                self._session.on_send_failed(error)
            self._drop()
            return
        self._message = None
        self._context.metrics.messages_in["websocket.receive"] += 1
        waiting = self._waiting
        if waiting:
            message = waiting.popleft()
            if self._session.is_open:
                self._send(message)
            else:
                # The worker has closed the socket, and hears no more of it.
                self._message = message
                self._drop()
            return
        self._session.on_idle()
        if self._paused:
            self._paused = False
            self._session.resume()

    def _drop(self) -> None:
        message, self._message, self._waiting, self._queued = self._message, None, None, None
        assert message is not None
        self._session.on_dropped(message)
        self._session.on_idle()
