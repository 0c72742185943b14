"""
The size of the next batch, by how long messages took so far.
"""
from __future__ import absolute_import

#: Seconds within which the messages of a batch should be handled.
BATCH_SECONDS = 0.004


class PrefetchSizer(object):
    """
    How many messages to take at once: those that are handled within
    BATCH_SECONDS.

    `limit` is that number, from 1 to `maximum`. It begins with 1, falls at
    once when a message was slow, and grows gradually.
    """

    def __init__(self, maximum):
        self.limit = 1
        self._maximum = maximum
        self._seconds = None

    def record(self, number, seconds):
        """Record that `number` messages took `seconds` together."""
        each = max(seconds / number, 1e-6)
        if self._seconds is None or each > self._seconds:
            self._seconds = each
        else:
            self._seconds += (each - self._seconds) / 8
        self.limit = max(1, min(self._maximum, int(BATCH_SECONDS / self._seconds)))
