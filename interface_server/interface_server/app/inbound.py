"""
A frame of a WebSocket on its way to the layer, which may have no room at first.
"""
from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Optional

from ..backport import exceptions
from ..layers import FIRST_PAUSE, LAST_PAUSE
from ..types import Message

if TYPE_CHECKING:
    from .application import Application
    from .websocket import WebSocketSession


class Forwarding:
    """Sends `message` of a session, and tells it what became of that."""

    __slots__ = ("_session", "_app", "_message", "_pause", "_deadline", "_retry")

    def __init__(self, session: WebSocketSession, app: Application, message: Message) -> None:
        self._session = session
        self._app = app
        self._message = message
        self._pause = FIRST_PAUSE
        self._deadline = 0.0
        #: The next attempt, while there is no room.
        self._retry: Optional[asyncio.TimerHandle] = None

    def attempt(self) -> None:
        """Send it."""
        self._retry = None
        self._app.layer.send_then("websocket.receive", self._message, self._done)

    def client_left(self) -> None:
        """Go on for what the client sent, unless the worker has closed the socket."""
        if self._retry is not None and not self._session.is_open:
            self._retry.cancel()
            self._session.give_up_on(self._message)

    def _done(self, error: Optional[Exception]) -> None:
        if error is None:
            self._session.forwarded()
        elif not isinstance(error, exceptions.ChannelFull) or self._is_late():
            self._session.refused(self._message, error)
        elif self._session.is_open:
            self._retry = asyncio.get_running_loop().call_later(self._pause, self.attempt)
            self._pause = min(self._pause * 2, LAST_PAUSE)
        else:
            self._session.give_up_on(self._message)

    def _is_late(self) -> bool:
        now = time.monotonic()
        if not self._deadline:
            self._deadline = now + self._app.options.send_timeout
        return now >= self._deadline
