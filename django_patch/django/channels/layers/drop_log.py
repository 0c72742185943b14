"""
The log of messages that a layer drops: expired, lost, or not to be read.
"""
from __future__ import absolute_import, unicode_literals

import logging

logger = logging.getLogger(__name__)

#: Seconds between two lines of one kind about one channel.
PAUSE = 60.0


class DropLog(object):
    """
    Logs what was dropped, each kind for each channel once a minute at most.

    `monotonic()` returns a time in seconds that is not set back.
    """

    def __init__(self, monotonic):
        self._monotonic = monotonic
        self._next = {}
        self._unlogged = {}

    def dropped(self, counter, name, reason):
        """Log that a message for `name`, as statistics call it, was dropped for `reason`, text or an exception."""
        more = self._begin(counter, name, 1)
        if more is not None:
            logger.error('A message for %s was dropped: %s%s', name, reason, _and_more(more))

    def expired(self, name, number, lifetime):
        """Log that `number` messages for `name`, as statistics call it, were older than `lifetime` seconds."""
        more = self._begin('expired', name, number)
        if more is not None:
            logger.warning(
                'Messages for %s expired (%d): nobody received them within %g s, the "expiry" of the layer.%s%s',
                name, number, lifetime,
                '' if name.endswith(('!', '?')) else ' An acknowledged channel keeps what waits.', _and_more(more),
            )

    def _begin(self, counter, name, number):
        """Return how many were not logged since the last line; None if it is too early for the next."""
        now, kind = self._monotonic(), (counter, name)
        if now < self._next.get(kind, 0):
            self._unlogged[kind] = self._unlogged.get(kind, 0) + number
            return None
        self._next[kind] = now + PAUSE
        return self._unlogged.pop(kind, 0)


def _and_more(more):
    return ' (%d more since the last such line)' % more if more else ''
