"""
Plans for statistics, and for deleting everything.
"""
from __future__ import absolute_import, unicode_literals

from ...names import statistics_name
from .keyspace import SCAN_STEP, Walk, pattern_of
from .operations import DONE, Exchange, Result, checked, flatten
from .queue_states import COUNTERS, add_queues, empty_numbers
from .resp import pack


class StatisticsOperations(object):
    """Plans that read the counters of `transport`, and look at its queues."""

    def __init__(self, transport):
        self._transport = transport
        self._options = transport.options

    def of_channel(self, queue, absent=None):
        """Have the numbers of one queue as Result, a dict; `absent` as in Absences."""
        return flatten(self._of_channel(queue, absent))

    def of_all(self):
        """Have the numbers of all queues together as Result, a dict."""
        return flatten(self._of_all())

    def flush(self):
        """Delete all keys of the layer."""
        return flatten(self._flush())

    def _of_channel(self, queue, absent):
        keys = self._options.keys
        name = statistics_name(queue)
        numbers = empty_numbers()

        def look(shard):
            fields = ['%s:%s' % (field, name) for field in COUNTERS]
            replies = yield Exchange(shard, (pack('HMGET', keys.statistics(shard), *fields),))
            for field, value in zip(COUNTERS, checked(replies[0])):
                numbers[COUNTERS[field]] += int(value or 0)
            yield add_queues(self._transport, shard, [keys.queue(shard, queue).encode('ascii')], lambda name: numbers)
            yield DONE

        yield self._transport.absences.each(look, absent, keys.shards_of(queue))
        yield Result(numbers)

    def _of_all(self):
        keys = self._options.keys
        numbers = empty_numbers()
        for shard in range(keys.shards):
            counters = checked((yield Exchange(shard, (pack('HGETALL', keys.statistics(shard)),)))[0])
            for field, value in zip(counters[::2], counters[1::2]):
                name = COUNTERS.get(field.partition(b':')[0].decode('ascii'))
                if name is not None:
                    numbers[name] += int(value)
            queues = yield scan(shard, keys.queue(shard, ''))
            yield add_queues(self._transport, shard, queues, lambda name: numbers)
        yield Result(numbers)

    def _flush(self):
        for shard in range(self._options.keys.shards):
            found = yield scan(shard, self._options.keys.base(shard))
            for start in range(0, len(found), SCAN_STEP):
                checked((yield Exchange(shard, (pack('UNLINK', *found[start:start + SCAN_STEP]),)))[0])
        yield DONE


def scan(shard, start):
    """Have all keys of `shard` that begin with `start`, sorted, as Result."""
    walk, found = Walk(shard, pattern_of(start), None), []
    while not walk.is_over:
        found += yield walk.page()
    yield Result(sorted(found))
