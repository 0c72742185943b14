"""
Walks over the keys of a shard, within a budget of time.

SCAN looks at all keys of a server, those of others, too, so a walk over a
million takes seconds, whatever it is after. It holds Redis up for no longer
than a few hundred keys take.
"""
from __future__ import absolute_import, unicode_literals

from .operations import Exchange, Result, checked
from .resp import pack

#: Keys that Redis looks at in one step of a scan.
SCAN_STEP = 250
#: Keys that are handed on at once, if there are so many.
_PAGE = 500


def pattern_of(start):
    """Return the pattern of all keys that begin with `start`."""
    return ''.join('\\' + letter if letter in '*?[]\\^' else letter for letter in start) + '*'


class Walk(object):
    """
    A walk over the keys of `shard` that match `pattern`, each once.

    `deadline` is the time of `monotonic` (s) at which it ends, None for never.
    """

    def __init__(self, shard, pattern, monotonic, deadline=None):
        self._shard = shard
        self._pattern = pattern
        self._monotonic = monotonic
        self._deadline = deadline
        self._seen = set()
        self._cursor = b'0'
        #: Has it come to its end, and seen all keys?
        self.is_complete = False
        #: Has it come to its end?
        self.is_over = deadline is not None and deadline <= monotonic()

    def page(self):
        """A plan that has the next keys as Result, a sorted list; some, none, or all that are left."""
        fresh = set()
        while not self.is_over and len(fresh) < _PAGE:
            command = pack('SCAN', self._cursor, 'MATCH', self._pattern, 'COUNT', SCAN_STEP)
            self._cursor, keys = checked((yield Exchange(self._shard, (command,)))[0])
            # SCAN may return a key twice.
            fresh.update(set(keys) - self._seen)
            self._seen.update(keys)
            self.is_complete = self._cursor == b'0'
            self.is_over = self.is_complete or (
                self._deadline is not None and self._deadline <= self._monotonic())
        yield Result(sorted(fresh))


def share(deadline, now, parts):
    """Return the deadline of the first of `parts` walks that have until `deadline` (None: for ever), as of `now`."""
    return None if deadline is None else now + max(0.0, deadline - now) / parts
