"""
How many messages a worker takes from the layer at once.

A round trip for each costs more than what most consumers do. But what is
taken waits for what was taken with it, so slow work is taken singly.
"""
from __future__ import absolute_import

#: Messages that are taken at once at most, and the seconds of work that they
#: may be: so long they may wait in one worker while another is idle.
MOST_AT_ONCE, WORK_AT_ONCE = 32, 0.005


class Pace(object):
    """The pace of one loop, by how long its last messages took."""

    def __init__(self):
        # Until something is known, nothing is quick.
        self.seconds = WORK_AT_ONCE

    def limit(self):
        """Return a number of messages, a power of two."""
        limit = 1
        while limit < MOST_AT_ONCE and limit * 2 * self.seconds <= WORK_AT_ONCE:
            limit *= 2
        return limit

    def took(self, seconds):
        """Note how long a message took: a slow one counts for a while."""
        self.seconds = max(seconds, self.seconds * 0.95)
