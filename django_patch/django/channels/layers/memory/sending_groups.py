"""
Groups of the in-memory layer.
"""
from __future__ import absolute_import

from ...exceptions import ChannelFull
from ...names import validate_channel_name, validate_group_name
from ..validation import copy_message, plain_copy
from .queues import NO_QUEUE
from .statistics import DROPPED


class MemoryGroupsMixin(object):
    """The part `supports_groups` of InMemoryChannelLayer, on whose queues it puts what groups send."""
    supports_groups = True

    def group_add(self, group, channel):
        group = validate_group_name(group)
        channel = validate_channel_name(channel)
        with self._lock:
            self._groups.add(group, channel, self._clock() + self.group_expiry)

    def group_discard(self, group, channel):
        group = validate_group_name(group)
        channel = validate_channel_name(channel)
        with self._lock:
            self._groups.discard(group, channel)

    def group_channels(self, group):
        group = validate_group_name(group)
        with self._lock:
            return list(self._groups.members(group, self._clock()))

    def send_group(self, group, message):
        group = validate_group_name(group)
        self.check_message(message)
        message = copy_message(message)
        if self._unlogged:
            self._log_expired()
        with self._lock:
            now = self._clock()
            if now >= self._expiries.next:
                self._expire(now)
            members = self._groups.members(group, now)
            if not members:
                return
            for name, channels in members.queues():
                info, queue = self._channels.of(name), self._queues.get(name, NO_QUEUE)
                if info.acknowledged is not None:
                    self._append_for_group(info, message, now)
                    continue
                if len(queue) >= (info.capacity if info.process_capacity is None else info.process_capacity):
                    info.counts[DROPPED] += len(channels)
                elif info.process_capacity is None:
                    self._push(info, queue, channels, plain_copy(message), now, False)
                else:
                    # Several clients of one process share an entry, and it
                    # counts once, for the process alone.
                    self._push(info, queue, channels, message, now, False)

    def _append_for_group(self, info, message, now):
        try:
            info.acknowledged.append(plain_copy(message), now)
        except ChannelFull:
            info.counts[DROPPED] += 1
