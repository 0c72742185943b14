"""
Inspection of the in-memory layer.
"""
from __future__ import absolute_import

from ...names import non_local_name, statistics_name, validate_channel_name
from ..capacity import checked_number_of_messages
from ..inspection import Found, add_waiting
from ..validation import plain_copy
from .queues import IN_CHANNELS, IN_MESSAGE, IN_PENDING, IN_SENT
from .statistics import NAMES, summary


class MemoryInspectionMixin(object):
    """The part `supports_inspection` of InMemoryChannelLayer, on whose queues, counters and groups it looks."""
    supports_inspection = tells_waiting_time = True
    #: [(time of the clock in seconds, sample), ...], the oldest first.
    _samples = ()

    def add_sample(self, sample, interval, keep):
        with self._lock:
            now = self._clock()
            if self._samples and now - self._samples[-1][0] < interval:
                return False
            # The others see that it is taken care of.
            self._samples = self._kept(now, interval * keep)[1 - keep:] + ((now, None),)
        text = sample()
        with self._lock:
            self._samples = tuple((time, text if time == now else kept) for time, kept in self._samples)
        return True

    def _kept(self, now, lifetime):
        return tuple(entry for entry in self._samples if entry[0] > now - lifetime and entry[1] is not None)

    def samples(self):
        with self._lock:
            return [text for time, text in self._samples if text is not None]

    def inspect_channels(self, budget=None):
        found = {}
        with self._lock:
            self._expire(self._clock())
            for channel, counts in self._counters.by_channel().items():
                numbers = found.setdefault(statistics_name(channel), _empty_numbers())
                for name, count in counts.items():
                    numbers[name] += count
            for channel, queue in self._queues.items():
                numbers = found.setdefault(statistics_name(channel), _empty_numbers())
                waiting = summary({}, [queue], self._clock(), self.expiry)
                numbers['messages_pending'] += waiting['messages_pending']
                numbers['messages_max_age'] = max(numbers['messages_max_age'], waiting['messages_max_age'])
        # A channel was known and nothing was ever sent there.
        for name, numbers in self.acknowledged_statistics().items():
            add_waiting(found.setdefault(name, _empty_numbers()), numbers)
        return Found((name, numbers) for name, numbers in found.items() if any(numbers.values()))

    def inspect_groups(self, budget=None):
        with self._lock:
            now = self._clock()
            sizes = {group: len(list(self._groups.members(group, now))) for group in list(self._groups.by_name)}
        return Found((group, size) for group, size in sizes.items() if size)

    def peek(self, channel, limit):
        queue, limit = self._queue_of(channel), checked_number_of_messages('limit', limit)
        with self._lock:
            now = self._clock()
            return [
                (now - entry[IN_SENT], entry[IN_CHANNELS], plain_copy(entry[IN_MESSAGE]))
                for entry in list(self._queues.get(queue, ()))[:limit] if entry[IN_SENT] > now - self.expiry
            ]

    def purge(self, channel):
        queue = self._queue_of(channel)
        with self._lock:
            if queue in self._acknowledged_queues:
                self._forget_results(list(self._acknowledged_queues[queue].waiting))
                return self._acknowledged_queues[queue].purge()
            entries = self._queues.pop(queue, ())
            for entry in entries:
                if entry[IN_PENDING]:
                    self._decrement_pending(entry)
            return len(entries)

    def _queue_of(self, channel):
        return non_local_name(validate_channel_name(channel, receive=True))


def _empty_numbers():
    return dict.fromkeys(NAMES + ('lost_count', 'malformed_count', 'messages_pending', 'messages_max_age'), 0)
