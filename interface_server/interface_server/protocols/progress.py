"""
The pace at which a client reads what is written to it.

A client that takes a byte now and then would be served for ever, so within
each `write_timeout` it has to take what the least rate makes of that time
(Kestrel: 240 bytes a second), or everything.
"""
from __future__ import annotations

import asyncio

from ..options import Options


class WriteProgress:
    """What one client has left unread, and by when it has to have read more."""

    __slots__ = ("unsent", "_transport", "_options", "_loop")

    def __init__(self, transport: asyncio.WriteTransport, options: Options) -> None:
        self._transport = transport
        self._options = options
        self._loop = asyncio.get_running_loop()
        #: Bytes that waited at the last look.
        self.unsent = 0

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
