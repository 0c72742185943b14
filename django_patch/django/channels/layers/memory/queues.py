"""
Queues of the in-memory layer, and the entries in them.

An entry is a message for one channel, or for several of one process, with
the time it was sent at, and whether it counts as pending for its client: the
tuple (channels, message, sent, pending), which is made and read much more
quickly than an object.
"""
from __future__ import absolute_import

from ...names import non_local_name, validate_channel_name

IN_CHANNELS, IN_MESSAGE, IN_SENT, IN_PENDING = range(4)

#: What a queue that is not there holds.
NO_QUEUE = ()

#: Channels, and lists of them, that are kept; ? and ! channels come and go.
_KEPT_NAMES = 4096


class ChannelInfo(object):
    """What is known of a channel before there is a message."""
    __slots__ = ('channel', 'channels', 'queue', 'capacity', 'process_capacity', 'counts', 'acknowledged')

    def __init__(self, channel, capacity, process_capacity, counts, acknowledged):
        self.channel = channel
        self.channels = (channel,)
        self.queue = non_local_name(channel)
        self.capacity = capacity
        #: None unless it is a ! channel.
        self.process_capacity = process_capacity
        #: See counters.
        self.counts = counts
        #: The AcknowledgedQueue of an acknowledged channel, else None.
        self.acknowledged = acknowledged


class ChannelTable(object):
    """
    What names of channels stand for; each is found out once.

    `layer` says the capacities, `counters` keeps the counts.
    """

    def __init__(self, layer, counters):
        self._layer = layer
        self._counters = counters
        #: Channel -> its info, of those asked for before.
        self.known = {}
        #: What readers passed in -> the names that they meant.
        self.readable = {}

    def of(self, channel):
        """Return the info of `channel`; raise TypeError or ValueError."""
        try:
            return self.known[channel]
        except (KeyError, TypeError):
            channel = validate_channel_name(channel)
        if len(self.known) >= _KEPT_NAMES:
            self.known.clear()
        layer, queue = self._layer, non_local_name(channel)
        process_capacity = layer.get_process_capacity(queue) if queue.endswith('!') else None
        info = self.known[channel] = ChannelInfo(
            channel, layer.get_capacity(channel), process_capacity, self._counters.at(queue),
            layer.acknowledged_queue(channel),
        )
        return info

    def to_read(self, channels):
        """Return `channels`, a tuple of names, as a valid tuple of text."""
        valid = tuple([validate_channel_name(channel, receive=True) for channel in channels])
        if len(self.readable) >= _KEPT_NAMES:
            self.readable.clear()
        self.readable[channels] = valid
        return valid
