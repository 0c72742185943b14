"""
One acknowledged channel of the in-memory layer.
"""
from __future__ import absolute_import

import collections
import heapq
import itertools
import time

from ...exceptions import ChannelFull
from ..acknowledgement import REPLACE, Receipt, new_job_id
from ..validation import plain_copy
from .expiries import NEVER
from .records import JobRecord

_COUNTERS = ('sent', 'full', 'expired', 'retried', 'deferred', 'given_back', 'dead', 'dead_dropped', 'cancelled',
             'replayed', 'deleted')


class AcknowledgedQueue(object):
    """One channel. Callers hold the layer's lock; times are those of the layer's clock, in seconds."""

    def __init__(self, channel, options, wake):
        self.channel = channel
        self.options = options
        self._wake = wake
        self._numbers = itertools.count()
        # What came without any option, in its order.
        self._line = collections.deque()
        # Id -> record of what waits elsewhere: by -priority and id, or by when
        # it is due.
        self.waiting = {}
        self._ready, self._later = [], []
        # Id -> when it is due, of those that aren't yet.
        self._due = {}
        # Token -> record; id -> (record, died, story), the oldest first.
        self._held, self.dead = {}, collections.OrderedDict()
        # Unique key -> the record that has it.
        self._unique = {}
        self.counts = dict.fromkeys(_COUNTERS, 0)

    def __len__(self):
        # What isn't due yet waits for its time, not for a reader.
        return len(self._line) + len(self.waiting) - self.later

    @property
    def later(self):
        """How many aren't due yet."""
        return len(self._due)

    @property
    def held(self):
        """How many are held."""
        return len(self._held)

    @property
    def next_due(self):
        """When the first of those that aren't due yet is."""
        while self._later and self._due.get(self._later[0][1]) != self._later[0][0]:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else NEVER

    def max_age(self, now):
        """For how many seconds the oldest of those that came without any option has waited."""
        return now - self._line[0].born if self._line else 0

    def check_room(self):
        """Raise ChannelFull unless one more fits."""
        if len(self) >= self.options.capacity:
            self.counts['full'] += 1
            raise ChannelFull('The channel %s is full: %d messages wait there.' % (self.channel, len(self)))

    def append(self, message, now):
        """Put `message` behind those that came without any option."""
        self.check_room()
        self._line.append(JobRecord(new_job_id(), message, 0, time.time(), now, None))
        self.counts['sent'] += 1
        self._wake(self.channel)

    def put(self, record, due, now):
        """
        Have `record` be received when it is `due`; return whether it will be.

        One that was held gives way to a newer one with its id.
        """
        newer = self.waiting.get(record.id)
        if newer is not None:
            self.finish(record)
            self.counts['cancelled'] += 1
            return False
        self.waiting[record.id] = record
        if due > now:
            self._due[record.id] = due
            heapq.heappush(self._later, (due, record.id))
        else:
            heapq.heappush(self._ready, (-record.priority, record.id))
        self._wake(self.channel)
        return True

    def send(self, record, due, now, conflict):
        """Put a job; return its id, or that of the one that has its unique key."""
        # The lifetime of one that is due later begins then.
        record.born = max(record.born, due)
        before = self._unique.get(record.unique) if record.unique is not None else None
        if before is not None and self._is_over(before, now) and self.waiting.get(before.id) is before:
            # Nobody will receive it, and nobody has looked since.
            del self.waiting[before.id]
            self._due.pop(before.id, None)
            self.finish(before)
            self.counts['expired'] += 1
            before = None
        if before is not None and conflict != REPLACE:
            return before.id
        if due <= now:
            self.check_room()
        for id in {record.id if before is None else before.id, record.id}:
            self.cancel(id)
        if record.unique is not None:
            self._unique[record.unique] = record
        self.counts['sent'] += 1
        self.put(record, due, now)
        return record.id

    def take(self, now):
        """Return (Receipt, message) of the next that is due, which is held then, or None."""
        while self._later and self._later[0][0] <= now:
            due, id = heapq.heappop(self._later)
            if self._due.get(id) == due:
                del self._due[id]
                heapq.heappush(self._ready, (-self.waiting[id].priority, id))
        while True:
            record = self._next()
            if record is None:
                return None
            if self._is_over(record, now):
                self.counts['expired'] += 1
                self.finish(record)
                continue
            token = '%s:%d:%d' % (record.id, record.deliveries, next(self._numbers))
            self._held[token] = record
            receipt = Receipt(self.channel, record.id, record.deliveries + 1, record.sent, 0, None, token)
            return receipt, plain_copy(record.message)

    def _is_over(self, record, now):
        return self.options.lifetime is not None and record.born + self.options.lifetime <= now

    def _next(self):
        while self._ready:
            rank, id = self._ready[0]
            record = self.waiting.get(id)
            # Or it was cancelled, and may have been sent again.
            is_there = record is not None and -record.priority == rank and id not in self._due
            if is_there and rank > 0 and self._line:
                # Its priority is lower than that of what comes without any.
                break
            heapq.heappop(self._ready)
            if is_there:
                return self.waiting.pop(id)
        return self._line.popleft() if self._line else None

    def holds(self, token):
        """Return whether a record is held by `token`."""
        return token in self._held

    def let_go(self, token):
        """Return the record that is held by `token`, and no more then; None if it isn't."""
        return self._held.pop(token, None)

    def finish(self, record):
        """Free the unique key of a record that is done, if it has it; one with its id and key that waits gets it."""
        if self._unique.get(record.unique) is record:
            heir = self.waiting.get(record.id)
            if heir is not None and heir.unique == record.unique:
                self._unique[record.unique] = heir
            else:
                del self._unique[record.unique]

    def bury(self, record, story):
        """Keep a record that nobody shall receive any more."""
        self.finish(record)
        if self.dead.pop(record.id, None) is not None:
            # An older one with its id gives way to it.
            self.counts['dead_dropped'] += 1
        self.dead[record.id] = record, time.time(), story
        self.counts['dead'] += 1
        while len(self.dead) > self.options.dead_letters:
            self.dead.popitem(last=False)
            self.counts['dead_dropped'] += 1

    def replay(self, id, now):
        """
        Have a dead letter be received again; return whether it will be.

        It stays while a newer job with its id waits, or one with its unique
        key is there.
        """
        record = self.dead.get(id, (None,))[0]
        if record is None or id in self.waiting or record.unique in self._unique:
            return False
        del self.dead[id]
        record.deliveries, record.born = 0, now
        if record.unique is not None:
            self._unique[record.unique] = record
        self.counts['replayed'] += 1
        self.put(record, now, now)
        return True

    def cancel(self, id):
        """Delete a job that waits; return whether it was there."""
        record = self.waiting.pop(id, None)
        if record is None:
            return False
        self._due.pop(id, None)
        self.finish(record)
        self.counts['cancelled'] += 1
        return True

    def purge(self):
        """Delete all that waits; return how many that were. What is held, and the dead, stay."""
        number = len(self._line) + len(self.waiting)
        self._line.clear()
        for id in list(self.waiting):
            self.cancel(id)
        return number

    def jobs(self, now):
        """Return [(record, due or None), ...] of what waits, the next first."""
        due = {id: when for id, when in self._due.items() if when > now}
        ready = [record for id, record in self.waiting.items() if id not in due]
        later = [record for id, record in self.waiting.items() if id in due]
        return (
            [(record, None) for record in sorted(ready, key=lambda record: (-record.priority, record.id))] +
            [(record, None) for record in self._line] +
            [(record, due[record.id]) for record in sorted(later, key=lambda record: due[record.id])]
        )
