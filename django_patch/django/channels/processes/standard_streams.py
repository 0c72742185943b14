"""
Standard output and error: closed, on a full disk, or read by nobody.

What can't be said there is lost, and nothing else is. A terminal that is
closed ends what runs in it, which SIGHUP tells.
"""
from __future__ import absolute_import

import os
import sys

from ..layers.clock import SYSTEM_CLOCK

__all__ = ['Terminal', 'flush', 'occupy']

#: Seconds after its terminal has closed in which SIGHUP tells of that.
JUST = 10.0


def occupy():
    """Open the null device in place of standard streams that are closed."""
    # A connection would get their numbers, and whatever is written to them.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except EnvironmentError:
            os.open(os.devnull, os.O_RDWR)


def flush():
    """Write what the streams have buffered, if they can be written."""
    for stream in (sys.stdout, sys.stderr):
        # Python 3 has none for one that is closed.
        if stream is not None:
            try:
                stream.flush()
            except EnvironmentError:
                # Nobody reads it, or the disk is full.
                continue


class Terminal(object):
    """
    The terminal that any of the descriptors `numbers` is, if one is.

    SIGHUP tells that it was closed, or, as services have it, to reload. Who
    asked for the second may have left his terminal long ago (`disown`), and
    under `nohup` there is none.
    """

    def __init__(self, numbers=(0, 1, 2), clock=SYSTEM_CLOCK):
        self._numbers = [number for number in numbers if os.isatty(number)]
        self._clock = clock
        self._closed = None

    def has_just_closed(self):
        """Return whether it was found closed within the last JUST seconds. Ask at least once a second."""
        if self._closed is None:
            if not self._numbers or any(os.isatty(number) for number in self._numbers):
                return False
            self._closed = self._clock.monotonic()
        return self._clock.monotonic() - self._closed < JUST
