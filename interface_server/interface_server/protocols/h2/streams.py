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
from .lifecycle import (
    ABANDONED, AWAITED, BODY, COMPLETE, COMPLETED, COMPLETION, INVITE, LAST_CAME, LAST_READ, LOSS, RECEIVING, RESPONSE,
    START, STARTED,
)
from .writer import FrameWriter

logger = logging.getLogger(__name__)


class Stream:
    """One request and its response; `forget` is called with it once the application is done."""

    __slots__ = (
        "number", "scope", "body", "body_size", "changed", "body_deadline", "window_deadline", "_writer", "_forget",
        "_body_timeout", "_body_state", "_response_state",
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
        self._body_state = COMPLETE if ended else RECEIVING
        self._response_state = AWAITED
        #: Set when there is something to read, or room to write.
        self.changed = asyncio.Event()
        #: By the loop's clock, for the client to send more of the body and to
        #: open its window; 0 stands for none.
        self.body_deadline = self.window_deadline = 0.0
        self._body_timeout = body_timeout
        self.await_body()

    @property
    def has_whole_body(self) -> bool:
        """Whether no more of the body is to come."""
        return self._body_state is not RECEIVING

    @property
    def has_started(self) -> bool:
        """Whether the headers of the response went out."""
        return self._response_state in (STARTED, COMPLETED)

    @property
    def is_over(self) -> bool:
        """Whether the response has ended, or nobody is there to get it."""
        return self._response_state in (COMPLETED, ABANDONED)

    @property
    def disconnected(self) -> bool:
        """Whether nobody is there to get the response."""
        return self._response_state is ABANDONED

    def _respond(self, event: str) -> None:
        self._response_state = RESPONSE[self._response_state][event]

    def end_body(self) -> None:
        """Record that all of the body is here."""
        self._body_state = BODY[self._body_state][LAST_CAME]
        self.body_deadline = 0.0
        self.changed.set()

    def await_body(self) -> None:
        """Give the client its time for the next piece of the body, from now on."""
        if self._body_timeout and not self.has_whole_body:
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
            if not self.is_over:
                self._writer.reset(self.number, h2.errors.ErrorCodes.INTERNAL_ERROR)
            # They refer to us: without them it is gone at once.
            self.scope["extensions"].clear()
            self._forget(self)

    async def receive(self) -> Event:
        while True:
            if self.is_over:
                return {"type": "http.disconnect"}
            if self.body or self._body_state is COMPLETE:
                body, self.body = bytes(self.body), bytearray()
                self._writer.consumed(self.number, len(body))
                self.await_body()
                if self._body_state is COMPLETE:
                    self._body_state = BODY[COMPLETE][LAST_READ]
                return {"type": "http.request", "body": body, "more_body": not self.has_whole_body}
            self.changed.clear()
            self._ask_for_body()
            await self.changed.wait()

    def _ask_for_body(self) -> None:
        """Answer `Expect: 100-continue` (RFC 9110 section 10.1.1), once."""
        if self._response_state is AWAITED and not (self.body_size or self.has_whole_body):
            self._respond(INVITE)
            if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.scope["headers"]):
                self._writer.send_headers(self, 100, [])

    async def send(self, message: dict[str, Any]) -> None:
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._respond(START)
            self._writer.send_headers(self, message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.early_hint":
            if not self.has_started:
                # RFC 8297.
                self._writer.send_headers(self, 103, [(b"link", link) for link in message["links"]])
        else:
            body, more = message.get("body", b""), message.get("more_body", False)
            if self.scope["method"] == "HEAD":
                body = b""
            await self._writer.send_body(self, body, not more)
            if not more:
                self._respond(COMPLETION)

    async def wait_for_room(self) -> None:
        """Return once some of the response can be sent, or it is over."""
        await self._writer.wait_for_room(self)

    def disconnect(self) -> None:
        """Have the application learn that the client is gone."""
        self._respond(LOSS)
        self.body_deadline = self.window_deadline = 0.0
        self.changed.set()
