"""
Standard output and error, which may be closed, on a full disk, or read by nobody.

A server outlives all of that: what can't be said there is lost.
"""
from __future__ import annotations

import os
import sys


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
