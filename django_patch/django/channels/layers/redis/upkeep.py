"""
Statistics, inspection and presence of the layer that speaks to Redis.
"""
from __future__ import absolute_import, unicode_literals

from ... import names
from ...exceptions import LayerUnavailable
from ..capacity import checked_number_of_messages
from .looking import RedisLook


class RedisUpkeepMixin(object):
    """The parts of RedisChannelLayer that tell what is in it and who uses it."""
    supports_statistics = supports_inspection = tells_waiting_time = supports_presence = True

    def global_statistics(self):
        return self._run(self._transport.statistics.of_all())

    def channel_statistics(self, channel):
        """
        Return what waits in a channel, and its counts.

        Counts are kept for all processes of a kind (``http.response!``), and
        for all ``?`` channels of one pattern.
        """
        queue = names.non_local_name(names.validate_channel_name(channel))
        return self.with_acknowledged(self._run(self._transport.statistics.of_channel(queue)), queue)

    def inspect_channels(self, budget=None):
        return self._with_names(self.with_all_acknowledged(self._run(self._transport.inspection.channels(budget))))

    def inspect_groups(self, budget=None):
        return self._with_names(self._run(self._transport.inspection.groups(budget)))

    def _with_names(self, found):
        found.absent = {self.servers[shard].name: text for shard, text in found.absent.items()}
        return found

    def inspect_servers(self):
        found = self._run(self._transport.inspection.servers())
        return [dict(facts, server=self.servers[shard].name) for shard, facts in found]

    def looking(self, absent):
        return RedisLook(self, absent)

    def check_servers(self):
        absent = {}
        self._run(self._transport.absences.find(absent))
        if absent:
            raise LayerUnavailable('. '.join(sorted(set(absent.values()))))

    def peek(self, channel, limit):
        queue = names.non_local_name(names.validate_channel_name(channel, receive=True))
        return self._run(self._transport.inspection.peek(queue, checked_number_of_messages('limit', limit)))

    def purge(self, channel):
        queue = names.non_local_name(names.validate_channel_name(channel, receive=True))
        return self._run(self._transport.inspection.purge(queue)) + self.purge_acknowledged(queue)

    def watch_waiting(self, callback):
        self._transport.decoder.on_received = callback

    def add_sample(self, sample, interval, keep):
        if not self._run(self._transport.samples.claim(interval)):
            return False
        self._run(self._transport.samples.add(sample(), interval * keep, keep))
        return True

    def samples(self):
        return self._run(self._transport.samples.all())

    def announce(self, process, facts):
        return self._run(self._transport.presence.announce(process, facts))

    def claim(self, process, facts, project):
        return self._run(self._transport.presence.claim(process, facts, project))

    def withdraw(self, process):
        self._run(self._transport.presence.withdraw(process))

    def processes(self, kind=None):
        return self._run(self._transport.presence.processes(kind))

    def new_processes(self, known):
        return self._run(self._transport.presence.new_processes(known))
