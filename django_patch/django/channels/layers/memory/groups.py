"""
Members of the groups of the in-memory layer, and their expiry.
"""
from __future__ import absolute_import

import collections

from ...names import non_local_name


class Membership(object):
    """
    The members of one group.

    All stay equally long, so the oldest expire first, and the members of
    one process are kept as a tuple that a group send can share.
    """
    __slots__ = ('_deadlines', '_by_queue', '_snapshots')

    def __init__(self):
        self._deadlines = collections.OrderedDict()
        self._by_queue = {}
        self._snapshots = {}

    def __bool__(self):
        return bool(self._deadlines)

    __nonzero__ = __bool__  # Python 2's name for it.

    def __iter__(self):
        return iter(self._deadlines)

    def add(self, channel, deadline):
        """Keep `channel` until `deadline`, also if it is a member already."""
        is_new = self._deadlines.pop(channel, None) is None
        self._deadlines[channel] = deadline
        if is_new:
            queue = non_local_name(channel)
            self._by_queue.setdefault(queue, collections.OrderedDict())[channel] = None
            self._snapshots.pop(queue, None)

    def discard(self, channel):
        if self._deadlines.pop(channel, None) is None:
            return
        queue = non_local_name(channel)
        members = self._by_queue[queue]
        del members[channel]
        if not members:
            del self._by_queue[queue]
        self._snapshots.pop(queue, None)

    def expire(self, now):
        """Discard the members whose deadline is over and return them."""
        expired = []
        for channel, deadline in self._deadlines.items():
            if deadline > now:
                break
            expired.append(channel)
        for channel in expired:
            self.discard(channel)
        return expired

    def queues(self):
        """Return [(queue name, its members as a tuple), ...]."""
        snapshots = self._snapshots
        for queue, members in self._by_queue.items():
            if queue not in snapshots:
                snapshots[queue] = tuple(members)
        return list(snapshots.items())


class GroupIndex(object):
    """All groups by name, and what each channel is in, so it can leave."""

    def __init__(self):
        self.by_name = {}
        self.by_channel = {}

    def add(self, group, channel, deadline):
        """Keep `channel` in `group` until `deadline`."""
        if group not in self.by_name:
            self.by_name[group] = Membership()
        self.by_name[group].add(channel, deadline)
        self.by_channel.setdefault(channel, set()).add(group)

    def discard(self, group, channel):
        """Take `channel` out of `group`."""
        members = self.by_name.get(group)
        if members is not None:
            members.discard(channel)
            self._forget(group, [channel])

    def discard_everywhere(self, channel):
        """Take `channel` out of all groups."""
        for group in list(self.by_channel.get(channel, ())):
            self.discard(group, channel)

    def members(self, group, now):
        """Return the Membership of `group` at `now`, or an empty tuple."""
        members = self.by_name.get(group)
        if members is None:
            return ()
        expired = members.expire(now)
        if expired:
            self._forget(group, expired)
        return members

    def _forget(self, group, channels):
        """Clean up after `channels` have left `group`."""
        for channel in channels:
            groups = self.by_channel.get(channel)
            if groups is not None:
                groups.discard(group)
                if not groups:
                    del self.by_channel[channel]
        if not self.by_name[group]:
            del self.by_name[group]
