"""
What lies in the queues of the in-memory layer, and how it gets there.

An entry is a message for one channel, or for several of one process, with
the time it was sent at: the tuple (channels, message, sent, to_group), which
is made and read much more quickly than an object.
"""
from __future__ import absolute_import

from ..names import non_local_name

IN_CHANNELS, IN_MESSAGE, IN_SENT, IN_TO_GROUP = range(4)

#: What a queue that is not there holds.
NO_QUEUE = ()

#: Routes, and lists of channels, that are kept; ? and ! channels come and go.
KEPT_ROUTES = 4096


class Route(object):
    """What is known of a channel before there is a message."""
    __slots__ = ('channel', 'channels', 'queue', 'capacity', 'process_capacity', 'counts')

    def __init__(self, channel, capacity, process_capacity, counts):
        self.channel = channel
        self.channels = (channel,)
        self.queue = non_local_name(channel)
        self.capacity = capacity
        #: None unless it is a ! channel.
        self.process_capacity = process_capacity
        #: See counters.
        self.counts = counts
