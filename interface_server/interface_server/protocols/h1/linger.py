"""
The end of a connection of HTTP/1, after its last answer (RFC 9112 section 9.6).

The system cuts a connection that is closed with unread bytes, and the client
then loses what it hasn't read yet. So our half is closed first; what the
client still sends is thrown away, until it has read the answer and closes, or
takes too long: no piece of that may keep us waiting, nor all of them.
"""
from __future__ import annotations

import asyncio
import math
from typing import Any

from ...options import Options
from ..progress import WriteProgress

#: Seconds for which a client may go on sending (nginx: lingering_time).
MOST = 30.0


class Linger:
    """
    The end of one connection.

    `is_read` says whether the client has said all that was expected: TLS has
    no half of a connection, and is then closed at once.
    """

    __slots__ = ("_transport", "_options", "_progress", "_loop", "_until", "_has_heard")

    def __init__(self, transport: Any, options: Options, progress: WriteProgress) -> None:
        self._transport = transport
        self._options = options
        self._progress = progress
        self._loop = asyncio.get_running_loop()
        #: When the client has had enough time, however much it still sends.
        self._until = 0.0
        self._has_heard = False

    def heard(self) -> None:
        """Take note that the client still sends."""
        self._has_heard = True

    def begin(self, is_read: bool) -> float:
        """Close our half, or the connection; return the first deadline."""
        if self._transport.can_write_eof():
            self._transport.write_eof()
        elif is_read:
            return self._progress.close()
        self._until = self._loop.time() + MOST
        self._progress.look()
        unsent = self._progress.unsent
        return self._after(self._options.write_timeout if unsent else self._options.close_timeout)

    def go_on(self) -> float:
        """End the connection, its deadline being over, or return the next one."""
        progress, options = self._progress, self._options
        unsent = self._transport.get_write_buffer_size()
        if progress.unsent and options.write_timeout and not progress.suffices():
            self._transport.abort()
        elif unsent:
            progress.look()
            return self._after(options.write_timeout or options.close_timeout or 5)
        elif progress.unsent or self._has_heard and self._loop.time() < self._until:
            progress.look()
            self._has_heard = False
            return self._after(options.close_timeout)
        elif self._transport.can_write_eof():
            self._transport.abort()
        else:
            return progress.close()
        return 0.0

    def _after(self, seconds: float) -> float:
        return self._loop.time() + seconds if seconds else math.inf
