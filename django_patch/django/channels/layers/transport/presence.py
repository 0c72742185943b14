"""
Plans for presence: processes say on every shard that they are alive.

On every shard, so that a script there can judge by the clock of its server
whether the reader of a message is.
"""
from __future__ import absolute_import, unicode_literals

import json

from ...exceptions import AnotherProject, LayerUnavailable
from ...names import validate_process_name
from ..presence import REMEMBERED, Process, listed
from . import scripts
from .envelope import NEWEST
from .operations import DONE, Exchange, ExchangeAll, Result, checked, flatten
from .resp import pack

_REMEMBERED_MS = int(REMEMBERED * 1000)


class PresenceOperations(object):
    """Plans over all shards; one thread at a time announces a process."""

    def __init__(self, options, clocks, absences):
        self._keys = options.keys
        self._absences = absences
        self._clocks = clocks
        # Name of a process -> the shards where it was announced.
        self._announced = {}
        # Shards that did not answer the last time, the one to ask next first.
        self._silent = []

    def announce(self, process, facts):
        """
        Have the shards that had forgotten `process`, a list, as Result.

        One that doesn't answer takes nearly as long as a silent process is
        believed to live. So it comes after the others the next time, and not
        two of these are waited for at once.
        """
        name, arguments = self._beat(process, facts)
        before = self._announced.setdefault(name, set())
        silent, gone, failure = self._silent, [], None
        heard = [shard for shard in range(self._keys.shards) if shard not in silent]
        for asked in [heard] * bool(heard) + [[shard] for shard in silent]:
            answers = yield ExchangeAll([
                (shard, (scripts.BEAT.call([self._keys.processes(shard), self._keys.facts(shard)], arguments),))
                for shard in asked
            ])
            for shard, answer in zip(asked, answers):
                # Behind those that weren't asked.
                silent = [each for each in silent if each != shard]
                try:
                    [was_listed] = _checked(answer)
                except LayerUnavailable as error:
                    silent, failure = silent + [shard], error
                    continue
                if shard in before and not was_listed:
                    gone.append(shard)
                    # It may have been emptied under our connections.
                    self._clocks[shard].ask_soon()
                before.add(shard)
            if failure is not None:
                break
        self._silent = silent
        if len(silent) == self._keys.shards:
            raise failure
        yield Result(gone)

    def _beat(self, process, facts):
        """Return the name of `process`, and the arguments of a beat."""
        name = validate_process_name(process.name)
        # Of entries: the version that it writes, the highest that it reads.
        versions = [min([NEWEST] + [clock.lowest_version for clock in self._clocks]), NEWEST]
        entry = json.dumps(
            dict(process._asdict(), facts=facts, entries=versions), separators=(',', ':'), sort_keys=True,
        )
        return name, [name, entry, _REMEMBERED_MS]

    def claim(self, process, facts, project):
        """
        Have what BaseChannelLayer.claim() returns as Result.

        One shard after the other, all in the same order: who is refused on
        one has noted nothing on those that the other comes to first.
        """
        name, arguments = self._beat(process, facts)
        noted, failure = [], None
        for shard in range(self._keys.shards):
            keys = [self._keys.processes(shard), self._keys.facts(shard)]
            try:
                answer = checked((yield Exchange(shard, (scripts.BEAT.call(keys, arguments + list(project)),)))[0])
            except LayerUnavailable as error:
                failure = error
                continue
            if isinstance(answer, bytes):
                yield ExchangeAll([(each, self._leave(each, name)) for each in noted])
                raise _another(answer)
            noted.append(shard)
        if not noted:
            raise failure
        self._announced.setdefault(name, set()).update(noted)
        yield Result([])

    def withdraw(self, process):
        """Forget `process`."""
        self._announced.pop(process.name, None)
        answers = yield ExchangeAll([
            (shard, self._leave(shard, process.name)) for shard in range(self._keys.shards)
        ])
        _replies(answers)
        yield DONE

    def _leave(self, shard, name):
        return pack('ZREM', self._keys.processes(shard), name), pack('HDEL', self._keys.facts(shard), name)

    def processes(self, kind):
        """Have what BaseChannelLayer.processes() returns as Result."""
        return flatten(self._processes(kind))

    def new_processes(self, known):
        """Have what BaseChannelLayer.new_processes() returns as Result."""
        return flatten(self._new_processes(known))

    def _processes(self, kind):
        names, found = yield self._look(frozenset())
        yield Result(listed(found, kind))

    def _new_processes(self, known):
        names, found = yield self._look(known)
        yield Result((names, listed(found, None)))

    def _look(self, known):
        """Have as Result the names of all processes, and what listed() takes of those that aren't `known`."""
        away = [shard for shard in range(self._keys.shards) if self._absences.why(shard) is not None] + self._silent
        shards = [shard for shard in range(self._keys.shards) if shard not in away] or range(self._keys.shards)
        answers = yield ExchangeAll([
            (shard, (pack('TIME'), pack('ZRANGE', self._keys.processes(shard), 0, -1, 'WITHSCORES')))
            for shard in shards
        ])
        all_names, found, entries = set(), [], {name.encode('ascii'): None for name in known}
        for number, (time, beats) in _replies(answers):
            shard = shards[number]
            all_names.update(beats[::2])
            now = int(time[0]) + int(time[1]) / 1000000.0
            names = [name for name in beats[::2] if name not in entries]
            if names:
                # The same everywhere, but for who can't reach all shards.
                facts = checked((yield Exchange(shard, (pack('HMGET', self._keys.facts(shard), *names),)))[0])
                entries.update((name, _decoded(name, entry)) for name, entry in zip(names, facts))
            for name, beat in zip(beats[::2], beats[1::2]):
                if entries.get(name) is not None:
                    # A beat is noted in whole milliseconds.
                    found.append(entries[name] + (max(0.0, now - float(beat) / 1000),))
        yield Result(([name.decode('ascii', 'replace') for name in sorted(all_names)], found))


def _checked(answer):
    """Return the replies of a shard; raise what it answered instead."""
    if isinstance(answer, LayerUnavailable):
        raise answer
    return [checked(reply) for reply in answer]


def _replies(answers):
    """Return [(shard, replies), ...] of the shards that answered; raise LayerUnavailable if none did."""
    found, failure = [], None
    for shard, answer in enumerate(answers):
        try:
            found.append((shard, _checked(answer)))
        except LayerUnavailable as error:
            failure = error
    if not found:
        raise failure
    return found


def _another(entry):
    """Return the error for a claim where a process of another project has said `entry`."""
    decoded = _decoded(b'', entry)
    return AnotherProject(*(('?', 0) if decoded is None else decoded[0][2:4]))


def _decoded(name, entry):
    """Return (Process, facts), or None for what another version may understand."""
    try:
        values = json.loads(entry.decode('utf-8'))
        facts = values['facts']
        process = Process(
            name.decode('ascii'), *[values[field] for field in ('kind', 'host', 'pid', 'version', 'started')]
        )
        return (process, facts) if isinstance(facts, dict) else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
