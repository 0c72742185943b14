"""
One HTTP request: into messages, and its answer out of them.

A slow client occupies no worker: the body is read whole before a worker gets
the request (`request_body`), the response as it is sent (`response_queue`).
"""
from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import time
from collections.abc import Awaitable
from typing import Any, Optional

from ..backport import bridge, exceptions
from ..errors import Refused
from ..options import NEVER
from ..types import ROOM, VIEWS, Message, Receive, Scope, Send
from .action_log import log_request
from .context import Context
from .early_hints import send_hint
from .entry import Entry, refusal_of, request_message
from .request_body import ClientGone, RequestBody, may_have_body
from .response_queue import ResponseQueue

logger = logging.getLogger(__name__)

#: Seconds until a request without an answer is watched for its client's
#: going away. Most are answered by then, and cost no task.
WATCH_AFTER = 0.2


class HttpExchange:
    """A request, from its headers to the last byte of its response, or from where its `entry` has been begun."""

    __slots__ = (
        "_context", "_scope", "_send", "_body", "_queue", "_waiter", "_deadline", "_timer", "_failure",
        "_input", "_status", "_size", "_throttled", "_task", "_sending", "_blocked", "_entry", "_has_begun", "_room",
        "_loop", "_waited",
    )

    def __init__(
        self, context: Context, scope: Scope, receive: Receive, send: Send, entry: Optional[Entry] = None,
    ) -> None:
        self._context = context
        self._has_begun = entry is not None
        self._entry = entry if entry is not None else Entry(context, scope, self)
        self._scope = scope
        self._send = send
        self._body = RequestBody(context, receive)
        extensions = scope.get("extensions", {})
        self._room, is_2 = extensions.get(ROOM), scope["http_version"] == "2"
        self._queue = ResponseQueue(context, scope["method"], splits=is_2, views=VIEWS in extensions)
        self._waiter: Optional[asyncio.Future[None]] = None
        self._deadline = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None
        #: What ended the exchange while it was waiting.
        self._failure: Optional[Exception] = None
        #: The task that reads the rest of the body, or for the client's end.
        self._input: Optional[asyncio.Task[None]] = None
        #: Seconds that it has waited for the first part of the answer before we do.
        self._waited = self._entry.waited
        self._throttled = self._sending = False
        self._status = self._size = 0
        #: Seconds that writing to the client has taken.
        self._blocked = 0.0
        self._loop = asyncio.get_running_loop()
        self._task: Optional[asyncio.Task[Any]] = None

    async def run(self) -> None:
        """Serve the request."""
        self._task = asyncio.current_task(self._loop)
        try:
            if self._has_begun:
                self._on_queued()
                await self._enter()
            else:
                refusal = self._context.refusal(self._scope)
                if refusal is not None:
                    raise Refused(*refusal)
                await self._send_request()
            await self._answer()
        except ClientGone:
            pass
        except Refused as refusal:
            await self._refuse(refusal)
        except asyncio.CancelledError:
            if self._failure is None:
                raise  # Else it was _fail() that did it.
            if isinstance(self._failure, Refused):
                await self._refuse(self._failure)
            elif not isinstance(self._failure, ClientGone):
                raise self._failure
        finally:
            seconds = self._entry.end(self._status)
            self._end()
            if self._status and self._context.action_logger is not None:
                log_request(self._context.action_logger, self._scope, self._status, self._size, seconds)

    def _end(self) -> None:
        if self._throttled:
            self._context.layer.unthrottle(self._entry.reply_channel)
        if self._timer is not None:
            self._timer.cancel()
        if self._input is not None:
            self._input.cancel()
        self._body.close()
        self._queue.close()
        self._failure = None  # It was raised in frames that refer to us.
        if self._queue.reply.started and not self._queue.reply.complete:
            self._context.replies.abandon_response(self._entry.reply_channel)

    # The request

    async def _send_request(self) -> None:
        scope, entry = self._scope, self._entry
        body, more = b"", may_have_body(scope)
        if more:
            body, more = await self._body.begin()
        body_channel = self._context.layer.new_channel("http.request.body?") if more else None
        if not more:
            # With a body behind it, what comes from the client is read there.
            entry.on_queued = self._on_queued
        await self._enter(request_message(
            self._context, scope, entry.reply_channel, entry.path, body, body_channel))
        if body_channel is not None:
            self._input = self._loop.create_task(self._forward_body(body_channel))

    async def _enter(self, message: Optional[Message] = None) -> None:
        """Return once the layer has the request: `message`, or what has begun to be sent."""
        try:
            if message is not None:
                self._entry.begin(message)
            await self._entry.wait()
        except (exceptions.ChannelFull, exceptions.LayerUnavailable, exceptions.MessageTooLarge) as error:
            raise refusal_of(self._context, error) from None

    def _on_queued(self) -> None:
        self._input = self._loop.create_task(self._watch_alone())

    async def _forward_body(self, channel: str) -> None:
        """Send the rest of the body, then wait for the client's end."""
        try:
            await self._body.forward(channel)
            await self._body.watch()
        except (ClientGone, Refused) as failure:
            self._fail(failure)
            self._context.layer.send_soon(channel, bridge.body_closed())
        except exceptions.ChannelFull:
            self._fail(Refused(503, "The worker doesn't read the body of the request."))
            self._context.layer.send_soon(channel, bridge.body_closed())
        except exceptions.ChannelsError as error:
            self._fail(refusal_of(self._context, error))
        except Exception as error:
            logger.exception("Reading the body of a request failed.")
            self._fail(error)

    async def _watch_alone(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await self._body.watch()
            except ClientGone as gone:
                self._fail(gone)

    # The answer

    def deliver(self, message: Message) -> None:
        """Take a message from the reply channel; see ReplyDispatcher."""
        try:
            self._queue.feed(message, self._entry.path)
        except OSError as error:
            self._fail(Refused(500, self._queue.explain(error)))
        if not self._queue.reply.complete and not self._throttled and self._queue.is_full:
            self._throttle()
        self._wake()

    def lose(self, failure: Refused, has_started: bool) -> None:
        """Fail, if the layer had the request, and its response is at the point that `has_started` says."""
        reply = self._queue.reply
        if self._entry.was_sent and reply.started == has_started and not reply.complete:
            self._fail(failure)

    def _throttle(self) -> None:
        self._throttled = self._context.layer.throttle(self._entry.reply_channel)
        if not self._throttled:
            self._fail(Refused(503, "The client reads too slowly, and the channel layer can't make workers wait."))

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure
            self._entry.give_up(failure)
            if self._sending and self._task is not None:
                # Where it waits for a client that doesn't read.
                self._task.cancel()
        self._wake()

    async def _next_part(self) -> Any:
        loop = self._loop
        timeout = self._context.options.http_timeout or NEVER
        self._deadline, self._waited = loop.time() + timeout - self._waited, 0.0
        while not self._queue.entries:
            if self._failure is not None:
                raise self._failure
            if self._timer is None:
                first = loop.time() + min(WATCH_AFTER, timeout)
                self._timer = loop.call_at(self._deadline if self._input else first, self._on_timer)
            self._waiter = loop.create_future()
            await self._waiter
        if self._room and self._queue.is_large:
            await self._wait(self._room())
        if self._failure is not None:
            raise self._failure
        try:
            part = self._queue.get()
        except OSError as error:
            raise Refused(500, self._queue.explain(error)) from error
        if self._throttled and self._queue.has_room_again:
            self._throttled = False
            self._context.layer.unthrottle(self._entry.reply_channel)
        return part

    def _on_timer(self) -> None:
        loop = self._loop
        if self._waiter is None:
            self._timer = None  # Busy sending; the next wait sets it again.
        elif loop.time() >= self._deadline:
            self._timer = None
            self._context.metrics.dropped["http_timeout"] += 1
            self._fail(Refused(503, "No worker answered within the time limit."))
        else:
            if self._input is None:
                self._input = loop.create_task(self._watch_alone())
            self._timer = loop.call_at(self._deadline, self._on_timer)

    async def _answer(self) -> None:
        more = True
        while more:
            part = await self._next_part()
            if isinstance(part, bridge.Push):
                await send_hint(self._scope, self._send, part.request)
                continue
            await self._write(part)
            more = part.more_content
            most = self._context.options.max_response_time
            if more and most and self._blocked > most:
                self._context.metrics.dropped["slow_client"] += 1
                raise Refused(503, "Its client reads too slowly.")

    async def _write(self, part: Any) -> None:
        if part.status is not None:
            self._status = part.status
        self._size += len(part.content)
        await self._wait(self._send_part(part))

    async def _send_part(self, part: Any) -> None:
        if part.status is not None:
            await self._send({"type": "http.response.start", "status": part.status, "headers": part.headers})
        await self._send({"type": "http.response.body", "body": part.content, "more_body": part.more_content})

    async def _wait(self, awaitable: Awaitable[None]) -> None:
        """Wait for what depends on the client's reading."""
        self._sending, began = True, time.monotonic()
        await awaitable
        self._sending = False
        self._blocked += time.monotonic() - began

    async def _refuse(self, refusal: Refused) -> None:
        if self._status:
            # Without the last piece, the server underneath breaks it off.
            what = refusal.detail
            self._context.repeats.warn(logger, what, "The response for %s was broken off: %s", self._entry.path, what)
            return
        page = bridge.error_page(refusal.status, http.HTTPStatus(refusal.status).phrase, refusal.detail)
        page.headers.extend(refusal.headers)
        await self._write(page)
