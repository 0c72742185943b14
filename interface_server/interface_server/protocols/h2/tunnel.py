"""
A WebSocket inside a connection of HTTP/2 (RFC 8441).

`Tunnel` is to the WebSocket what a transport is to one that has a connection
of its own; only the handshake looks different.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Optional

import h2.errors

from ..ws.protocol import WebSocketProtocol
from .lifecycle import CLOSE, FINISHING, LOST, OVER, PASSING, TUNNEL
from .writer import FrameWriter

#: Bytes that wait for the client's windows when the socket is told to pause,
#: and to go on.
HIGH, LOW = 64 * 1024, 16 * 1024


class Tunnel(asyncio.Transport):
    """The stream `number` as a transport; `forget` is called with that at its end."""

    def __init__(self, writer: FrameWriter, forget: Callable[[int], None], number: int) -> None:
        super().__init__()
        self._writer = writer
        self._forget = forget
        self._number = number
        self._loop = asyncio.get_running_loop()
        self._protocol: Any = None
        self._waiting = bytearray()
        #: Data that came while nobody wanted to read, and its size in windows.
        self._held: list[tuple[bytes, int]] = []
        # Whether each direction flows. These are no states of its life: all
        # four combinations are possible in each of those, and change none.
        self._reading = True
        self._writing_paused = False
        self._state = PASSING

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._state is not PASSING

    def _move(self, event: str) -> None:
        self._state = TUNNEL[self._state][event]

    # In

    def received(self, data: bytes, size: int) -> None:
        """Take data from the client; it filled `size` bytes of its windows."""
        if self._reading and not self._held:
            self._writer.consumed(self._number, size)
            if data and self._state is PASSING:
                self._protocol.data_received(data)
        else:
            # Its windows stay full, and it has to wait.
            self._held.append((data, size))

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        if self._held:
            self._loop.call_soon(self._read_held)

    def _read_held(self) -> None:
        while self._held and self._reading and self._state is not OVER:
            data, size = self._held.pop(0)
            self._writer.consumed(self._number, size)
            if data and self._state is PASSING:
                self._protocol.data_received(data)

    # Out

    def send_headers(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Answer the handshake."""
        if self._state is not OVER:
            self._writer.send_fields(self._number, status, headers, flush=True)

    def write(self, data: Any) -> None:
        if self._state is not PASSING:
            return
        self._waiting += data
        self.pump()

    def get_write_buffer_size(self) -> int:
        return len(self._waiting)

    def pump(self) -> None:
        """Send what the client's windows and its speed allow."""
        if self._state is OVER:
            return
        if self._waiting:
            sent = self._writer.send_some(self._number, self._waiting)
            if sent is None:
                self.lost(ConnectionResetError("The stream was closed."))
                return
            del self._waiting[:sent]
        if self._writing_paused and len(self._waiting) <= LOW:
            self._writing_paused = False
            self._protocol.resume_writing()
        elif not self._writing_paused and len(self._waiting) > HIGH:
            self._writing_paused = True
            self._protocol.pause_writing()
        if self._state is FINISHING and not self._waiting:
            self._writer.end_stream(self._number)
            self.lost(None)

    # The end

    def close(self) -> None:
        """Close once everything is sent."""
        if self._state is PASSING:
            self._move(CLOSE)
            self.pump()

    def abort(self) -> None:
        """Close now."""
        if self._state is not OVER:
            self._writer.reset(self._number, h2.errors.ErrorCodes.CANCEL)
            self.lost(None)

    def lost(self, error: Optional[Exception]) -> None:
        """Record that the stream is gone."""
        if self._state is OVER:
            return
        self._move(LOST)
        self._waiting.clear()
        for _, size in self._held:
            self._writer.consumed(self._number, size)
        self._held.clear()
        self._forget(self._number)
        # As a transport does: not from inside of what the protocol calls. Each
        # refers to the other: without that, both are gone at once.
        protocol, self._protocol = self._protocol, None
        self._loop.call_soon(protocol.connection_lost, error)


class StreamedWebSocket(WebSocketProtocol):
    """A WebSocket whose transport is a Tunnel."""

    __slots__ = ()

    def _answer(self, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> None:
        # RFC 8441 section 5: neither 101 nor a key.
        if subprotocol is not None:
            headers = [(b"sec-websocket-protocol", subprotocol.encode("latin-1")), *headers]
        self._transport.send_headers(200, headers)  # type: ignore[attr-defined]

    def _refuse(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        headers = [header for header in headers if header[0].lower() != b"content-length"]
        self._transport.send_headers(  # type: ignore[attr-defined]
            status, [*headers, (b"content-length", b"%d" % len(content))]
        )
        self._transport.write(content)
