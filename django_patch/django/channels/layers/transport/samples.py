"""
Plans for samples: measurements that are kept for all processes to read.
"""
from __future__ import absolute_import, unicode_literals

from .operations import DONE, Exchange, Result, checked
from .resp import pack


class SampleOperations(object):
    """Plans over two keys of the first shard, which isn't asked while `absences` know that it is away."""

    def __init__(self, options, absences):
        self._keys = options.keys
        self._absences = absences

    def claim(self, interval):
        """Have as Result whether it is this caller's turn: one caller has it in each `interval` seconds."""
        self._absences.check(0)
        command = pack('SET', self._keys.sampling(), 1, 'NX', 'PX', int(interval * 1000))
        yield Result(checked((yield Exchange(0, (command,)))[0]) is not None)

    def add(self, sample, lifetime, keep):
        """Keep the text `sample` and the newest of those before it, `keep` in all, for `lifetime` seconds."""
        key = self._keys.samples()
        commands = (
            pack('RPUSH', key, sample), pack('LTRIM', key, -keep, -1), pack('PEXPIRE', key, int(lifetime * 1000)),
        )
        for reply in (yield Exchange(0, commands)):
            checked(reply)
        yield DONE

    def all(self):
        """Have the texts that are kept, the oldest first, as Result."""
        self._absences.check(0)
        reply = checked((yield Exchange(0, (pack('LRANGE', self._keys.samples(), 0, -1),)))[0])
        yield Result([text.decode('utf-8') for text in reply])
