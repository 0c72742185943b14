"""
The flow of a connection of HTTP/1, as its transport controls it.
"""
from __future__ import annotations

import asyncio
from typing import Any, Optional


class Flow:
    """Whether a connection is read from, and may be written to."""

    __slots__ = ("read_paused", "write_paused", "_transport", "_drained")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.read_paused = self.write_paused = False
        self._drained: Optional[asyncio.Future[None]] = None

    def pause_reading(self) -> None:
        """Take nothing more from the client."""
        if not self.read_paused:
            self.read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more."""
        if self.read_paused:
            self.read_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def end_landing(self) -> None:
        """Have what comes from the client read to nowhere else; see Intake.land()."""
        self._transport.land(None)

    def is_over(self) -> bool:
        """Return whether nothing more reaches the client, of which connection_lost() is still to tell."""
        return self._transport.is_closing()  # type: ignore[no-any-return]

    def resume_writing(self) -> None:
        """Let those go on who wait in drain()."""
        self.write_paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    async def drain(self) -> None:
        """Wait until the client has read enough."""
        if self.write_paused:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
