"""
The clock that everything with a deadline or a pause takes as an argument.
"""
from __future__ import absolute_import

import time

from ..compat.clock import monotonic

__all__ = ['Clock', 'SYSTEM_CLOCK']


class Clock(object):
    """
    The process's clock, in seconds.

    A test hands in an object with the same two methods, and decides itself
    how time goes by.
    """
    __slots__ = ()

    #: Return a time in seconds that is never set back (on Python 2, which has
    #: no such clock, the time of day). Only differences have a meaning.
    monotonic = staticmethod(monotonic)
    #: Let that many seconds go by.
    sleep = staticmethod(time.sleep)


#: The clock of code that isn't given another one.
SYSTEM_CLOCK = Clock()
