"""
A process' state of one of its ``!`` queues, shared by its readers.

Rules:

1. One reader at a time uses an Inbox. Only forget_groups() may come from
   another thread, and it replaces what it forgets in one step.
2. What `waiting` holds is older than what is `unread`, and that is older than
   whatever Redis still has, so it is handed out first. Content beside the
   scripts is asked for once its message is the next: memory has one of them,
   whatever was taken with it.
3. Each message that was taken is reported once, along with the next command.
   A report that may have been lost is not repeated, since it could count
   twice; the counts of all clients are reset instead (`counts_dirty`): a
   client may get some messages more than its capacity, and is never taken for
   full when it isn't.
4. A group's members are known as of a version. An entry tells the changes
   since its base version; they apply if what is known here reaches back to
   that, or else the server is asked. Versions only grow.
"""
from __future__ import absolute_import, unicode_literals

import collections

#: Groups whose members are remembered. Asking again costs one round trip.
_KEPT_GROUPS = 4096


class _Members(object):
    """The members of a group in this process, as of a version."""
    __slots__ = ('version', 'labels', 'channels')

    def __init__(self, version, labels):
        self.version = version
        self.labels = set(labels)
        self.channels = None


class Inbox(object):
    """
    The state of reading `queue`, which lives on `shard`.

    One reader at a time may use it.
    """

    def __init__(self, queue, shard):
        self.queue = queue
        self.shard = shard
        #: Deliveries that were taken from Redis and not handed out yet.
        self.waiting = collections.deque()
        #: Entries that were taken from Redis and not looked at yet.
        self.unread = []
        #: Client's name -> messages taken since the last report.
        self.received = {}
        #: Whether a report may have been lost, and counts have to be reset.
        self.counts_dirty = False
        #: The packed arguments of a report up to the counts, if there was one.
        self.report = None
        self._groups = {}

    def count_received(self, label):
        """Note that a message to one client was taken."""
        self.received[label] = self.received.get(label, 0) + 1

    def forget_groups(self):
        """Remember no members any more: the server lost its lists, and may have older ones."""
        self._groups = {}

    def apply_changes(self, entry):
        """
        Return the full names of the members that a group's `entry` is for.

        Return None if what is known here doesn't reach back to the entry's
        base version: then ask for the members, and call reset_members().
        """
        members = self._groups.get(entry.label)
        if entry.base == 0 and entry.changes:
            if members is None or members.version < entry.version:
                members = self._remember(entry.label, entry.version, ())
                self._apply(members, entry.changes)
        elif members is None or members.version < entry.base:
            return None
        elif members.version < entry.version:
            # Some of the changes may be known already, from reset_members();
            # to make them once more in their order does no harm.
            self._apply(members, entry.changes)
            members.version = entry.version
        return self._channels(members)

    def reset_members(self, group, version, labels):
        """Remember what the server says of a group, and return full names."""
        return self._channels(self._remember(group, version, labels))

    def _remember(self, group, version, labels):
        if len(self._groups) >= _KEPT_GROUPS:
            self._groups.clear()
        members = self._groups[group] = _Members(version, labels)
        return members

    def _apply(self, members, changes):
        labels = members.labels
        for change in changes:
            if change[0] == '+':
                labels.add(change[1:])
            else:
                labels.discard(change[1:])
        members.channels = None

    def _channels(self, members):
        if members.channels is None:
            members.channels = tuple([self.queue + label for label in sorted(members.labels)])
        return members.channels
