"""
The pace at which a client reads what is written to it, and the end that waits for it.

A client that takes a byte now and then would be served for ever, so within
each `write_timeout` it has to take what the least rate makes of that time
(Kestrel: 240 bytes a second), or everything.

The end of a connection is the same over TLS, whose transport waits for an
answer of the client's (close_notify): nobody needs to (RFC 8446 section 6.1),
and a client that is idle gives none.
"""
from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from typing import Any, Optional

from ..options import Options

_INT = struct.Struct("i")


class WriteProgress:
    """What one client has left unread, and by when it has to have read more."""

    __slots__ = ("unsent", "_transport", "_options", "_loop", "_until")

    def __init__(self, transport: asyncio.WriteTransport, options: Options) -> None:
        self._transport = transport
        self._options = options
        self._loop = asyncio.get_running_loop()
        #: Bytes that waited at the last look.
        self.unsent = 0
        #: When a client whose connection is closing has to have read more.
        self._until = 0.0

    def look(self) -> float:
        """Remember what waits now; return the deadline for it by the loop's clock, or 0 for none."""
        self.unsent = self._transport.get_write_buffer_size()
        timeout = self._options.write_timeout
        return self._loop.time() + timeout if timeout else 0.0

    def suffices(self) -> bool:
        """Say if the client has read enough since look(), `write_timeout` seconds ago."""
        size = self._transport.get_write_buffer_size()
        least = max(self._options.min_write_rate * self._options.write_timeout, 1)
        return size == 0 or self.unsent - size >= least

    # The end

    def close(self) -> float:
        """Close the connection once the client has read everything; return when to end_if_due()."""
        self._transport.close()
        self._until = self.look()
        return self._loop.time()

    def end_if_due(self) -> float:
        """End a closing connection if its client has read everything, or too little; return when to ask again."""
        now = self._loop.time()
        if self._is_read():
            self._transport.abort()
            return 0.0
        if self._until and now >= self._until:
            # What TLS has handed on and the system hasn't taken isn't told: a
            # client with nothing else to read has its time once more for that.
            if not self.suffices() or not self.unsent:
                self._transport.abort()
                return 0.0
            self._until = self.look()
        return now

    def _is_read(self) -> bool:
        """Say if all that was written has reached the client's system, as far as ours tells."""
        return not self._transport.get_write_buffer_size() and _ask_system(self._transport, termios.TIOCOUTQ) == 0


def has_unread(transport: asyncio.BaseTransport) -> bool:
    """Say if the client has sent something that the system still has."""
    return bool(_ask_system(transport, termios.FIONREAD))


def _ask_system(transport: asyncio.BaseTransport, queue: int) -> Optional[int]:
    """Return the bytes in one of a connection's two queues, or None if it is closed or the system doesn't tell."""
    connection: Any = transport.get_extra_info("socket")
    try:
        size: bytes = fcntl.ioctl(connection.fileno(), queue, bytes(_INT.size))
    except (AttributeError, OSError, ValueError):
        return None
    return int(_INT.unpack(size)[0])
