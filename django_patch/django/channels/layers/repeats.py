"""
Lines of the log that many messages or clients would cause at once, as one.

An outage, or an attack, concerns thousands of them, and the line for the
first says all that there is to say. Their number is in the metrics.
"""
from __future__ import absolute_import

import logging

from .clock import SYSTEM_CLOCK

__all__ = ['QUIET', 'Repeats', 'STILL']

#: Seconds without any of a kind after which it is news again; and those after
#: which it is told again though it never ended.
QUIET, STILL = 60.0, 3600.0


class Repeats(object):
    """
    Logs the first of each kind, and counts those that follow it.

    `monotonic()` returns a time in seconds that is not set back; `quiet` and
    `still` are seconds, as QUIET and STILL are. Several threads need a lock.
    """
    __slots__ = ('_monotonic', '_quiet', '_still', '_kinds')

    def __init__(self, monotonic=SYSTEM_CLOCK.monotonic, quiet=QUIET, still=STILL):
        self._monotonic = monotonic
        self._quiet = quiet
        self._still = still
        # Kind -> (when it was logged, when it was last seen, number that
        # wasn't logged).
        self._kinds = {}

    def warn(self, logger, kind, message, *args):
        """Log `message` with `args` as a warning, unless one of its `kind` was logged of late."""
        self.log(logger, logging.WARNING, kind, 1, message, *args)

    def log(self, logger, level, kind, number, message, *args):
        """
        Log `message` with `args` at `level`, one of logging's numbers.

        If one of its `kind`, anything hashable of which there are few, was
        logged of late, `number` is added to those that were not.
        """
        now = self._monotonic()
        logged, seen, more = self._kinds.get(kind, (now - self._still, now - self._quiet, 0))
        if now - seen < self._quiet and now - logged < self._still:
            self._kinds[kind] = logged, now, more + number
            return
        self._kinds[kind] = now, now, 0
        if more:
            message += ' (%d more since the last such line)'
            args += (more,)
        logger.log(level, message, *args)
