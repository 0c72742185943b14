"""
What the in-memory layer has counted, by channel.
"""
from __future__ import absolute_import

SENT, FULL, DROPPED, EXPIRED = range(4)
NAMES = ('messages_count', 'channel_full_count', 'dropped_count', 'expired_count')


class Counters(object):
    """Four counters a channel; those of ``?`` channels share their names."""

    def __init__(self):
        self._counts = {}

    def add(self, channel, kind, number=1):
        """Count `number` more of `kind` for `channel`."""
        # The full names of ? channels are too many, and used too briefly.
        channel = channel.partition('?')[0]
        try:
            self._counts[channel][kind] += number
        except KeyError:
            self._counts[channel] = [0] * len(NAMES)
            self._counts[channel][kind] = number

    def of(self, channel):
        """Return {name: count} for `channel`."""
        return dict(zip(NAMES, self._counts.get(channel.partition('?')[0], [0] * len(NAMES))))

    def totals(self):
        """Return {name: count} for all channels together."""
        return {name: sum(counts[kind] for counts in self._counts.values()) for kind, name in enumerate(NAMES)}
