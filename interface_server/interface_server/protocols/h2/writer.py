"""
The frames that a connection of HTTP/2 sends.

What goes out is bounded by the client's windows, and by how fast it reads.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Optional, Protocol

import h2.errors
import h2.exceptions

from ..date import http_date
from .connection import Http2Connection
from .floods import Floods

#: Bytes of one frame at most, however large the client would have them.
FRAME = 64 * 1024


class SendingStream(Protocol):
    """A stream, as far as its sending concerns it."""

    number: int
    #: When the client's window must have opened, by the loop's clock, or 0.
    window_deadline: float
    changed: asyncio.Event

    @property
    def disconnected(self) -> bool:
        """Whether nobody is there to get the response."""

    def disconnect(self) -> None:
        """Have the application learn that the client is gone."""


class FrameWriter:
    """
    Sends for all streams of one connection, `conn`.

    `on_stall` is called when a stream has to wait for the client's windows
    from now on; within `write_timeout` seconds the client has to let so many
    bytes through as makes `min_rate` a second, or all there are.
    """

    def __init__(
        self, conn: Http2Connection, floods: Floods, write_timeout: float, min_rate: float,
        on_stall: Callable[[], None],
    ) -> None:
        self._conn = conn
        self._floods = floods
        self._write_timeout = write_timeout
        self._least = max(min_rate * write_timeout, 1)
        self._on_stall = on_stall
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        #: Set while the client reads as fast as is written.
        self.writable = asyncio.Event()
        self.writable.set()
        #: Whether nothing is said any more.
        self.muted = False

    def start(self, transport: Any) -> None:
        """Write to `transport` from now on."""
        self._transport = transport

    def flush(self) -> None:
        """Write what was said."""
        data = self._conn.data_to_send()
        if data and not self.muted and not self._transport.is_closing():
            self._transport.write(data)

    def consumed(self, number: int, size: int) -> None:
        """Let the client send as much again on a stream."""
        if size and not self.muted and not self._transport.is_closing():
            try:
                self._conn.acknowledge_received_data(size, number)
            except h2.exceptions.ProtocolError:
                return
            self.flush()

    def send_headers(self, stream: SendingStream, status: int, headers: Any) -> None:
        """Begin a response; it goes out with the content that follows."""
        if not self.send_fields(stream.number, status, headers):
            stream.disconnect()

    def send_fields(self, number: int, status: int, headers: Any, flush: bool = False) -> bool:
        """
        Send the headers of a response; say if the stream was still there.

        They go out with the content that follows, or at once with `flush`.
        """
        fields = [(b":status", b"%d" % status)]
        if status >= 200:
            fields.append((b"date", http_date()))
        fields += [(name.lower(), value) for name, value in headers]
        try:
            self._conn.send_headers(number, fields)
        except h2.exceptions.ProtocolError:
            return False
        if status < 200 or flush:
            self.flush()
        return True

    def send_some(self, number: int, data: Any, last: bool = False) -> Optional[int]:
        """
        Send the beginning of `data`, as the client's windows allow.

        The stream ends with it if it is the `last` and all of it went. Return
        the number of bytes, or None if the stream is gone.
        """
        position, size = 0, len(data)
        try:
            while self.writable.is_set():
                room = min(
                    self._conn.local_flow_control_window(number), self._conn.max_outbound_frame_size, FRAME,
                    size - position,
                )
                if room <= 0 and not (last and position == size):
                    break
                end = position + max(room, 0)
                self._conn.send_data(number, bytes(data[position:end]), end_stream=last and end == size)
                self._floods.frames_sent += 1
                position = end
                self.flush()
                if position == size:
                    break
        except h2.exceptions.ProtocolError:
            return None
        self.flush()
        return position

    async def wait_for_room(self, stream: SendingStream) -> None:
        """Wait until the client's windows and its speed let something of a response through, or it is over."""
        while not stream.disconnected:
            if not self.writable.is_set():
                await self.writable.wait()
                continue
            try:
                if self._conn.local_flow_control_window(stream.number) > 0:
                    stream.window_deadline = 0.0
                    return
            except h2.exceptions.ProtocolError:
                # Sending finds out, too.
                return
            self._stall(stream)
            stream.changed.clear()
            await stream.changed.wait()

    def _stall(self, stream: SendingStream) -> None:
        """Give the client its time to open a window, which is its to open."""
        if self._write_timeout and not stream.window_deadline:
            stream.window_deadline = self._loop.time() + self._write_timeout
            self._on_stall()

    async def send_body(self, stream: SendingStream, body: bytes, last: bool) -> None:
        """Send as the client's windows and its speed allow."""
        # The first time that it has to wait sets a deadline in any case.
        taken = least = 0.0
        while not stream.disconnected:
            if not self.writable.is_set():
                await self.writable.wait()
                continue
            sent = self.send_some(stream.number, body, last)
            if sent is None:
                stream.disconnect()
                return
            if sent == len(body):
                stream.window_deadline = 0.0
                return
            body = body[sent:]
            if not self.writable.is_set():
                continue
            taken += sent
            if self._write_timeout and taken >= least:
                # Its windows are the client's to open, and it has to.
                taken, least = 0.0, self._least
                stream.window_deadline = self._loop.time() + self._write_timeout
                self._on_stall()
            stream.changed.clear()
            await stream.changed.wait()

    def end_stream(self, number: int) -> None:
        """End a stream whose last data went out."""
        try:
            self._conn.end_stream(number)
            # Some clients lose an answer that comes together with the reset.
            self.flush()
            if number in self._conn.streams and self._conn.streams[number].open:
                self._conn.reset_stream(number, h2.errors.ErrorCodes.NO_ERROR)
        except h2.exceptions.ProtocolError:
            return
        self.flush()

    def reset(self, number: int, code: h2.errors.ErrorCodes) -> None:
        """Break a stream off."""
        try:
            self._conn.reset_stream(number, code)
        except h2.exceptions.ProtocolError:
            return
        self.flush()
