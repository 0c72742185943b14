"""
A WebSocket session under any ASGI server.

It costs one coroutine, which reads. What is to be sent goes out at once;
only while its client is slow does a socket have a task that writes, and a
queue of bounded size.
"""
from __future__ import annotations

import asyncio
import collections
import logging
import types
from collections.abc import Coroutine, Generator
from typing import Any, Optional

from ..backport import bridge
from ..protocols.ws.close_codes import NO_CLOSE_FRAME, SERVICE_RESTART
from ..types import EncodedFrame, Receive, Scope, Send
from .context import Context
from .websocket import WebSocketSession

logger = logging.getLogger(__name__)


class AsgiSocket:
    """A SocketAdapter made of an ASGI connection; see types."""

    def __init__(self, context: Context, scope: Scope, receive: Receive, send: Send) -> None:
        self._context = context
        self._scope = scope
        self._receive = receive
        self._send = send
        self._queue: collections.deque[tuple[dict[str, Any], int]] = collections.deque()
        self._queue_size = 0
        self._writer: Optional[asyncio.Task[None]] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        self._task = asyncio.current_task()
        self._readable = asyncio.Event()
        self._readable.set()
        self._over = False
        self._session: Optional[WebSocketSession] = None

    async def run(self) -> None:
        """Serve the socket."""
        await self._receive()
        session = self._session = WebSocketSession(self._context, self._scope, self)
        code = NO_CLOSE_FRAME
        try:
            code = await self._read(session)
        except asyncio.CancelledError:
            if not self._over:
                # The server stops.
                code = SERVICE_RESTART
                raise
        finally:
            session.ended(code)
            if self._timer is not None:
                self._timer.cancel()
            if self._writer is not None:
                self._writer.cancel()

    async def _read(self, session: WebSocketSession) -> int:
        """Forward the frames; return the code of the end."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                return event.get("code") or NO_CLOSE_FRAME
            session.received(event.get("text"), event.get("bytes"))
            if not self._readable.is_set():
                await self._readable.wait()

    # What the session says

    def accept(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        self._put({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}, 0)

    def deny(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        if "websocket.http.response" in self._scope.get("extensions", {}):
            self._put({"type": "websocket.http.response.start", "status": status, "headers": headers}, 0)
            self._put({"type": "websocket.http.response.body", "body": content}, 0)
        else:
            # All that such a server can say is 403.
            self._put({"type": "websocket.close"}, 0)
        self._leave()

    def send(self, event: bridge.Send, frame: EncodedFrame) -> None:
        if event.text is not None:
            self._put({"type": "websocket.send", "text": event.text}, len(event.text))
        else:
            self._put({"type": "websocket.send", "bytes": event.data}, len(event.data))

    def close(self, code: int, reason: str) -> None:
        self._put({"type": "websocket.close", "code": code, "reason": reason}, 0)
        self._leave()

    def pause(self) -> None:
        self._readable.clear()

    def resume(self) -> None:
        self._readable.set()

    def _leave(self) -> None:
        # Most servers answer our close with an event that ends the reading;
        # the rest are not waited for.
        self._readable.set()
        if self._timer is None and self._context.options.close_timeout:
            self._timer = asyncio.get_running_loop().call_later(
                self._context.options.close_timeout, self._stop_reading,
            )

    def _stop_reading(self) -> None:
        self._over = True
        if self._task is not None:
            self._task.cancel()

    def _put(self, message: dict[str, Any], size: int) -> None:
        """Send now, or later if the client is slow."""
        if self._writer is None:
            sending = self._send(message)
            waits_for = _start(sending)
            if waits_for is not _DONE:
                self._writer = asyncio.get_running_loop().create_task(self._write(_go_on(sending, waits_for)))
            return
        self._queue.append((message, size))
        self._queue_size += size
        limit = self._context.options.outbound_buffer
        if limit and self._queue_size > limit and self._session is not None:
            waiting, self._queue_size = self._queue_size, 0
            self._queue.clear()
            self._session.overrun(waiting)

    async def _write(self, sending: Coroutine[Any, Any, None]) -> None:
        """Finish `sending`, then send what has queued up meanwhile."""
        try:
            await sending
            while self._queue:
                message, size = self._queue.popleft()
                self._queue_size -= size
                await self._send(message)
        except Exception as error:
            # Reading finds out, and ends the socket.
            logger.debug("Sending to a WebSocket failed: %s", error)
        self._writer = None


_DONE = object()


def _start(sending: Any) -> Any:
    """
    Run a coroutine up to its first wait; return what it waits for, or _DONE.

    A task for every frame would cost more than sending the frame does.
    """
    try:
        return sending.send(None)
    except StopIteration:
        return _DONE
    except Exception as error:
        # As in _write().
        logger.debug("Sending to a WebSocket failed: %s", error)
        return _DONE


@types.coroutine
def _go_on(sending: Any, waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that _start() began, inside a task."""
    while True:
        try:
            sent = yield waits_for
        except BaseException as error:
            try:
                waits_for = sending.throw(error)
            except StopIteration:
                return
        else:
            try:
                waits_for = sending.send(sent)
            except StopIteration:
                return
