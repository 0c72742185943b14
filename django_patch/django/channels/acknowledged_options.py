"""
Options of an acknowledged channel.
"""
from __future__ import absolute_import

from .compat import six
from .durations import checked_seconds

#: What the record of a job counts to: two bytes of it are for that.
MAX_DELIVERIES = 65535


class ChannelOptions(object):
    """
    The limits of an acknowledged channel.

    `capacity`: messages that may wait there. `lifetime`: seconds after which a
    waiting message is dropped, None for never. `deliveries`: how often a
    message is received before it becomes a dead letter, if each time its
    reader dies or its consumer fails, at most 65,535. `dead_letters`: how many
    of those are kept. Raise ValueError for a number that isn't positive, or
    too large.
    """
    __slots__ = ('capacity', 'lifetime', 'deliveries', 'dead_letters')

    def __init__(self, capacity=100000, lifetime=None, deliveries=20, dead_letters=10000):
        for name, value in (('capacity', capacity), ('deliveries', deliveries), ('dead_letters', dead_letters)):
            if not isinstance(value, six.integer_types) or isinstance(value, bool) or not 0 < value < 2 ** 31:
                raise ValueError('%s must be a positive integer, not %r.' % (name, value))
        if deliveries > MAX_DELIVERIES:
            raise ValueError('deliveries may be %d at most, not %d: nothing counts further.' % (
                MAX_DELIVERIES, deliveries))
        if lifetime is not None:
            checked_seconds('lifetime', lifetime)
        self.capacity = capacity
        self.lifetime = lifetime
        self.deliveries = deliveries
        self.dead_letters = dead_letters

    def __eq__(self, other):
        return isinstance(other, ChannelOptions) and self.as_text() == other.as_text()

    def __ne__(self, other):
        return not self == other

    __hash__ = None

    @property
    def milliseconds(self):
        """The lifetime in whole milliseconds; 0 for None."""
        # What is shorter than one isn't None.
        return 0 if self.lifetime is None else max(1, int(self.lifetime * 1000))

    def as_text(self):
        """Return the options as text for a layer's records: four numbers, the lifetime in ms, 0 for None."""
        return '%d %d %d %d' % (self.capacity, self.milliseconds, self.deliveries, self.dead_letters)
