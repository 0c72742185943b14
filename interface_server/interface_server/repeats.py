"""
Warnings that many clients would cause at once, as one line.

An outage, or an attack, concerns thousands of sockets, and the line for the
first of them says all that there is to say. Their number is in the metrics.
"""
from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable

#: Seconds without any of a kind after which it is news again; and those after
#: which it is told again though it never ended.
QUIET, STILL = 60.0, 3600.0


class Repeats:
    """Logs the first warning of each kind, and counts those that follow it."""

    __slots__ = ("_clock", "_kinds")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: Kind -> [when it was logged, when it was last seen, how many weren't logged].
        self._kinds: dict[Hashable, list[float]] = {}

    def warn(
        self, logger: logging.Logger, kind: Hashable, message: str, *args: object, level: int = logging.WARNING,
    ) -> None:
        """Log `message` with `args` unless one of its `kind`, one of a few, was logged of late."""
        now = self._clock()
        logged, seen, more = self._kinds.get(kind, (0.0, 0.0, 0.0))
        if kind in self._kinds and now - seen < QUIET and now - logged < STILL:
            self._kinds[kind] = [logged, now, more + 1]
            return
        self._kinds[kind] = [now, now, 0.0]
        if more:
            message, args = message + " (%d more like the last one of these were not logged.)", (*args, int(more))
        logger.log(level, message, *args)
