"""
Sockets whose client left before a worker had answered their handshake.

The consumer of such a socket's connect message may still run, and add it to
groups. What undoes that, the disconnect message, has to come after it: the
worker's answer tells that it has ended.
"""
from __future__ import annotations

import asyncio
from typing import Optional, Protocol

#: How often the time limit of a handshake passes until nobody waits any more: a
#: consumer may well take longer than its client is made to wait. A worker that
#: is killed is answered for at once, so only a message that was lost, or a
#: consumer that answers nothing, takes so long.
TIMES = 6
#: Seconds, where handshakes have no time limit.
DEFAULT_PATIENCE = 30.0


class Departed(Protocol):
    """A socket that is gone."""

    def answered(self) -> None:
        """Know that the consumer of the connect message has ended."""


class Departures:
    """
    The sessions that wait for an answer.

    `timeout` is the time limit of a handshake in seconds, or 0 for none.
    """

    def __init__(self, timeout: float) -> None:
        self._patience = TIMES * timeout or DEFAULT_PATIENCE
        # Reply channel -> (deadline, session), in the order of the deadlines.
        self._waiting: dict[str, tuple[float, Departed]] = {}
        self._timer: Optional[asyncio.TimerHandle] = None

    def add(self, channel: str, session: Departed) -> None:
        """Have `session` wait for an answer on `channel`, its reply channel."""
        loop = asyncio.get_running_loop()
        self._waiting[channel] = loop.time() + self._patience, session
        if self._timer is None:
            self._timer = loop.call_later(self._patience, self._give_up)

    def discard(self, channel: str) -> None:
        """Have nobody wait for an answer on `channel`."""
        self._waiting.pop(channel, None)

    def answered(self, channel: str) -> None:
        """Tell the session that waits on `channel`, if one does, that its answer has come."""
        waiting = self._waiting.pop(channel, None)
        if waiting is not None:
            waiting[1].answered()

    def flush(self) -> None:
        """Let nobody wait any longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for channel in list(self._waiting):
            self.answered(channel)

    def _give_up(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for channel, (deadline, _) in list(self._waiting.items()):
            if deadline > loop.time():
                self._timer = loop.call_at(deadline, self._give_up)
                return
            self.answered(channel)
