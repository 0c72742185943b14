"""
One HTTP request: into messages, and its answer out of them.
"""
from __future__ import annotations

import asyncio
import collections
import contextlib
import http
import logging
import time
from typing import Any, Optional

from ..backport import bridge, exceptions
from ..errors import Refused
from ..layers.queues import Waiting
from ..options import NEVER
from ..types import Message, Receive, Scope, Send
from .context import Context
from .early_hints import link_to

logger = logging.getLogger(__name__)

#: Seconds until a request without an answer is watched for its client's
#: going away. Most are answered by then, and cost no task.
WATCH_AFTER = 0.2
#: Seconds that a piece of a body waits to be joined by the next.
JOIN_FOR = 0.02


class Gone(Exception):
    """Raised when the client went away."""


class HttpExchange:
    """A request, from its headers to the last byte of its response."""

    __slots__ = (
        "_context", "_scope", "_receive", "_send", "_reply", "_messages", "_messages_size", "_waiter", "_deadline",
        "_timer", "_failure", "_input", "_reply_channel", "_path", "_was_sent", "_status", "_size", "_throttled",
        "_task", "_sending", "_body_size", "_entry", "_queued",
    )

    def __init__(self, context: Context, scope: Scope, receive: Receive, send: Send) -> None:
        self._context = context
        self._scope = scope
        self._receive = receive
        self._send = send
        self._reply = bridge.HttpReply(scope["method"])
        self._messages: collections.deque[Message] = collections.deque()
        self._messages_size = 0
        self._waiter: Optional[asyncio.Future[None]] = None
        self._deadline = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None
        #: What ended the exchange while it was waiting.
        self._failure: Optional[Exception] = None
        #: The task that reads the rest of the body, or for the client's end.
        self._input: Optional[asyncio.Task[None]] = None
        self._reply_channel = ""
        self._path = ""
        self._was_sent = False
        self._status = 0
        self._size = 0
        self._throttled = False
        self._body_size = 0
        self._task = asyncio.current_task()
        self._sending = False
        #: Done when the layer has the request, or will not have it; and its
        #: place among those that wait for room.
        self._entry: Optional[asyncio.Future[None]] = None
        self._queued: Optional[Waiting] = None

    async def run(self) -> None:
        """Serve the request."""
        started = time.monotonic()
        self._reply_channel = self._context.replies.add_exchange(self)
        try:
            refusal = self._context.refusal(self._scope)
            if refusal is not None:
                raise Refused(*refusal)
            await self._send_request()
            await self._answer()
        except Gone:
            pass
        except Refused as refusal:
            await self._refuse(refusal)
        except asyncio.CancelledError:
            if self._failure is None:
                raise
            # It was _fail() that did it.
            if isinstance(self._failure, Refused):
                await self._refuse(self._failure)
            elif not isinstance(self._failure, Gone):
                raise self._failure
        finally:
            self._end()
            seconds = time.monotonic() - started
            self._context.metrics.request_seconds.observe(seconds)
            if self._status:
                self._context.metrics.responses[self._status] += 1
                if self._context.action_logger is not None:
                    self._log(seconds)

    def _end(self) -> None:
        self._context.replies.remove(self._reply_channel)
        if self._throttled:
            self._context.layer.unthrottle(self._reply_channel)
        if self._timer is not None:
            self._timer.cancel()
        if self._input is not None:
            self._input.cancel()
        if self._reply.started and not self._reply.complete:
            self._context.replies.abandon_response(self._reply_channel)
        if self._was_sent:
            self._context.layer.send_soon("http.disconnect", bridge.http_disconnect(self._reply_channel, self._path))

    # The request

    async def _send_request(self) -> None:
        scope = self._scope
        self._path = bridge.decode_path(scope.get("raw_path") or scope["path"].encode("utf-8"))
        body, more = b"", _may_have_body(scope)
        if more:
            body, more = await self._read_body(self._context.options.inline_body_size)
        body_channel = self._context.layer.new_channel("http.request.body?") if more else None
        message = bridge.http_request(
            self._reply_channel,
            scope["method"],
            self._path,
            scope.get("query_string", b""),
            bridge.clean_headers(scope["headers"]),
            http_version=scope["http_version"],
            scheme=scope.get("scheme", "http"),
            root_path=self._context.options.root_path or scope.get("root_path", ""),
            client=scope.get("client"),
            server=scope.get("server"),
            body=body,
            body_channel=body_channel,
        )
        try:
            self._context.layer.check_hearing(self._reply_channel)
            await self._enter(message)
        except exceptions.ChannelFull:
            self._context.metrics.dropped["http_request_full"] += 1
            seconds = self._context.queues.retry_after("http.request")
            raise Refused(
                bridge.BUSY_STATUS, "Too many requests are waiting for a worker.",
                [(b"retry-after", str(seconds).encode("ascii"))],
            ) from None
        except exceptions.LayerUnavailable:
            self._context.metrics.dropped["layer_unavailable"] += 1
            raise Refused(503, "The server has lost its channel layer.") from None
        except exceptions.MessageTooLarge:
            raise Refused(413, "The request is larger than the channel layer carries.") from None
        self._was_sent = True
        self._context.metrics.messages_in["http.request"] += 1
        if body_channel is not None:
            self._input = asyncio.get_running_loop().create_task(self._forward_body(body_channel))

    async def _enter(self, message: Message) -> None:
        """Send the request, waiting for its turn; raise Gone if the client doesn't wait."""
        options = self._context.options
        entry = self._entry = asyncio.get_running_loop().create_future()
        # A client that sends is one that is here.
        watched = None if message.get("body_channel") else self._on_queued
        self._context.queues.send_then(
            "http.request", message, self._on_entered, options.queue_timeout or NEVER, options.queue_size, watched,
        )
        try:
            await entry
        finally:
            if self._queued is not None:
                self._queued.cancel()

    def _on_queued(self, waiting: Waiting) -> None:
        self._queued = waiting
        self._input = asyncio.get_running_loop().create_task(self._watch_alone())

    def _on_entered(self, error: Optional[Exception]) -> None:
        self._queued = None
        entry = self._entry
        if entry is None or entry.done():
            # Whoever waited was cancelled.
            return
        if error is None:
            entry.set_result(None)
        else:
            entry.set_exception(error)

    async def _read_body(self, limit: int) -> tuple[bytes, bool]:
        """Return the next `limit` bytes or more, and whether more follow."""
        parts = []
        size = 0
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise Gone
            part = event.get("body", b"")
            parts.append(part)
            size += len(part)
            self._body_size += len(part)
            most = self._context.options.max_body_size
            if most and self._body_size > most:
                raise Refused(413, f"The body of a request may have {most} bytes.")
            more = event.get("more_body", False)
            if not more or size >= limit:
                return parts[0] if len(parts) == 1 else b"".join(parts), more

    async def _forward_body(self, channel: str) -> None:
        """Send the rest of the body, then wait for the client's end."""
        try:
            await self._forward_chunks(channel)
            await self._watch()
        except (Gone, Refused) as failure:
            self._fail(failure)
            self._context.layer.send_soon(channel, bridge.body_closed())
        except exceptions.ChannelFull:
            self._fail(Refused(503, "The worker doesn't read the body of the request."))
            self._context.layer.send_soon(channel, bridge.body_closed())
        except exceptions.ChannelsError as error:
            self._fail(Refused(503, str(error)))
        except Exception as error:
            logger.exception("Reading the body of a request failed.")
            self._fail(error)

    async def _forward_chunks(self, channel: str) -> None:
        # Few large messages cost less than many small ones, but what a
        # client sends slowly must not wait for the rest.
        more = True
        next_part: Optional[asyncio.Task[tuple[bytes, bool]]] = None
        try:
            while more:
                parts: list[bytes] = []
                size = 0
                while more and (not parts or size < self._context.options.body_chunk_size):
                    if next_part is None:
                        next_part = asyncio.get_running_loop().create_task(self._read_body(1))
                    if size:
                        await asyncio.wait([next_part], timeout=JOIN_FOR)
                        if not next_part.done():
                            break
                    part, more = await next_part
                    next_part = None
                    parts.append(part)
                    size += len(part)
                await self._context.layer.send_with_room(
                    channel, bridge.body_chunk(b"".join(parts), more), self._context.options.http_timeout or NEVER
                )
        finally:
            if next_part is not None:
                next_part.cancel()

    async def _watch(self) -> None:
        """Return never: raise Gone when the client goes away."""
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise Gone

    async def _watch_alone(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await self._watch()
            except Gone as gone:
                self._fail(gone)

    # The answer

    def deliver(self, message: Message) -> None:
        """Take a message from the reply channel; see ReplyDispatcher."""
        self._messages.append(message)
        self._messages_size += _size(message)
        limit = self._context.options.response_buffer
        if limit and self._messages_size > limit and not self._throttled:
            self._throttled = self._context.layer.throttle(self._reply_channel)
            if not self._throttled:
                self._fail(Refused(503, "The client reads too slowly, and the channel layer can't make workers wait."))
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure
            if self._queued is not None and self._queued.cancel() and self._entry is not None:
                self._queued = None
                self._entry.set_exception(failure)
            if self._sending and self._task is not None:
                # Where it waits for a client that doesn't read.
                self._task.cancel()
        self._wake()

    async def _next_part(self) -> Message:
        loop = asyncio.get_running_loop()
        timeout = self._context.options.http_timeout or NEVER
        self._deadline = loop.time() + timeout
        while not self._messages:
            if self._failure is not None:
                raise self._failure
            if self._timer is None:
                first = timeout if self._input else min(WATCH_AFTER, timeout)
                self._timer = loop.call_later(first, self._on_timer)
            self._waiter = loop.create_future()
            await self._waiter
        if self._failure is not None:
            raise self._failure
        message = self._messages.popleft()
        self._messages_size -= _size(message)
        if self._throttled and self._messages_size < self._context.options.response_buffer * (1 - bridge.FREE_AGAIN):
            self._throttled = False
            self._context.layer.unthrottle(self._reply_channel)
        return message

    def _on_timer(self) -> None:
        loop = asyncio.get_running_loop()
        if self._waiter is None:
            # Busy sending; waiting sets the timer anew.
            self._timer = None
        elif loop.time() >= self._deadline:
            self._timer = None
            self._context.metrics.dropped["http_timeout"] += 1
            self._fail(Refused(503, "No worker answered within the time limit."))
        else:
            if self._input is None:
                self._input = loop.create_task(self._watch_alone())
            self._timer = loop.call_at(self._deadline, self._on_timer)

    async def _answer(self) -> None:
        while not self._reply.complete:
            message = await self._next_part()
            try:
                part = self._reply.feed(message)
                if isinstance(part, bridge.Push):
                    await self._hint(part.request)
                    continue
            except bridge.BrokenOff as error:
                raise Refused(500, str(error)) from error
            except exceptions.MalformedMessage as error:
                self._context.metrics.dropped["malformed_reply"] += 1
                logger.error("The response for %s %s is malformed: %s", self._scope["method"], self._path, error)
                raise Refused(500, "The server got a response that it can't send.") from error
            if part is not None:
                await self._write(part)

    async def _hint(self, request: Any) -> None:
        link = link_to(request)
        if link is not None and "http.response.early_hint" in self._scope.get("extensions", {}):
            await self._send({"type": "http.response.early_hint", "links": [link]})

    async def _write(self, part: Any) -> None:
        self._sending = True
        if part.status is not None:
            self._status = part.status
            await self._send({"type": "http.response.start", "status": part.status, "headers": part.headers})
        self._size += len(part.content)
        await self._send({"type": "http.response.body", "body": part.content, "more_body": part.more_content})
        self._sending = False

    async def _refuse(self, refusal: Refused) -> None:
        if self._status:
            # The client has seen a part: only breaking off tells the truth.
            # Without the last piece, the server underneath does that.
            logger.warning("The response for %s was broken off: %s", self._path, refusal.detail)
            return
        page = bridge.error_page(refusal.status, http.HTTPStatus(refusal.status).phrase, refusal.detail)
        page.headers.extend(refusal.headers)
        await self._write(page)

    def _log(self, seconds: float) -> None:
        scope = self._scope
        path = (scope.get("raw_path") or scope["path"].encode("utf-8")).decode("ascii", "backslashreplace")
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode("ascii", "backslashreplace")
        client = scope.get("client")
        assert self._context.action_logger is not None
        self._context.action_logger("http", "complete", {
            "path": path,
            "status": self._status,
            "method": scope["method"],
            "client": "%s:%s" % tuple(client) if client else None,
            "time_taken": seconds,
            "size": self._size,
            "version": scope["http_version"],
            "headers": scope["headers"],
        })


def _size(message: Message) -> int:
    # Whatever a worker sent; what is none is found when its turn comes.
    content = message.get("content") if isinstance(message, dict) else None
    return len(content) if isinstance(content, bytes) else 0


def _may_have_body(scope: Scope) -> bool:
    """Say if reading for a body can be worth it."""
    if scope["http_version"] not in ("1.1", "1.0"):
        # RFC 9113 section 8.1: a frame's flag says so, not a header.
        return True
    for name, value in scope["headers"]:
        if name == b"content-length":
            return bool(value != b"0")
        if name == b"transfer-encoding":
            return True
    return False
