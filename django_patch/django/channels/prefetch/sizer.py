"""
The size of the next batch, by how long messages took so far.
"""
from __future__ import absolute_import

#: Seconds within which the messages of a batch should be handled.
BATCH_SECONDS = 0.004
#: The same for a batch of up to FEW while more waits than is handled: then the
#: answers that leave later, with the last of the batch, are late already, and
#: each wait for the layer that isn't made is time for messages.
FEW, FEW_SECONDS = 4, 0.025
#: Messages wait if one was there within AT_ONCE seconds IN_A_ROW times; twice
#: as many times, MOST_IN_A_ROW in the end, after a batch of a few for which
#: there weren't enough: another worker may have had nothing to do meanwhile.
AT_ONCE, IN_A_ROW, MOST_IN_A_ROW = 0.002, 10, 1280


class PrefetchSizer(object):
    """
    How many messages to take at once: those that are handled within
    BATCH_SECONDS, or within FEW_SECONDS while others wait.

    `limit` is that number, from 1 to `maximum`. It begins with 1, falls at
    once when a message was slow, and grows gradually.
    """

    def __init__(self, maximum):
        self.limit = 1
        self._maximum = maximum
        self._seconds = None
        self._in_a_row, self._needed = 0, IN_A_ROW

    def record(self, number, seconds, waited):
        """Record that `number` messages took `seconds` together, for which the layer was `waited` for, in seconds."""
        each = max(seconds / number, 1e-6)
        if self._seconds is None or each > self._seconds:
            self._seconds = each
        else:
            self._seconds += (each - self._seconds) / 8
        is_full = number >= self.limit and waited < AT_ONCE
        if self._in_a_row >= self._needed:
            self._needed = max(IN_A_ROW, self._needed // 2) if is_full else min(2 * self._needed, MOST_IN_A_ROW)
        self._in_a_row = self._in_a_row + 1 if is_full else 0
        limit = int(BATCH_SECONDS / self._seconds)
        if self._in_a_row >= self._needed and limit < FEW:
            limit = min(FEW, int(FEW_SECONDS / self._seconds))
        self.limit = max(1, min(self._maximum, limit))
