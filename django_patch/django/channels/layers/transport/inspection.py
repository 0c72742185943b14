"""
Plans that look at what waits without taking it, and that remove it.

None of them holds Redis up: keys are found by SCAN, a thousand at a step, and
asked for in commands that take microseconds each.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import MalformedMessage
from ...names import statistics_name
from . import scripts
from .envelope import IN_PIECES, MESSAGE, Entry, deadline_of, reference_of, unpack_reference
from .operations import Exchange, Result, checked, flatten
from .resp import pack
from .statistics import COUNTERS, empty_numbers, scan

#: Keys that are asked for in one write.
_CHUNK = 500
#: Entries that one command removes.
_PURGE_STEP = 1000


class InspectionOperations(object):
    """Plans over all shards of `transport`; any number of threads may share it."""

    def __init__(self, transport):
        self._transport = transport
        self._options = transport.options

    def channels(self):
        """Have {statistics' name: numbers} of all channels as Result."""
        return flatten(self._channels())

    def groups(self):
        """Have {group: number of members} as Result."""
        return flatten(self._groups())

    def servers(self):
        """Have what each server says of itself, a list of dicts, as Result."""
        return flatten(self._servers())

    def peek(self, queue, limit):
        """Have [(age in s, channels, message)] of the oldest `limit` entries as Result."""
        return flatten(self._peek(queue, limit))

    def purge(self, queue):
        """Remove all entries of `queue`; their number is the Result."""
        return flatten(self._purge(queue))

    def _channels(self):
        keys, found = self._options.keys, {}
        for shard in range(keys.shards):
            counters = checked((yield Exchange(shard, (pack('HGETALL', keys.statistics(shard)),)))[0])
            for field, value in zip(counters[::2], counters[1::2]):
                counter, _, name = field.decode('ascii').partition(':')
                if name and counter in COUNTERS:
                    numbers = found.setdefault(name, empty_numbers())
                    numbers[COUNTERS[counter]] += int(value)
            start = keys.queue(shard, '')
            queues = yield scan(shard, start)
            for chunk in _chunks(queues):
                commands = [pack('TIME')]
                for key in chunk:
                    commands += [pack('LLEN', key), pack('LINDEX', key, 0)]
                replies = [checked(reply) for reply in (yield Exchange(shard, commands))]
                now = _milliseconds(replies[0])
                for key, length, head in zip(chunk, replies[1::2], replies[2::2]):
                    name = statistics_name(key.decode('ascii')[len(start):])
                    numbers = found.setdefault(name, empty_numbers())
                    self._add(numbers, now, length, head)
        yield Result(found)

    def _add(self, numbers, now, length, head):
        numbers['messages_pending'] += length
        if head is not None:
            age = (now - deadline_of(head) + self._options.lifetime) / 1000.0
            numbers['messages_max_age'] = max(numbers['messages_max_age'], age)

    def _groups(self):
        keys, found = self._options.keys, {}
        for shard in range(keys.shards):
            start = keys.base(shard) + 'm:'
            both = yield scan(shard, keys.base(shard), 'gm')
            members = [key for key in both if key.decode('ascii').startswith(start)]
            groups = sorted(set(both).difference(members))
            for chunk in _chunks(groups):
                replies = yield Exchange(shard, [pack('HKEYS', key) for key in chunk])
                for key, queues in zip(chunk, replies):
                    name = key.decode('ascii')[len(keys.group(shard, '')):]
                    # The members of processes are counted below.
                    found[name] = found.get(name, 0) + sum(1 for queue in checked(queues) if not queue.endswith(b'!'))
            for chunk in _chunks(members):
                now = _milliseconds(checked((yield Exchange(shard, (pack('TIME'),)))[0]))
                replies = yield Exchange(shard, [pack('ZCOUNT', key, '(%d' % now, '+inf') for key in chunk])
                for key, number in zip(chunk, replies):
                    name = key.decode('ascii')[len(start):].partition(':')[0]
                    found[name] = found.get(name, 0) + checked(number)
        yield Result({name: number for name, number in found.items() if number})

    def _servers(self):
        found = []
        for shard in range(self._options.keys.shards):
            asked = self._transport.monotonic()
            yield Exchange(shard, (pack('PING'),))
            latency = (self._transport.monotonic() - asked) * 1000
            facts = {}
            for reply in (yield Exchange(shard, (pack('INFO', 'server'), pack('INFO', 'memory')))):
                for line in checked(reply).decode('utf-8', 'replace').splitlines():
                    name, colon, value = line.partition(':')
                    facts[name] = value
            found.append({
                'latency': latency, 'memory': int(facts.get('used_memory', 0)),
                'memory_limit': int(facts.get('maxmemory', 0)), 'policy': facts.get('maxmemory_policy', '?'),
                'version': '%s %s' % (
                    facts.get('server_name', 'redis'), facts.get('valkey_version', facts.get('redis_version', '?'))),
            })
        yield Result(found)

    def _peek(self, queue, limit):
        keys, found = self._options.keys, []
        for shard in keys.shards_of(queue):
            commands = pack('TIME'), pack('LRANGE', keys.queue(shard, queue), 0, limit - 1)
            time, entries = [checked(reply) for reply in (yield Exchange(shard, commands))]
            now = _milliseconds(time)
            for data in entries:
                # The sender puts the deadline in by a clock of its own.
                age = max(0, now - deadline_of(data) + self._options.lifetime) / 1000.0
                found.append((age,) + self._shown(shard, queue, data))
        found.sort(key=lambda entry: -entry[0])
        yield Result(found[:limit])

    def _shown(self, shard, queue, data):
        """Return (channels, message) of an entry's bytes; the message is None where it isn't in them."""
        try:
            entry = Entry(data)
            if entry.kind != MESSAGE:
                return ('members of the group %s in %s' % (entry.label, queue),), self._message(shard, queue, entry)
            return (queue + entry.label,), self._message(shard, queue, entry)
        except MalformedMessage:
            return (queue,), None

    def _message(self, shard, queue, entry):
        # What lies in pieces may be hundreds of megabytes.
        return None if entry.flags & IN_PIECES else self._transport.decoder.read(shard, queue, entry)

    def _purge(self, queue):
        keys, removed = self._options.keys, 0
        for shard in keys.shards_of(queue):
            key = keys.queue(shard, queue)
            left = checked((yield Exchange(shard, (pack('LLEN', key),)))[0])
            while left > 0:
                # What comes in meanwhile was sent after the decision to purge.
                taken = checked((yield Exchange(shard, (pack('LPOP', key, min(left, _PURGE_STEP)),)))[0]) or ()
                yield self._forget(shard, queue, taken)
                removed += len(taken)
                left = left - len(taken) if taken else 0
        yield Result(removed)

    def _forget(self, shard, queue, entries):
        """Take removed entries out of their clients' counts, and free their pieces."""
        keys, commands = self._options.keys, []
        for data in entries:
            try:
                entry = Entry(data)
                if entry.flags & IN_PIECES:
                    identifier = unpack_reference(reference_of(entry))[0]
                    commands.append(scripts.RELEASE.call([keys.pieces(shard, identifier)], []))
            except MalformedMessage:
                # Nothing is known of it that could be taken back.
                continue
            if queue.endswith('!') and entry.kind == MESSAGE:
                commands.append(scripts.RECEIVED.call([keys.pending(shard, queue)], [entry.label, 1]))
        if commands:
            for reply in (yield Exchange(shard, commands)):
                checked(reply)
        yield Result(None)


def _chunks(keys):
    return [keys[start:start + _CHUNK] for start in range(0, len(keys), _CHUNK)]


def _milliseconds(time):
    return int(time[0]) * 1000 + int(time[1]) // 1000
