"""
The states of queues: what waits, and what has expired there unnoticed.
"""
from __future__ import absolute_import, unicode_literals

from ...names import statistics_name
from . import scripts
from .envelope import deadline_of
from .operations import Exchange, Result, checked
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
#: Entries that one command drops.
_EXPIRED_AT_ONCE = 1000


class QueueState(object):
    """
    What is in the queue with the key `key` (bytes), by statistics' `name`.

    `length` is in entries, and `head` the first of them, bytes or None.
    """
    __slots__ = ('key', 'name', 'length', 'head', 'expired')

    def __init__(self, key, name, length, head):
        self.key, self.name, self.length, self.head = key, name, length, head
        #: How many entries were found to have expired, and dropped.
        self.expired = 0

    def is_stale(self, now):
        """Return whether there are entries that nobody will count unless somebody looks; `now` is in ms."""
        # Of other queues it tells who sends to a group that nobody reads them.
        return self.head is not None and self.name[-1:] not in ('!', '?') and deadline_of(self.head) <= now

    def add_to(self, numbers, now, lifetime):
        """Add it to `numbers`, a dict as of empty_numbers(); times are in ms."""
        numbers['messages_pending'] += self.length
        numbers['expired_count'] += self.expired
        if self.head is not None:
            age = (now - deadline_of(self.head) + lifetime) / 1000.0
            numbers['messages_max_age'] = max(numbers['messages_max_age'], age)


def empty_numbers():
    """Return the numbers of a channel that nothing is known of."""
    numbers = dict.fromkeys(COUNTERS.values(), 0)
    numbers.update({'messages_pending': 0, 'messages_max_age': 0})
    return numbers


def add_queues(transport, shard, keys, numbers_of):
    """
    Look at the queues with `keys` (bytes), and add what is found to numbers.

    numbers_of(name) returns the dict to add to, by the name that statistics
    have for a queue. What has expired on a normal channel is dropped, counted
    and logged: its readers may be away.
    """
    if not keys:
        yield Result(None)
    options = transport.options
    start, commands = len(options.keys.queue(shard, '')), [pack('TIME')]
    for key in keys:
        commands += [pack('LLEN', key), pack('LINDEX', key, 0)]
    replies = [checked(reply) for reply in (yield Exchange(shard, commands))]
    now = int(replies[0][0]) * 1000 + int(replies[0][1]) // 1000
    states = [
        QueueState(key, statistics_name(key[start:].decode('ascii')), length, head)
        for key, length, head in zip(keys, replies[1::2], replies[2::2])
    ]
    yield _expire(transport, shard, [state for state in states if state.is_stale(now)])
    for state in states:
        state.add_to(numbers_of(state.name), now, options.lifetime)
        if state.expired:
            transport.decoder.drop_log.expired(state.name, state.expired, options.lifetime / 1000.0)
    yield Result(None)


def _expire(transport, shard, states):
    """Drop what has expired in the queues of `states`, and bring these up to date."""
    options = transport.options
    while states:
        commands = []
        for state in states:
            commands += [
                scripts.EXPIRE.call(
                    [state.key, options.keys.statistics(shard)],
                    [state.name, _EXPIRED_AT_ONCE, options.statistics_lifetime],
                ),
                pack('LLEN', state.key), pack('LINDEX', state.key, 0),
            ]
        replies = [checked(reply) for reply in (yield Exchange(shard, commands))]
        numbers = replies[::3]
        for state, number, length, head in zip(states, numbers, replies[1::3], replies[2::3]):
            state.expired += number
            state.length, state.head = length, head
        states = [state for state, number in zip(states, numbers) if number == _EXPIRED_AT_ONCE]
    yield Result(None)
