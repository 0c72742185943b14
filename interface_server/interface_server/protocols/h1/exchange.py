"""
One request of HTTP/1 and its response, as ASGI sees them.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Optional, Protocol, Union

from ...types import Event, PlainRequest, Site
from .events import Request
from .flow import Flow
from .landing import LARGEST, Landing
from .response import CONTINUE, ResponseWriter

logger = logging.getLogger(__name__)

#: Bytes of a body that wait for the application before no more is read.
HIGH_WATER = 65536
#: The same where the application waits for it, and takes all of it in the loop's
#: next turn. A pause and its end cost as much as reading a hundred kilobytes does.
_AWAITED = 8 * HIGH_WATER
#: Bytes of content from which on it isn't copied to share a buffer with what is around it.
_SMALL = 65536

# What has become of the response.
WAITING, STARTED, COMPLETE, GONE = "WAITING", "STARTED", "COMPLETE", "GONE"

# What happens.
HEAD_SENT, LAST_SENT, CLIENT_LEFT = "HEAD_SENT", "LAST_SENT", "CLIENT_LEFT"

TRANSITIONS = {
    WAITING: {HEAD_SENT: STARTED, CLIENT_LEFT: GONE},
    STARTED: {LAST_SENT: COMPLETE, CLIENT_LEFT: GONE},
    COMPLETE: {CLIENT_LEFT: COMPLETE},
    GONE: {CLIENT_LEFT: GONE},
}

_DISCONNECT: Event = {"type": "http.disconnect"}


class ExchangeCarrier(Protocol):
    """The connection of an exchange, as far as that knows it."""

    def write(self, *pieces: Union[bytes, memoryview]) -> None:
        """Send bytes."""

    def run(self, answer: Coroutine[Any, Any, None]) -> None:
        """Have a request answered by a task."""

    def on_complete(self, exchange: Http1Exchange) -> None:
        """Go on with the next request, or end the connection."""

    def on_failure(self, exchange: Http1Exchange) -> None:
        """End the connection: the response will not come to its end."""


class Http1Exchange:
    """A request that is being answered."""

    __slots__ = (
        "scope", "state", "writer", "body_ended", "_carrier", "_flow", "_chunks", "_size", "_end_was_read",
        "_may_continue", "_waiter", "_is_awaited", "_head", "_landing",
        "_plain",
    )

    def __init__(self, carrier: ExchangeCarrier, flow: Flow, request: Request, scope: dict[str, Any]) -> None:
        self._carrier = carrier
        self._flow = flow
        self.scope = scope
        self.state = WAITING
        self.writer = ResponseWriter(request.method, request.version, request.keep_alive)
        self.body_ended = request.ended
        self._chunks: list[bytes] = []
        self._size = 0
        #: Where bytes that come before those are read to, if they are.
        self._landing: Optional[Landing] = None
        self._end_was_read = False
        #: Whether the client waits to be told to send the body.
        self._may_continue = request.expects_continue and not request.ended
        self._waiter: Optional[asyncio.Future[None]] = None
        #: Whether the application takes what is here in the loop's next turn.
        self._is_awaited = False
        #: The head of the response, which waits for the first content.
        self._head = b""
        #: Who answers, while it takes no task.
        self._plain: Optional[PlainRequest] = None

    # What the connection brings

    def feed(self, content: bytes) -> None:
        """Take a piece of the body."""
        self._may_continue = False
        if self.state is COMPLETE:
            # It was answered without it.
            return
        self._chunks.append(content)
        self._size += len(content)
        self._wake()

    def hold_back(self) -> None:
        """Take nothing more from the client if the application has enough."""
        if self._size > (_AWAITED if self._is_awaited else HIGH_WATER) and self.state is not COMPLETE:
            self._flow.pause_reading()

    def begin_landing(self, due: int) -> Optional[memoryview]:
        """Return where the next bytes of the body, of which `due` are to come, may be read to; None if nowhere."""
        due = min(due, LARGEST - self._size)
        if self._landing is not None or due < self._size or self.state is COMPLETE:
            return None
        landing = self._landing = Landing(self._chunks, due)
        self._chunks = []
        return landing.rest

    def landed(self, size: int, is_last: bool) -> Optional[memoryview]:
        """Take note that so many bytes were read there; return where the next ones go, or None."""
        landing = self._landing
        if landing is None:
            return None
        landing.fill(size)
        self._size += size
        if landing.rest is None and not is_last:
            self.hold_back()
        self._wake()
        return landing.rest

    def end_landing(self) -> None:
        """Read nothing more to where the last bytes were read to."""
        landing, self._landing = self._landing, None
        if landing is not None:
            self._flow.end_landing()
            if landing.size:
                self._chunks.insert(0, landing.content())

    def end_body(self) -> None:
        """Take note that the body is complete."""
        self.body_ended = True
        self._wake()

    def disconnect(self) -> None:
        """Have the application learn that the client is gone."""
        self.state = TRANSITIONS[self.state][CLIENT_LEFT]
        self._landing = None
        plain, self._plain = self._plain, None
        if plain is not None:
            plain.client_left()
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What the application asks for

    def begin(self, site: Site) -> None:
        """Have the site answer, by a task if it takes one; end the connection if it doesn't."""
        if self.body_ended:
            try:
                plain = site.open_request(self.scope, self)
            except Exception:
                # Who calls may be another request's task.
                logger.exception("Answering a request failed.")
                self._carrier.on_failure(self)
                return
            if plain is not None:
                self._plain = plain
                return
        self.serve(site(self.scope, self.receive, self.send))

    def watch(self) -> None:
        """Have the client's leaving noticed, whatever it has said since."""
        # Of requests behind this one the next is read, and no more.
        self._flow.resume_reading()

    def serve(self, answer: Coroutine[Any, Any, None]) -> None:
        """Have a task answer from now on."""
        self._plain = None
        self._carrier.run(self._run(answer))

    async def _run(self, answer: Coroutine[Any, Any, None]) -> None:
        try:
            await answer
        except Exception:
            logger.exception("Answering a request failed.")
        finally:
            if self.state is WAITING or self.state is STARTED:
                self._carrier.on_failure(self)

    @property
    def is_ready(self) -> bool:
        """Whether nothing was sent, and the client takes what is sent."""
        return self.state is WAITING and not self._flow.write_paused

    def answer(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        """Send the whole response."""
        try:
            response = self.writer.whole(status, headers, content)
            self._plain, self.state = None, COMPLETE
            self._carrier.write(response)
            self._carrier.on_complete(self)
        except Exception:
            # Others wait behind who brings it.
            logger.exception("Answering a request failed.")
            self._carrier.on_failure(self)

    async def receive(self) -> Event:
        if self._may_continue:
            # RFC 9110 section 10.1.1.
            self._may_continue = False
            if self.state is WAITING:
                self._carrier.write(CONTINUE)
        while self.state is WAITING or self.state is STARTED:
            if self._landing is not None:
                await self._landing.settle()
                self.end_landing()
                continue
            if self._chunks or (self.body_ended and not self._end_was_read):
                chunks, self._chunks, self._size, self._is_awaited = self._chunks, [], 0, False
                self._end_was_read = self.body_ended
                body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                return {"type": "http.request", "body": body, "more_body": not self.body_ended}
            self._flow.resume_reading()
            self._waiter, self._is_awaited = asyncio.get_running_loop().create_future(), True
            await self._waiter
        return _DISCONNECT

    async def send(self, message: Any) -> None:
        carrier = self._carrier
        if self._flow.write_paused and self.state is not GONE:
            await self._flow.drain()
        if self.state is WAITING:
            self.state = TRANSITIONS[WAITING][HEAD_SENT]
            if self._may_continue:
                # Whether it sends the body now, or its next request, can't be
                # told (RFC 9110 section 10.1.1).
                self.writer.keep_alive = False
            # It waits for the content, which follows at once.
            self._head = self.writer.head(message["status"], message.get("headers", ()))
        elif self.state is STARTED:
            content, more = message.get("body", b""), message.get("more_body", False)
            head, self._head = self._head, b""
            if len(content) < _SMALL or self.scope["scheme"] == "https":
                # Of TLS each would be a record of its own.
                body = self.writer.body(content, more)
                pieces: list[Union[bytes, memoryview]] = [head + body] if head or body else []
            else:
                pieces = [head, *self.writer.pieces(content, more)]
            if pieces and (head or not self._flow.is_over()):
                # What asyncio can't send any more it warns of in the log.
                carrier.write(*pieces)
            if not more:
                self.state = TRANSITIONS[STARTED][LAST_SENT]
                self._wake()
                carrier.on_complete(self)
