"""
The body of a request on its way to a worker.

By default a worker hears of the request once all of the body is here, so that
no worker waits for a slow client: in memory, then in a file. With the option
`stream_bodies` it gets each piece as it comes.
"""
from __future__ import annotations

import asyncio
import collections
import logging
import time
from typing import Optional, Union

from ..backport import bridge
from ..errors import Refused
from ..options import NEVER
from ..types import Receive, Scope
from .ahead import Ahead
from .context import Context
from .spool import Piece, Spool

logger = logging.getLogger(__name__)

#: Seconds that a piece of a body waits to be joined by the next.
JOIN_FOR = 0.02

#: Bytes of a body that wait in memory (nginx: client_body_buffer_size, 16 KiB).
IN_MEMORY = 1024 * 1024

#: Bytes of a body that are kept as one: many small pieces would take forty
#: times the room.
LEAST_PIECE = 16 * 1024


class ClientGone(Exception):
    """Raised when the client went away."""


def may_have_body(scope: Scope) -> bool:
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


class RequestBody:
    """
    The body that `receive` brings.

    Methods raise ClientGone, and Refused for a client that sends too much or
    too slowly.
    """

    __slots__ = ("_context", "_options", "_receive", "_size", "_waited", "_spool", "_pieces", "_more", "_held")

    def __init__(self, context: Context, receive: Receive) -> None:
        self._context = context
        self._options = context.options
        self._receive = receive
        self._size = 0
        #: Seconds that the client has let us wait.
        self._waited = 0.0
        self._spool: Optional[Spool] = None
        #: What the spool holds.
        self._pieces: collections.deque[Piece] = collections.deque()
        #: Whether the client has more to send.
        self._more = True
        #: Bytes that are not a piece yet, and count as if they were.
        self._held = 0

    def close(self) -> None:
        """Free the memory and the file of what has been read."""
        if self._held:
            self._hold(0)
        if self._spool is not None:
            self._pieces.clear()
            self._spool.close()

    def _hold(self, size: int) -> None:
        self._context.budget.in_memory += size - self._held
        self._held = size

    async def begin(self) -> tuple[bytes, bool]:
        """Return what goes into the request's message, and whether more follows."""
        if self._options.stream_bodies:
            return await self._read(self._options.inline_body_size)
        content, more = await self._read(1)
        if not more and len(content) <= self._options.inline_body_size:
            return content, False
        await self._read_whole(content)
        return self._take(self._options.inline_body_size)

    async def _read(self, limit: int) -> tuple[bytes, bool]:
        """Return the next `limit` bytes or more, and whether more follow."""
        parts = []
        size = 0
        while True:
            part = await self._read_part()
            parts.append(part)
            size += len(part)
            if not self._more or size >= limit:
                return parts[0] if len(parts) == 1 else b"".join(parts), self._more

    async def _read_part(self) -> bytes:
        asked = time.monotonic()
        event = await self._receive()
        if event["type"] == "http.disconnect":
            raise ClientGone
        self._waited += time.monotonic() - asked
        part: bytes = event.get("body", b"")
        self._size += len(part)
        self._more = event.get("more_body", False)
        options = self._options
        if options.max_body_size and self._size > options.max_body_size:
            raise Refused(413, f"The body of a request may have {options.max_body_size} bytes.")
        if self._more:
            # A least rate after a time of grace, as Kestrel has it.
            if self._size < (self._waited - options.body_timeout) * options.min_body_rate:
                raise Refused(408, "The body of the request comes too slowly.")
            if options.max_body_time and self._waited > options.max_body_time:
                raise Refused(408, "The body of the request takes too long.")
        return part

    async def _read_whole(self, content: bytes) -> None:
        spool = self._spool = Spool(self._context.budget, max(IN_MEMORY, self._options.inline_body_size))
        joined: Union[bytes, bytearray] = content
        while True:
            self._hold(0)
            if not spool.has_room(len(joined)):
                self._context.metrics.dropped["spool_full"] += 1
                raise Refused(503, "There is no room for the body of the request.")
            if joined and (len(joined) >= LEAST_PIECE or not self._more):
                try:
                    # What came as one that is large enough isn't copied.
                    self._pieces.append(spool.put(joined if type(joined) is bytes else bytes(joined)))
                except OSError as error:
                    self._context.metrics.dropped["spool_failed"] += 1
                    self._context.repeats.warn(
                        logger, ("body", error.errno), "The body of a request can't be kept: %s.", error.strerror,
                    )
                    raise Refused(507, f"The body of the request can't be kept: {error.strerror}.") from error
                joined = b""
            if not self._more:
                return
            self._hold(len(joined))
            part = await self._read_part()
            if not joined:
                joined = part
            else:
                if type(joined) is bytes:
                    joined = bytearray(joined)
                joined += part

    def _take(self, limit: int) -> tuple[bytes, bool]:
        """Return at most `limit` bytes of what was read (0: a piece), and whether there is more."""
        assert self._spool is not None
        parts: list[Union[bytes, memoryview]] = []
        size = 0
        while self._pieces and (size < limit or not parts):
            piece, room = self._pieces.popleft(), limit - size
            if isinstance(piece, bytes):
                if len(piece) > room > 0:
                    self._pieces.appendleft(piece[room:])
                    piece = piece[:room]
            elif piece[1] > room > 0:
                self._pieces.appendleft((piece[0] + room, piece[1] - room))
                piece = piece[0], room
            parts.append(self._spool.get(piece))
            size += len(parts[-1])
        return b"".join(parts), bool(self._pieces)

    async def forward(self, channel: str) -> None:
        """Send what begin() left to `channel`."""
        ahead = Ahead(self._context.layer, channel)
        if self._spool is None:
            await self._forward_as_it_comes(channel, ahead)
            return
        more = True
        while more:
            await ahead.wait(self._timeout)
            content, more = self._take(self._options.body_chunk_size)
            await self._send(channel, content, more)

    @property
    def _timeout(self) -> float:
        """Seconds that a piece may wait until there is room for it."""
        return self._options.http_timeout or NEVER

    async def _send(self, channel: str, content: bytes, more: bool) -> None:
        await self._context.layer.send_with_room(channel, bridge.body_chunk(content, more), self._timeout)

    async def _forward_as_it_comes(self, channel: str, ahead: Ahead) -> None:
        # Few large messages cost less than many small ones, but what a
        # client sends slowly must not wait for the rest.
        more = True
        next_part: Optional[asyncio.Task[tuple[bytes, bool]]] = None
        try:
            while more:
                parts: list[bytes] = []
                size = 0
                while more and (not parts or size < self._options.body_chunk_size):
                    if next_part is None:
                        next_part = asyncio.get_running_loop().create_task(self._read(1))
                    if size:
                        await asyncio.wait([next_part], timeout=JOIN_FOR)
                        if not next_part.done():
                            break
                    part, more = await next_part
                    next_part = None
                    parts.append(part)
                    size += len(part)
                await ahead.wait(self._timeout)
                await self._send(channel, b"".join(parts), more)
        finally:
            if next_part is not None:
                next_part.cancel()

    async def watch(self) -> None:
        """Return never: raise ClientGone when the client goes away."""
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise ClientGone
