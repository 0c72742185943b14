"""
The capacities of channels: how many messages each may hold.
"""
from __future__ import absolute_import

import fnmatch
import re

from .. import names
from ..compat import six

#: Channels whose capacity is remembered; ? and ! channels come and go.
_KEPT_NAMES = 4096


class CapacityMixin(object):
    """
    Capacities by channel, for a layer that sets `capacity`.

    It also sets `process_capacity` (or None) and `channel_capacity`, which
    is what compile_capacities() returns.
    """
    #: How many clients' full capacity does the queue of one ! channel hold?
    process_capacity_factor = 100

    def compile_capacities(self, channel_capacity):
        """
        Return `channel_capacity` as [(compiled pattern, capacity), ...].

        Raise TypeError for a pattern that is neither a glob nor a compiled
        regular expression, and ValueError for a capacity that is not a number
        of messages.
        """
        if not isinstance(channel_capacity, dict):
            raise TypeError('channel_capacity must be a dict, such as {"thumbnails": 1000}, not %r.' %
                            (channel_capacity,))
        compiled = []
        for pattern, capacity in channel_capacity.items():
            checked_number_of_messages('channel_capacity[%r]' % (pattern,), capacity)
            if hasattr(pattern, 'match') and isinstance(pattern.pattern, (six.text_type, str)):
                compiled.append((pattern, capacity))
            elif isinstance(pattern, (six.text_type, str)):
                compiled.append((re.compile(fnmatch.translate(pattern)), capacity))
            else:
                raise TypeError(
                    'channel_capacity maps globs or compiled regular expressions to numbers, not %r.' % (pattern,)
                )
        return compiled

    def get_capacity(self, channel):
        """Return how many messages `channel` may hold."""
        name = names.non_local_name(channel)
        try:
            return self._capacities[name]
        except KeyError:
            pass
        for pattern, capacity in self.channel_capacity:
            if pattern.match(channel):
                break
        else:
            capacity = self.capacity
        if len(self._capacities) >= _KEPT_NAMES:
            self._capacities.clear()
        self._capacities[name] = capacity
        return capacity

    def get_process_capacity(self, channel):
        """Return how many messages all clients of a ``!`` channel may have."""
        if self.process_capacity is not None:
            return self.process_capacity
        return self.get_capacity(channel) * self.process_capacity_factor


def checked_number_of_messages(name, value, lowest=1):
    """Return `value`, a number of messages, `lowest` or more; raise ValueError, which calls it `name`, otherwise."""
    if isinstance(value, bool) or not isinstance(value, six.integer_types) or value < lowest:
        raise ValueError('%s must be a whole number of messages, %d or more, not %r.' % (name, lowest, value))
    return value
