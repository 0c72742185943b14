"""
Statistics of the in-memory layer: counters by channel, and what waits.
"""
from __future__ import absolute_import

from .queues import IN_SENT

SENT, FULL, DROPPED, EXPIRED = range(4)
NAMES = ('messages_count', 'channel_full_count', 'dropped_count', 'expired_count')


class Counters(object):
    """Four counters a channel; those of ``?`` channels share their names."""

    def __init__(self):
        self._counts = {}

    def at(self, channel):
        """Return the list of counts of `channel`, to be added to."""
        # The full names of ? channels are too many, and used too briefly.
        return self._counts.setdefault(_pattern(channel), [0] * len(NAMES))

    def of(self, channel):
        """Return {name: count} for `channel`."""
        return dict(zip(NAMES, self._counts.get(_pattern(channel), [0] * len(NAMES))))

    def totals(self):
        """Return {name: count} for all channels together."""
        return {name: sum(counts[kind] for counts in self._counts.values()) for kind, name in enumerate(NAMES)}

    def by_channel(self):
        """Return {channel: {name: count}} of all channels that were counted."""
        return {channel: dict(zip(NAMES, counts)) for channel, counts in self._counts.items()}


def _pattern(channel):
    """Return a channel's name up to its "?"; all of it if there is none."""
    return channel[:channel.index('?') + 1] if '?' in channel else channel


def summary(counts, queues, now, expiry):
    """
    Return `counts`, {name: count}, with what waits in `queues` at `now`.

    Messages that have been there for `expiry` seconds count no more.
    """
    sent = [entry[IN_SENT] for queue in queues for entry in queue if entry[IN_SENT] > now - expiry]
    return dict(counts, messages_pending=len(sent), messages_max_age=now - min(sent) if sent else 0)
