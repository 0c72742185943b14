"""
Presence in the in-memory layer: parts of one process that announce themselves.
"""
from __future__ import absolute_import

from ...names import validate_process_name
from ..presence import REMEMBERED, listed
from ..validation import plain_copy


class MemoryPresenceMixin(object):
    """The part `supports_presence` of InMemoryChannelLayer."""
    supports_presence = True
    #: Names that were announced and not withdrawn; a flush doesn't make them
    #: new.
    _announced = frozenset()

    def announce(self, process, facts):
        name = validate_process_name(process.name)
        with self._lock:
            was_listed = name in self._present(self._clock())
            self._beats[name] = process, plain_copy(facts), self._clock()
            gone = [0] if name in self._announced and not was_listed else []
            self._announced = self._announced | {name}
            return gone

    def withdraw(self, process):
        with self._lock:
            self._beats.pop(process.name, None)
            self._announced = self._announced - {process.name}

    def processes(self, kind=None):
        with self._lock:
            now = self._clock()
            found = [(process, plain_copy(facts), now - beat) for process, facts, beat in self._present(now).values()]
        return listed(found, kind)

    def _present(self, now):
        for name in [name for name, (_, _, beat) in self._beats.items() if now - beat >= REMEMBERED]:
            del self._beats[name]
        return self._beats
