"""
Bodies that come fast, read to where they stay.

What is read goes into a buffer that all connections share, from there into
bytes of its own, and with what comes before and behind it into one. The rest
of a body that says how long it is, and has filled the shared buffer, is read to
its place among the bytes that the application gets, and isn't copied at all.

The application gets what is there whenever it asks, as before: who sends
slowly, or no more, is waited for no longer than for a turn of the loop.
"""
from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import Any, Optional

from ...backport import blank_bytes
from .connection import H1Connection
from .lifecycle import OPEN
from .linger import Linger

__all__ = ["LARGEST", "Landing", "Lands"]

#: Bytes that are read to one place.
LARGEST = 1024 * 1024


class Landing:
    """The place of the bytes of `beginning`, which are here, and of `due` more."""

    __slots__ = ("size", "rest", "_file")

    def __init__(self, beginning: Sequence[bytes], due: int) -> None:
        #: Bytes that are here.
        self.size = sum(map(len, beginning))
        # It lets the bytes that it was given be written to while nobody else
        # has them, and hands them out without a copy.
        self._file = io.BytesIO(blank_bytes(self.size + due))
        for part in beginning:
            self._file.write(part)
        #: Where the others go; None if all are here.
        self.rest: Optional[memoryview] = self._file.getbuffer()[self.size:]

    def fill(self, size: int) -> None:
        """Take note that so many bytes were written to `rest`."""
        assert self.rest is not None
        self.size += size
        self.rest = self.rest[size:] or None

    async def settle(self) -> None:
        """Wait while bytes come."""
        before = -1
        while self.rest is not None and before < self.size:
            before = self.size
            await asyncio.sleep(0)

    def content(self) -> bytes:
        """Return the bytes that are here; none may be written to `rest` from now on."""
        is_whole, self.rest = self.rest is None, None
        self._file.seek(0)
        return self._file.getvalue() if is_whole else self._file.read(self.size)


class Lands:
    """How a protocol of HTTP/1 has a body read to where it stays."""

    __slots__ = ()

    _connection: H1Connection
    # The exchange that the body belongs to.
    _receiving: Any
    _transport: Any
    _state: str
    _linger: Linger

    def _go_on(self) -> None:
        """Have what is due be read to its place, if that can be, or no more than the application can hold."""
        exchange, due = self._receiving, self._connection.counted_due
        if exchange is not None:
            rest = exchange.begin_landing(due) if due and self._transport.has_more else None
            if rest is None:
                exchange.hold_back()
            else:
                self._transport.land(rest)

    def landed(self, size: int) -> Optional[memoryview]:
        """Take note that so many bytes were read to their place; return the place of the next, or None."""
        is_last, exchange = self._connection.count(size), self._receiving
        rest: Optional[memoryview] = exchange.landed(size, is_last) if exchange is not None else None
        if is_last:
            self._end_body()
        if self._state is OPEN:
            self._update_deadline()
        else:
            self._linger.heard()
        return rest

    def _end_body(self) -> None:
        if self._receiving is not None:
            self._receiving.end_body()
            self._receiving = None

    def _update_deadline(self) -> None:
        raise NotImplementedError
