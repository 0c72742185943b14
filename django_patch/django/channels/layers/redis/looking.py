"""
Looks into a layer of several Redis servers, of which some may be away.
"""
from __future__ import absolute_import, unicode_literals

from ... import names
from ..acknowledgement import add_waiting, may_be_acknowledged, valid_job_channel
from ..capacity import checked_number_of_messages


class RedisLook(object):
    """What looking() of `layer`, a RedisChannelLayer, returns."""

    def __init__(self, layer, absent):
        self._layer = layer
        self._transport = layer._transport
        self._absent = absent

    def _run(self, plan, *args):
        shards = {}
        try:
            return self._layer._run(plan(*args, absent=shards))
        finally:
            for shard, text in shards.items():
                self._absent[self._layer.servers[shard].name] = text

    def peek(self, channel, limit):
        queue = names.non_local_name(names.validate_channel_name(channel, receive=True))
        return self._run(self._transport.inspection.peek, queue, checked_number_of_messages('limit', limit))

    def channel_statistics(self, channel):
        queue = names.non_local_name(names.validate_channel_name(channel))
        numbers = self._run(self._transport.statistics.of_channel, queue)
        for found in self.acknowledged_statistics(queue).values() if may_be_acknowledged(queue) else ():
            add_waiting(numbers, found)
        return numbers

    def group_channels(self, group):
        group = names.validate_group_name(group)
        return self._run(self._transport.groups.channels, group, self._transport.absences)

    def jobs(self, channel, limit=100):
        checked_number_of_messages('limit', limit)
        return self._run(self._transport.acknowledged_inspection.jobs, valid_job_channel(channel), limit)

    def dead_letters(self, channel, limit=100, offset=0, id=None):
        checked_number_of_messages('limit', limit)
        checked_number_of_messages('offset', offset, lowest=0)
        return self._run(
            self._transport.acknowledged_inspection.dead_letters, valid_job_channel(channel), limit, offset, id)

    def acknowledged_statistics(self, channel=None):
        return self._run(self._transport.acknowledged_inspection.statistics, channel)
