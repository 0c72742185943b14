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
        "_early", "_open", "_closing",
        "_timer", "_heard", "_pinged", "_paused_by_session", "_paused_by_rate", "_window_start", "_window_frames",
        "_writing_paused", "_slot",
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
        self._open = False
        self._closing = False
        self._timer: Optional[asyncio.TimerHandle] = None
        self._heard = False
        self._pinged = False
        self._paused_by_session = False
        self._paused_by_rate = False
        self._window_start = 0.0
        # The number of frames after which to look at the time.
        self._window_frames = self._options.max_frames_per_second or sys.maxsize
        self._writing_paused = False
        self._slot = slot

    def start(self, scope: Scope, rest: bytes) -> None:
        """Begin the session; `rest` came right behind the request."""
        self._transport.set_protocol(self)
        self._limiter.sockets.add(self)
        # A worker in this process may have answered when this returns.
        self._session = self._site.open_socket(scope, self)
        if rest:
            self.data_received(rest)

    # In

    def data_received(self, data: bytes) -> None:
        if not self._open or self._session is None:
            if not self._closing:
                self._keep_early(data)
            return
        self._heard = True
        self._read(data)

    def _read(self, data: bytes) -> None:
        """Take frames, as many as there is time and room for."""
        parser = self._parser
        while self._session is not None:
            if self._paused_by_session or self._paused_by_rate:
                # Read before reading was paused; it is taken up again then.
                parser.feed(data, 0)
                return
            try:
                events = parser.feed(data, min(BATCH, self._window_frames - parser.frames))
            except FrameError as error:
                self._session.ended(error.code)
                self._fail(error.code, error.reason)
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
            self._paused_by_rate = True
            self._transport.pause_reading()
            self._loop.call_at(over, self._go_on)
            self._window_start = over
        else:
            self._window_start = now

    def _go_on(self) -> None:
        self._paused_by_rate = False
        self._read_on()

    def pause(self) -> None:
        self._paused_by_session = True
        self._transport.pause_reading()

    def resume(self) -> None:
        self._paused_by_session = False
        self._read_on()

    def _read_on(self) -> None:
        if self._paused_by_session or self._paused_by_rate or self._transport.is_closing():
            return
        self._transport.resume_reading()
        if self._parser.has_more:
            # Not from inside the session, which told us to.
            self._loop.call_soon(self._read, b"")

    def _on_close(self, code: int, reason: str) -> None:
        if self._session is not None:
            self._session.ended(code)
        if not self._closing:
            self._closing = True
            # RFC 6455 section 5.5.1: the answer has the same code.
            self._transport.write(
                wire_format.encode_close(code) if code != NO_CODE else wire_format.encode(CLOSE, b"")
            )
        self._finish()

    # Out

    def accept(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        self._answer(subprotocol, headers)
        self._open = True
        self._window_start = self._loop.time()
        self._accept_key = b""
        self._start_pings()
        early, self._early = self._early, None
        if early:
            self._loop.call_soon(self.data_received, early)

    def _answer(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        lines = [
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
            self._accept_key, b"\r\n",
        ]
        if subprotocol is not None:
            lines += [b"Sec-WebSocket-Protocol: ", subprotocol.encode("latin-1"), b"\r\n"]
        for name, value in headers:
            lines += [name, b": ", value, b"\r\n"]
        lines.append(b"\r\n")
        self._transport.write(b"".join(lines))

    def deny(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        self._closing = True
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
        if self._closing:
            return
        self._transport.write(frame)
        if self._writing_paused:
            size = self._transport.get_write_buffer_size()
            limit = self._options.outbound_buffer
            if limit and size > limit and self._session is not None:
                self._session.overrun(size)

    def close(self, code: int, reason: str) -> None:
        if not self._closing:
            self._fail(code, reason, wait=True)

    def _fail(self, code: int, reason: str, wait: bool = False) -> None:
        self._closing = True
        self._transport.write(wire_format.encode_close(code, reason))
        if not wait:
            self._finish()
            return
        # The client answers with a close frame of its own.
        if self._paused_by_session:
            self.resume()
        self._set_timer(self._options.close_timeout, self._on_close_timeout)

    def _on_close_timeout(self) -> None:
        self._abort(NO_CLOSE_FRAME)

    def _finish(self) -> None:
        """Close once everything is written, or the client takes too long."""
        self._closing = True
        self._transport.close()
        self._set_timer(self._options.close_timeout, self._on_close_timeout)

    def _abort(self, code: int) -> None:
        self._closing = True
        if self._session is not None:
            self._session.ended(code)
        self._transport.abort()

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False

    # Is the client there?

    def _set_timer(self, seconds: float, callback: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, callback) if seconds else None

    def _start_pings(self) -> None:
        if self._options.ping_interval:
            self._set_timer(self._options.ping_interval, self._on_ping_timer)

    def _on_ping_timer(self) -> None:
        options = self._options
        if self._heard:
            self._heard = self._pinged = False
            self._set_timer(options.ping_interval, self._on_ping_timer)
        elif not self._pinged:
            self._pinged = True
            self._write(wire_format.encode(PING, b""))
            self._set_timer(options.ping_timeout, self._on_ping_timer)
        else:
            self._abort(NO_CLOSE_FRAME)

    # The end

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._closing = True
        self._limiter.sockets.discard(self)
        if self._slot is not None:
            self._limiter.release(self._slot)
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
