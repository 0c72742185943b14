"""
Plans for statistics, and for deleting everything.
"""
from __future__ import absolute_import, unicode_literals

from ...names import statistics_name
from .envelope import deadline_of
from .keyspace import SCAN_STEP, Walk, pattern_of
from .operations import DONE, Exchange, Result, checked, flatten
from .resp import pack

#: Counter in Redis -> its name in the API.
COUNTERS = {
    'sent': 'messages_count',
    'full': 'channel_full_count',
    'dropped': 'dropped_count',
    'expired': 'expired_count',
    'malformed': 'malformed_count',
    'unsupported': 'unsupported_count',
    'lost': 'lost_count',
}


class StatisticsOperations(object):
    """Plans that read the counters and look at the queues."""

    def __init__(self, options):
        self._options = options

    def of_channel(self, queue):
        """Have the numbers of one queue as Result, a dict."""
        return flatten(self._of_channel(queue))

    def of_all(self):
        """Have the numbers of all queues together as Result, a dict."""
        return flatten(self._of_all())

    def flush(self):
        """Delete all keys of the layer."""
        return flatten(self._flush())

    def _of_channel(self, queue):
        keys = self._options.keys
        name = statistics_name(queue)
        numbers = empty_numbers()
        for shard in keys.shards_of(queue):
            fields = ['%s:%s' % (field, name) for field in COUNTERS]
            replies = yield Exchange(shard, (pack('HMGET', keys.statistics(shard), *fields),))
            for field, value in zip(COUNTERS, checked(replies[0])):
                numbers[COUNTERS[field]] += int(value or 0)
            yield self._add_queues(numbers, shard, [keys.queue(shard, queue)])
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
            yield self._add_queues(numbers, shard, queues)
        yield Result(numbers)

    def _add_queues(self, numbers, shard, queues):
        commands = [pack('TIME')]
        for queue in queues:
            commands += [pack('LLEN', queue), pack('LINDEX', queue, 0)]
        replies = [checked(reply) for reply in (yield Exchange(shard, commands))]
        now = int(replies[0][0]) * 1000 + int(replies[0][1]) // 1000
        for length, head in zip(replies[1::2], replies[2::2]):
            numbers['messages_pending'] += length
            if head is not None:
                age = (now - deadline_of(head) + self._options.lifetime) / 1000.0
                numbers['messages_max_age'] = max(numbers['messages_max_age'], age)
        yield DONE

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


def empty_numbers():
    """Return the numbers of a channel that nothing is known of."""
    numbers = dict.fromkeys(COUNTERS.values(), 0)
    numbers.update({'messages_pending': 0, 'messages_max_age': 0})
    return numbers
