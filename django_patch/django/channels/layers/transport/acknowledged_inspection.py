"""
Plans for people: what is on acknowledged channels.
"""
from __future__ import absolute_import, unicode_literals

import json
import types

from ...compat import six
from ...exceptions import MalformedMessage
from ..acknowledgement import DeadLetter, Job
from . import scripts
from .envelope import IN_PIECES, NEVER, Entry, deadline_of, reference_of, unpack_reference
from .held_reader import Record
from .operations import DONE, Exchange, Result, checked, flatten
from .resp import pack

#: Messages of each kind that one call deletes.
_PURGED_AT_ONCE = 500
#: What a story tells in words: nobody has to ask for its type.
_TEXTS = ('error', 'traceback', 'consumer', 'reader')
_NUMBERS = ('waiting', 'later', 'held', 'dead_letters', 'max_age')
_COUNTERS = ('sent', 'full', 'expired', 'retried', 'deferred', 'given_back', 'dead', 'dead_dropped', 'cancelled',
             'replayed', 'deleted')


class AcknowledgedInspection(object):
    """Jobs and dead letters, listed, counted and deleted; any number of threads may share it."""

    def __init__(self, transport):
        self._transport = transport
        self._options = transport.options

    def dead_letters(self, channel, limit, offset, id=None, absent=None):
        """Have the DeadLetters of `channel` as Result, the oldest first; or that with this `id`."""
        return flatten(self._dead_letters(channel, limit, offset, id, absent))

    def _dead_letters(self, channel, limit, offset, only, absent):
        found = []

        def look(shard):
            base = self._options.keys.base(shard)
            index = '%sx:%s' % (base, channel)
            command = pack('ZRANGE', index, 0, offset + limit - 1, 'WITHSCORES') if only is None else (
                pack('ZSCORE', index, only))
            times = checked((yield Exchange(shard, (command,)))[0])
            if only is not None:
                times = [] if times is None else [only.encode('utf-8'), times]
            letters = yield Exchange(shard, tuple(
                pack('HMGET', '%sy:%s' % (base, channel), id, id + b':s') for id in times[::2]
            ))
            for id, died, letter in zip(times[::2], times[1::2], letters):
                data, story = checked(letter)
                if data is not None:
                    record = Record(data)
                    message = yield self._read(shard, channel, record.entry)
                    found.append(DeadLetter(
                        id.decode('ascii'), channel, record.deliveries, record.priority, record.sent / 1000.0,
                        float(died) / 1000.0, _decoded_story(story), message,
                    ))
            yield DONE

        yield self._transport.absences.each(look, absent)
        yield Result(sorted(found, key=lambda letter: letter.died)[offset:offset + limit])

    def jobs(self, channel, limit, absent=None):
        """Have the Jobs of `channel` as Result, the next first."""
        return flatten(self._jobs(channel, limit, absent))

    def _jobs(self, channel, limit, absent):
        ready, later, line = [], [], []

        def look(shard):
            base = self._options.keys.base(shard)
            now, at, entries, options = [checked(reply) for reply in (yield Exchange(shard, (
                pack('ZRANGE', '%sr:%s' % (base, channel), 0, limit - 1),
                pack('ZRANGE', '%sl:%s' % (base, channel), 0, limit - 1, 'WITHSCORES'),
                pack('LRANGE', self._options.keys.line(shard, channel), 0, limit - 1),
                pack('HGET', self._options.keys.acknowledged(shard), channel),
            )))]
            due = dict(zip(at[::2], at[1::2]))
            ids = now + at[::2]
            records = yield Exchange(shard, tuple(
                pack('HMGET', '%sj:%s' % (base, channel), id, id + b':s') for id in ids
            ))
            for id, found in zip(ids, records):
                data, story = checked(found)
                if data is not None:
                    record = Record(data)
                    (later if id in due else ready).append(Job(
                        id.decode('ascii'), channel, record.deliveries, record.priority, record.sent / 1000.0,
                        float(due[id]) / 1000.0 if id in due else None,
                        (yield self._read(shard, channel, record.entry)), _decoded_story(story),
                    ))
            for entry in entries:
                message = yield self._read(shard, channel, entry)
                # None: the channel isn't acknowledged any more.
                sent = _sent_at(deadline_of(entry), options.decode('ascii')) / 1000.0 if options else None
                line.append(Job(None, channel, 0, 0, sent, None, message, {}))
            yield DONE

        yield self._transport.absences.each(look, absent)
        ready.sort(key=lambda job: (-job.priority, job.id))
        later.sort(key=lambda job: job.due)
        yield Result((ready + line + later)[:limit])

    def _read(self, shard, channel, data):
        """Have the message of an entry as Result; None if it can't be read."""
        try:
            message = self._transport.decoder.decode_held(shard, channel, data)
            if type(message) is types.GeneratorType:
                message = yield message
        except MalformedMessage:
            message = None
        yield Result(message)

    def statistics(self, channel, absent=None):
        """
        Have {channel: {name: number}} of all channels, or of one, as Result.

        Shards may be away here if `absent` is a dict: see Absences.each().
        """
        return flatten(self._statistics(channel, absent))

    def _statistics(self, channel, absent):
        found = {}
        yield self._transport.absences.each(lambda shard: self._add_shard(found, shard, channel), absent)
        yield Result(found)

    def _add_shard(self, found, shard, channel):
        key = self._options.keys.acknowledged(shard)
        if channel is None:
            known = checked((yield Exchange(shard, (pack('HGETALL', key),)))[0])
        else:
            options = checked((yield Exchange(shard, (pack('HGET', key, channel),)))[0])
            known = [channel.encode('ascii'), options] if options is not None else []
        for name, options in zip(known[::2], known[1::2]):
            name = name.decode('ascii')
            numbers = found.setdefault(name, dict.fromkeys(_NUMBERS + _COUNTERS, 0))
            yield self._add_numbers(numbers, shard, name, options.decode('ascii'))
        yield DONE

    def _add_numbers(self, numbers, shard, name, options):
        keys, base = self._options.keys, self._options.keys.base(shard)
        line, old, ready, later, dead = [checked(reply) for reply in (yield Exchange(shard, (
            pack('LLEN', keys.line(shard, name)), pack('LLEN', keys.queue(shard, name)),
            pack('ZCARD', '%sr:%s' % (base, name)), pack('ZCARD', '%sl:%s' % (base, name)),
            pack('ZCARD', '%sx:%s' % (base, name)),
        )))]
        numbers['waiting'] += line + old + ready
        numbers['later'] += later
        numbers['dead_letters'] += dead
        fields = ['%s:%s' % (counter, name) for counter in _COUNTERS]
        time, head, readers, counts = [checked(reply) for reply in (yield Exchange(shard, (
            pack('TIME'), pack('LINDEX', keys.line(shard, name), 0), pack('SMEMBERS', '%so:%s' % (base, name)),
            pack('HMGET', keys.statistics(shard), *fields),
        )))]
        for counter, value in zip(_COUNTERS, counts):
            numbers[counter] += int(value or 0)
        if head:
            now = int(time[0]) + int(time[1]) / 1000000.0
            numbers['max_age'] = max(numbers['max_age'], now - _sent_at(deadline_of(head), options) / 1000.0)
        if readers:
            held = yield Exchange(shard, tuple(
                pack('HLEN', '%st:%s:%s' % (base, name, reader.decode('ascii'))) for reader in readers
            ))
            numbers['held'] += sum(checked(reply) for reply in held)
        yield DONE

    # What they delete, and have received again

    def purge(self, channel):
        """Delete all that waits on `channel`; the Result is how many messages that were."""
        return flatten(self._purge(channel))

    def _purge(self, channel):
        keys, done = self._options.keys, 0
        for shard in range(keys.shards):
            base = keys.base(shard)
            while True:
                ready, later, entries = [checked(reply) or [] for reply in (yield Exchange(shard, (
                    pack('ZRANGE', '%sr:%s' % (base, channel), 0, _PURGED_AT_ONCE - 1),
                    pack('ZRANGE', '%sl:%s' % (base, channel), 0, _PURGED_AT_ONCE - 1),
                    pack('LPOP', keys.line(shard, channel), _PURGED_AT_ONCE),
                )))]
                if not (ready or later or entries):
                    break
                commands = (scripts.CANCEL.call([keys.statistics(shard)], [channel, 'cancel'] + ready + later),)
                pieces = [key for key in [self._pieces_of(shard, entry) for entry in entries] if key is not None]
                if pieces:
                    commands += (pack('UNLINK', *pieces),)
                done += len(entries) + checked((yield Exchange(shard, commands))[0])
        yield Result(done)

    def _pieces_of(self, shard, data):
        """Return the key of what an entry refers to, or None."""
        try:
            entry = Entry(data)
            if entry.flags & IN_PIECES:
                return self._options.keys.kept_pieces(shard, unpack_reference(reference_of(entry))[0])
        except MalformedMessage:
            # It has nothing beside it.
            pass
        return None

    def cancel(self, channel, action, ids):
        """Do what cancel.lua says with jobs or dead letters; the Result is for how many."""
        return flatten(self._cancel(channel, action, ids))

    def _cancel(self, channel, action, ids):
        done = 0
        for shard in range(self._options.keys.shards):
            for start in range(0, len(ids), 500):
                command = scripts.CANCEL.call(
                    [self._options.keys.statistics(shard)], [channel, action] + list(ids[start:start + 500])
                )
                done += checked((yield Exchange(shard, (command,)))[0])
        yield Result(done)


def _sent_at(deadline, options):
    """Return when an entry with that deadline (ms) was sent, as with_own_deadline() of acknowledged.lua has it."""
    return deadline - (NEVER if deadline > NEVER else int(options.split()[1]))


def _decoded_story(story):
    """Return a story as a dict; what another program wrote, and isn't one, is left out."""
    try:
        story = json.loads(story.decode('utf-8')) if story else {}
    except (UnicodeError, ValueError, RuntimeError):
        # The last: nested too deep.
        return {}
    if not isinstance(story, dict):
        return {}
    return {name: value for name, value in story.items() if name not in _TEXTS or isinstance(value, six.text_type)}
