"""
Plans that look at what waits without taking it, and that remove it.

None of them holds Redis up: keys are found in walks of small steps, within a
budget of time, and asked for in commands that take microseconds each.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import MalformedMessage
from ..inspection import Found
from . import scripts
from .envelope import IN_PIECES, MESSAGE, WHOLE, Entry, deadline_of, reference_of, unpack_reference
from .keyspace import Walk, pattern_of, share
from .operations import DONE, Exchange, Result, checked, flatten
from .queue_states import COUNTERS, add_queues, empty_numbers
from .resp import ReplyError, pack

#: Keys that are asked for in one write.
_CHUNK = 500
#: Entries that one command removes.
_PURGE_STEP = 1000


class InspectionOperations(object):
    """Plans over all shards of `transport`; any number of threads may share it."""

    def __init__(self, transport):
        self._transport = transport
        self._options = transport.options

    def channels(self, budget):
        """Have {statistics' name: numbers} of all channels, a Found, as Result; `absent` has numbers of shards."""
        return flatten(self._channels(budget))

    def groups(self, budget):
        """Have {group: number of members}, a Found as of channels(), as Result."""
        return flatten(self._groups(budget))

    def servers(self):
        """Have what each server says of itself, a list of (shard, dict), as Result."""
        return flatten(self._servers())

    def peek(self, queue, limit, absent=None):
        """Have [(age in s, channels, message)] of the oldest `limit` entries as Result; `absent` as in Absences."""
        return flatten(self._peek(queue, limit, absent))

    def purge(self, queue):
        """Remove all entries of `queue`; their number is the Result."""
        return flatten(self._purge(queue))

    def _channels(self, budget):
        keys, found, absences = self._options.keys, Found(), self._transport.absences
        yield absences.each(lambda shard: self._add_counters(found, shard), found.absent)
        # What was ever sent to is counted, and a normal channel by its own
        # name: these need no look at all keys.
        normal = [name for name in sorted(found) if not name.endswith(('!', '?'))]
        known = set(normal)

        def add_normal(shard):
            for chunk in _chunks([keys.queue(shard, name).encode('ascii') for name in normal]):
                yield self._add_queues(found, shard, chunk)
            yield DONE

        def look(shard, queues):
            start = len(keys.queue(shard, ''))
            return self._add_queues(found, shard, [key for key in queues if key[start:].decode('ascii') not in known])

        yield absences.each(add_normal, found.absent)
        yield self._walk(budget, lambda shard: pattern_of(keys.queue(shard, '')), look, found)
        yield Result(found)

    def _add_counters(self, found, shard):
        counters = checked((yield Exchange(shard, (pack('HGETALL', self._options.keys.statistics(shard)),)))[0])
        for field, value in zip(counters[::2], counters[1::2]):
            counter, _, name = field.decode('ascii').partition(':')
            if name and counter in COUNTERS:
                numbers = found.setdefault(name, empty_numbers())
                numbers[COUNTERS[counter]] += int(value)
        yield DONE

    def _walk(self, budget, pattern, look, found):
        """Have `look(shard, keys)` carried out for all keys of a pattern; say in `found`, a Found, if some weren't."""
        monotonic, shards = self._transport.monotonic, self._options.keys.shards
        deadline = None if budget is None else monotonic() + budget

        def walk(shard):
            walk = Walk(shard, pattern(shard), monotonic, share(deadline, monotonic(), shards - shard))
            while not walk.is_over:
                page = yield walk.page()
                for chunk in _chunks(page):
                    yield look(shard, chunk)
            found.is_complete = found.is_complete and walk.is_complete
            yield DONE

        yield self._transport.absences.each(walk, found.absent)
        yield DONE

    def _add_queues(self, found, shard, queues):
        return add_queues(self._transport, shard, queues, lambda name: found.setdefault(name, empty_numbers()))

    def _groups(self, budget):
        keys, monotonic, sizes = self._options.keys, self._transport.monotonic, Found()
        deadline = None if budget is None else monotonic() + budget
        totals = []

        def look(shard):
            totals.append(checked((yield Exchange(shard, (pack('ZCARD', keys.groups(shard)),)))[0]))
            ends = share(deadline, monotonic(), keys.shards - shard)
            seen, cursor = set(), None
            while cursor != b'0':
                if ends is not None and monotonic() >= ends:
                    sizes.is_complete = False
                    break
                command = pack('ZSCAN', keys.groups(shard), cursor or 0, 'COUNT', _CHUNK)
                cursor, page = checked((yield Exchange(shard, (command,)))[0])
                # ZSCAN may return a group twice.
                fresh = sorted(set(page[::2]) - seen)
                seen.update(fresh)
                for chunk in _chunks(fresh):
                    yield self._add_groups(sizes, shard, [name.decode('ascii') for name in chunk])
            yield DONE

        yield self._transport.absences.each(look, sizes.absent)
        for name in [name for name, number in sizes.items() if not number]:
            # It has ended.
            del sizes[name]
        # One may be on several shards.
        sizes.total = len(sizes) if sizes.is_complete else max(sum(totals), len(sizes))
        yield Result(sizes)

    def _add_groups(self, sizes, shard, groups):
        keys, members = self._options.keys, []
        replies = yield Exchange(shard, [pack('TIME')] + [pack('HKEYS', keys.group(shard, name)) for name in groups])
        now = _milliseconds(checked(replies[0]))
        for name, queues in zip(groups, replies[1:]):
            for queue in checked(queues):
                if queue.endswith(b'!'):
                    members.append((name, keys.members(shard, name, queue.decode('ascii'))))
                else:
                    sizes[name] = sizes.get(name, 0) + 1
        for chunk in _chunks(members):
            replies = yield Exchange(shard, [pack('ZCOUNT', key, '(%d' % now, '+inf') for name, key in chunk])
            for (name, key), number in zip(chunk, replies):
                sizes[name] = sizes.get(name, 0) + checked(number)
        yield DONE

    def _servers(self):
        found = []
        yield self._transport.absences.each(lambda shard: self._add_server(found, shard), {})
        yield Result(found)

    def _add_server(self, found, shard):
        asked = self._transport.monotonic()
        yield Exchange(shard, (pack('PING'),))
        latency = (self._transport.monotonic() - asked) * 1000
        facts = {}
        for reply in (yield Exchange(shard, (pack('INFO', 'server'), pack('INFO', 'memory')))):
            # Its user may not be allowed to ask.
            for line in () if type(reply) is ReplyError else reply.splitlines():
                line = line.decode('utf-8', 'replace')
                name, colon, value = line.partition(':')
                facts[name] = value
        found.append((shard, {
            'latency': latency, 'memory': _number(facts.get('used_memory')),
            'memory_limit': _number(facts.get('maxmemory')), 'policy': facts.get('maxmemory_policy', '?'),
            'version': '%s %s' % (
                facts.get('server_name', 'redis'), facts.get('valkey_version', facts.get('redis_version', '?'))),
        }))
        yield DONE

    def _peek(self, queue, limit, absent):
        keys, found = self._options.keys, []

        def look(shard):
            # What has expired goes first.
            yield add_queues(
                self._transport, shard, [keys.queue(shard, queue).encode('ascii')], lambda name: empty_numbers())
            commands = pack('TIME'), pack('LRANGE', keys.queue(shard, queue), 0, limit - 1)
            time, entries = [checked(reply) for reply in (yield Exchange(shard, commands))]
            now = _milliseconds(time)
            for data in entries:
                # The sender puts the deadline in by a clock of its own.
                age = max(0, now - deadline_of(data) + self._options.lifetime) / 1000.0
                found.append((age,) + self._shown(shard, queue, data))
            yield DONE

        yield self._transport.absences.each(look, absent, keys.shards_of(queue))
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
                    key = keys.pieces(shard, unpack_reference(reference_of(entry))[0])
                    commands.append(
                        pack('UNLINK', key) if entry.flags & WHOLE else scripts.RELEASE.call([key], [])
                    )
            except MalformedMessage:
                # Nothing is known of it that could be taken back.
                continue
            if queue.endswith('!') and entry.kind == MESSAGE:
                commands.append(scripts.RECEIVED.call([keys.pending(shard, queue)], [entry.label, 1]))
        if commands:
            for reply in (yield Exchange(shard, commands)):
                checked(reply)
        yield Result(None)


def _number(value):
    return None if value is None else int(value)


def _chunks(items):
    return [items[start:start + _CHUNK] for start in range(0, len(items), _CHUNK)]


def _milliseconds(time):
    return int(time[0]) * 1000 + int(time[1]) // 1000
