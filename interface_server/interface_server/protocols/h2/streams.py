"""
A stream of HTTP/2 that carries a request, as ASGI sees it.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import h2.errors

from ...types import Event
from .writer import FrameWriter

logger = logging.getLogger(__name__)


class Stream:
    """One request and its response; `forget` is called with it once the application is done."""

    __slots__ = (
        "number", "scope", "body", "body_size", "body_ended", "disconnected", "response_started", "response_ended",
        "changed", "body_deadline", "window_deadline", "_writer", "_forget", "_body_timeout", "_end_was_read",
        "_may_continue",
    )

    def __init__(
        self, writer: FrameWriter, forget: Callable[[Stream], None], number: int, scope: dict[str, Any], ended: bool,
        body_timeout: float,
    ) -> None:
        self._writer = writer
        self._forget = forget
        self.number = number
        self.scope = scope
        # In one buffer: a client may send it in frames of a byte.
        self.body = bytearray()
        self.body_size = 0
        self.body_ended = ended
        self.disconnected = False
        self.response_started = False
        self.response_ended = False
        #: Set when there is something to read, or room to write.
        self.changed = asyncio.Event()
        #: By the loop's clock, for the client to send more of the body and to
        #: open its window; 0 stands for none.
        self.body_deadline = self.window_deadline = 0.0
        self._body_timeout = body_timeout
        self._end_was_read = False
        #: Whether the client hasn't been told yet to send the body.
        self._may_continue = True
        self.await_body()

    def await_body(self) -> None:
        """Give the client its time for the next piece of the body, from now on."""
        if self._body_timeout and not self.body_ended:
            self.body_deadline = asyncio.get_running_loop().time() + self._body_timeout

    def is_late(self, now: float, has_room: bool) -> bool:
        """
        Say if the client has let a deadline pass.

        `has_room` tells whether the window of the connection lets it send.
        """
        if 0 < self.body_deadline < now and (self.body or not has_room):
            # It isn't the client who is slow: nobody has read what it sent.
            self.await_body()
        return 0 < self.body_deadline < now or 0 < self.window_deadline < now

    async def run(self, application: Callable[..., Awaitable[None]]) -> None:
        """Have the application answer; reset the stream if it doesn't."""
        try:
            await application(self.scope, self.receive, self.send)
        except Exception:
            logger.exception("Answering a request over HTTP/2 failed.")
        finally:
            if not self.response_ended and not self.disconnected:
                self._writer.reset(self.number, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._forget(self)

    async def receive(self) -> Event:
        while True:
            if self.disconnected or self.response_ended:
                return {"type": "http.disconnect"}
            if self.body:
                body, self.body = bytes(self.body), bytearray()
                self._writer.consumed(self.number, len(body))
                self.await_body()
                return {"type": "http.request", "body": body, "more_body": not self.body_ended}
            if self.body_ended and not self._end_was_read:
                self._end_was_read = True
                return {"type": "http.request", "body": b"", "more_body": False}
            self.changed.clear()
            self._ask_for_body()
            await self.changed.wait()

    def _ask_for_body(self) -> None:
        """Answer `Expect: 100-continue` (RFC 9110 section 10.1.1), once."""
        if self._may_continue and not (self.body_size or self.body_ended or self.response_started):
            self._may_continue = False
            if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.scope["headers"]):
                self._writer.send_headers(self, 100, [])

    async def send(self, message: dict[str, Any]) -> None:
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.response_started = True
            self._writer.send_headers(self, message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.early_hint":
            if not self.response_started:
                # RFC 8297.
                self._writer.send_headers(self, 103, [(b"link", link) for link in message["links"]])
        else:
            body, more = message.get("body", b""), message.get("more_body", False)
            if self.scope["method"] == "HEAD":
                body = b""
            await self._writer.send_body(self, body, not more)
            self.response_ended = self.response_ended or not more

    async def wait_for_room(self) -> None:
        """Return once some of the response can be sent, or it is over."""
        await self._writer.wait_for_room(self)

    def disconnect(self) -> None:
        """Have the application learn that the client is gone."""
        self.disconnected = True
        self.body_deadline = self.window_deadline = 0.0
        self.changed.set()
