"""
Standard output and error: closed, on a full disk, or read by nobody.

What can't be said there is lost, and nothing else is.
"""
from __future__ import absolute_import

import os
import sys

__all__ = ['flush', 'occupy']


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
