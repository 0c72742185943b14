"""
A WebSocket connection of our own server.

It begins with a request that HTTP has parsed, and talks to its session
directly: an idle socket costs two small objects and a timer.
"""
from __future__ import annotations

import asyncio
import sys
from typing import Any, Optional

from ...backport import bridge
from ...types import EncodedFrame, Scope, Session, Site
from ..connections import ConnectionLimiter
from ..responses import plain_response
from . import frames as wire_format
from .close_codes import NO_CLOSE_FRAME, NO_CODE, SERVICE_RESTART
from .frames import BINARY, CLOSE, PING, PONG, TEXT, FrameError, FrameParser
from .handshake import accept_response
from .states import (
    ACCEPTED, BY_RATE, BY_SESSION, CLOSE_SENT, CONNECTING, DEAD, DONE, GONE, HEARD, LIVENESS, OPEN, PINGED, READING,
    SILENT, SOCKET,
)
from .unread import Unread

#: Bytes that a client may send before its handshake is answered.
_EARLY_BYTES = 64 * 1024
#: Frames that are taken at once. What a read brings beyond them stays bytes:
#: as messages, empty frames would need a hundred times the room.
BATCH = 16


class WebSocketProtocol(asyncio.Protocol):
    """
    Carries the frames of one session; see types.SocketAdapter.

    `slot` is what `limiter` counts its connection as; None is for a socket
    inside a connection that is counted already.
    """

    __slots__ = (
        "_site", "_options", "_limiter", "_transport", "_loop", "_parser", "_session", "_accept_key",
        "_early", "_state",
        "_timer", "due", "_liveness", "_held_by", "_window_start", "_window_frames", "_unread", "_slot",
    )

    def __init__(
        self, site: Site, limiter: ConnectionLimiter, transport: asyncio.Transport, accept_key: bytes,
        slot: Optional[str],
    ) -> None:
        self._site = site
        self._options = site.options
        self._limiter = limiter
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parser = FrameParser(self._options.max_frame_size, self._options.max_message_size)
        self._session: Optional[Session] = None
        self._accept_key = accept_key
        #: What came before the handshake was answered.
        self._early: Optional[bytes] = None
        self._state = CONNECTING
        self._timer: Optional[asyncio.TimerHandle] = None
        self.due: Optional[set[Any]] = None
        self._liveness = SILENT
        #: The reasons for which nothing is read now.
        self._held_by = 0
        self._window_start = 0.0
        # The number of frames after which to look at the time.
        self._window_frames = self._options.max_frames_per_second or sys.maxsize
        #: While the client doesn't read as fast as is written.
        self._unread: Optional[Unread] = None
        self._slot = slot

    def start(self, scope: Scope, rest: bytes) -> None:
        """Begin the session; `rest` came right behind the request."""
        self._transport.set_protocol(self)
        self._limiter.sockets.add(self)
        # A worker in this process may have answered when this returns.
        self._session = self._site.open_socket(scope, self)
        if rest:
            self.data_received(rest)

    def _move(self, event: str) -> None:
        self._state = SOCKET[self._state][event]

    # In

    def data_received(self, data: bytes) -> None:
        if self._state in READING:
            self._liveness = HEARD
            self._read(data)
        elif self._state is CONNECTING:
            self._keep_early(data)

    def _read(self, data: bytes) -> None:
        """Take frames, as many as there is time and room for."""
        parser = self._parser
        while self._session is not None and self._state in READING:
            if self._held_by:
                # Read before reading was paused; it is taken up again then.
                parser.feed(data, 0)
                return
            try:
                events = parser.feed(data, min(BATCH, self._window_frames - parser.frames))
            except FrameError as error:
                self._session.ended(error.code)
                if self._state is OPEN:
                    self._transport.write(wire_format.encode_close(error.code, error.reason))
                self._finish()
                return
            for kind, value in events:
                if kind == TEXT:
                    self._session.received(value, None)
                elif kind == BINARY:
                    self._session.received(None, value)
                elif kind == PING:
                    self._write(wire_format.encode(PONG, value))
                elif kind == CLOSE:
                    self._on_close(*value)
                    return
            if parser.frames >= self._window_frames:
                self._slow_down()
            if not parser.has_more:
                return
            data = b""

    def _keep_early(self, data: bytes) -> None:
        # RFC 6455 section 4.1 has clients wait for the answer.
        self._early = (self._early or b"") + data
        if len(self._early) > _EARLY_BYTES:
            self._abort(NO_CLOSE_FRAME)

    def _slow_down(self) -> None:
        """Read no more until the second is over, if it isn't."""
        now = self._loop.time()
        over = self._window_start + 1
        self._window_frames = self._parser.frames + self._options.max_frames_per_second
        if now < over:
            self._hold(BY_RATE)
            self._loop.call_at(over, self._read_on, BY_RATE)
            self._window_start = over
        else:
            self._window_start = now

    def pause(self) -> None:
        self._hold(BY_SESSION)

    def resume(self) -> None:
        self._read_on(BY_SESSION)

    def _hold(self, reason: int) -> None:
        self._held_by |= reason
        self._transport.pause_reading()

    def _read_on(self, reason: int) -> None:
        self._held_by &= ~reason
        if self._held_by or self._transport.is_closing():
            return
        self._transport.resume_reading()
        if self._parser.has_more:
            # Not from inside the session, which told us to.
            self._loop.call_soon(self._read, b"")

    def _on_close(self, code: int, reason: str) -> None:
        if self._session is not None:
            self._session.ended(code)
        if self._state is OPEN:
            # RFC 6455 section 5.5.1: the answer has the same code.
            self._transport.write(
                wire_format.encode_close(code) if code != NO_CODE else wire_format.encode(CLOSE, b"")
            )
        self._finish()

    # Out

    def accept(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        self._answer(subprotocol, headers)
        self._move(ACCEPTED)
        self._window_start = self._loop.time()
        self._accept_key = b""
        self._limiter.keepalive.add(self, self._options.ping_interval)
        early, self._early = self._early, None
        if early:
            self._loop.call_soon(self.data_received, early)

    def _answer(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        self._transport.write(accept_response(self._accept_key, subprotocol, headers))

    def deny(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        self._refuse(status, headers, content)
        self._finish()

    def _refuse(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        self._transport.write(plain_response(status, headers, content))

    def send(self, event: bridge.Send, encoded: EncodedFrame) -> None:
        frame = encoded.data
        if frame is None:
            if event.text is not None:
                frame = wire_format.encode(TEXT, event.text.encode())
            else:
                frame = wire_format.encode(BINARY, event.data)
            encoded.data = frame
        self._write(frame)

    def _write(self, frame: bytes) -> None:
        # A transport that failed tells us in the next turn of the loop.
        if self._state is not OPEN or self._transport.is_closing():
            return
        self._transport.write(frame)
        if self._unread is not None:
            self._unread.add(frame)

    def close(self, code: int, reason: str) -> None:
        if self._state is not OPEN:
            return
        self._transport.write(wire_format.encode_close(code, reason))
        self._move(CLOSE_SENT)
        # The client answers with a close frame of its own.
        if self._held_by & BY_SESSION:
            self.resume()
        self._end_soon()

    def _end_soon(self) -> None:
        """Give the client so much time to close it, too."""
        self._limiter.keepalive.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        seconds = self._options.close_timeout
        self._timer = self._loop.call_later(seconds, self._on_close_timeout) if seconds else None

    def _on_close_timeout(self) -> None:
        self._abort(NO_CLOSE_FRAME)

    def _finish(self) -> None:
        """Close once everything is written, or the client takes too long."""
        self._move(DONE)
        self._transport.close()
        self._end_soon()

    def _abort(self, code: int) -> None:
        self._move(DONE)
        if self._session is not None:
            self._session.ended(code)
        self._transport.abort()

    def _overrun(self, size: int) -> None:
        if self._session is not None:
            self._session.overrun(size)

    def pause_writing(self) -> None:
        self._unread = Unread(self._transport, self._limiter.unread, self._options, self._overrun)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.stop()
            self._unread = None

    # Is the client there?

    def is_due(self) -> None:
        """Look whether the client is there; see Keepalive."""
        self._liveness = LIVENESS[self._liveness]
        if self._liveness is DEAD:
            self._abort(NO_CLOSE_FRAME)
            return
        is_pinged = self._liveness is PINGED
        if is_pinged:
            self._write(wire_format.encode(PING, b""))
        self._limiter.keepalive.add(self, self._options.ping_timeout if is_pinged else self._options.ping_interval)

    # The end

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._move(GONE)
        self._limiter.sockets.discard(self)
        if self._slot is not None:
            self._limiter.release(self._slot)
        self.resume_writing()
        self._limiter.keepalive.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._session is not None:
            self._session.ended(NO_CLOSE_FRAME)
            # It refers to us; without it, both are gone at once.
            self._session = None

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def shutdown(self) -> None:
        """End the socket, since the server ends."""
        if self._session is not None:
            self._session.close(SERVICE_RESTART)
