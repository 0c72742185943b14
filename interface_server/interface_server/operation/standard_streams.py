"""
Standard output and error, which may be closed, on a full disk, or read by nobody.

A server outlives all of that: what can't be said there is lost. A terminal
that is closed ends what runs in it, which SIGHUP tells.
"""
from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Optional

#: Seconds after its terminal has closed in which SIGHUP tells of that.
JUST = 10.0


def occupy() -> None:
    """Open the null device in place of standard streams that are closed."""
    # A socket would get their numbers, and whatever is written to them.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def say(text: str) -> None:
    """Write a line to standard error, if that can be written."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        # It was the only one to tell.
        return


def flush() -> None:
    """Write what the streams have buffered, if they can be written."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                # Nobody reads it, or the disk is full.
                continue


class Terminal:
    """
    The terminal that any of the descriptors ``numbers`` is, if one is.

    SIGHUP tells that it was closed, or, as services have it, to load the
    certificate again. Who asked for the second may have left his terminal long
    ago (``disown``), and under ``nohup`` there is none.
    """

    def __init__(self, numbers: Sequence[int] = (0, 1, 2), clock: Callable[[], float] = time.monotonic) -> None:
        self._numbers = [number for number in numbers if os.isatty(number)]
        self._clock = clock
        self._closed: Optional[float] = None

    def has_just_closed(self) -> bool:
        """Return whether it was found closed within the last JUST seconds; ask at least once a second."""
        if self._closed is None:
            if not self._numbers or any(os.isatty(number) for number in self._numbers):
                return False
            self._closed = self._clock()
        return self._clock() - self._closed < JUST
