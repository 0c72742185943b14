"""
Exponential backoff: how long to pause between one try and the next.
"""
from __future__ import absolute_import

__all__ = ['Backoff']


class Backoff(object):
    """
    The pauses between tries at one thing, in seconds.

    The first pause is `first`, each later one twice as long as that before
    it, and none is longer than `last`. It does not sleep, so that threads,
    event loops and tests use it alike.
    """
    __slots__ = ('first', 'last', 'pauses', '_next')

    def __init__(self, first, last):
        if not 0 < first <= last:
            raise ValueError('The pauses must grow from a number above 0, not from %r to %r.' % (first, last))
        self.first = first
        self.last = last
        self.reset()

    def next_pause(self):
        """Return the seconds to pause before the next try."""
        self.pauses += 1
        pause, self._next = self._next, min(self._next * 2, self.last)
        return pause

    def reset(self):
        """Begin with the first pause again, since a try succeeded."""
        #: How many pauses there were since the last success.
        self.pauses = 0
        self._next = self.first
