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
#: Where the layer says how many wait, MOST of messages that take less than
#: MOST_SECONDS each, but no more than a SHARE-th of those that wait: others
#: are at work as well, and nobody waits much longer than without that.
MOST, MOST_SECONDS, SHARE = 8, 0.008, 8


class PrefetchSizer(object):
    """
    How many messages to take at once: those that are handled within
    BATCH_SECONDS, or more while others wait.

    `limit` is that number, from 1 to `maximum`. It begins with 1, falls at
    once when a message was slow, and grows gradually.
    """

    def __init__(self, maximum):
        self.limit = 1
        self._maximum = maximum
        self._seconds = None
        self._in_a_row, self._needed = 0, IN_A_ROW

    @property
    def wants_to_know(self):
        """Whether it matters how many messages wait: the next batch may be larger by that."""
        return self._seconds is not None and BATCH_SECONDS / MOST < self._seconds < MOST_SECONDS

    def record(self, number, seconds, waited, waiting=None):
        """
        Record that `number` messages took `seconds` together.

        The layer was `waited` for, in seconds, and said that `waiting` were
        there, these among them, unless that is None.
        """
        each = max(seconds / number, 1e-6)
        if self._seconds is None or each > self._seconds:
            self._seconds = each
        else:
            self._seconds += (each - self._seconds) / 8
        more = self._guessed(number, waited) if waiting is None else self._known(waiting - number)
        limit = max(1, int(BATCH_SECONDS / self._seconds), more)
        self.limit = min(self._maximum, limit)

    def _known(self, left):
        """Return how many to take of those that the last batch has `left`."""
        self._in_a_row = 0
        return min(MOST, left // SHARE) if self.wants_to_know else 0

    def _guessed(self, number, waited):
        """Return how many to take if the last `number` tell that others wait."""
        is_full = number >= self.limit and waited < AT_ONCE
        if self._in_a_row >= self._needed:
            self._needed = max(IN_A_ROW, self._needed // 2) if is_full else min(2 * self._needed, MOST_IN_A_ROW)
        self._in_a_row = self._in_a_row + 1 if is_full else 0
        return min(FEW, int(FEW_SECONDS / self._seconds)) if self._in_a_row >= self._needed else 0
