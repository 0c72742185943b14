"""
Acknowledged channels of the in-memory layer.

Its readers are the threads of one process and die together, so nobody gives
back what they held: recover() has nothing to do.
"""
from __future__ import absolute_import

import collections
import heapq
import itertools
import time

from ...exceptions import ChannelFull
from ..acknowledgement import (
    BURY, DEAD, DEFERRED, GONE, LATER, REFUSE, RELEASE, RELEASED, REPLACE, RETRIED, RETRY, AcknowledgementMixin,
    ChannelOptions, HeldMessage, Receipt, new_job_id, receipt_of, valid_job_channel,
)
from ..job_options import checked_id, checked_priority, checked_times, checked_unique
from ..validation import copy_message, plain_copy
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
        # Unique key -> id.
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
        """Have `record` be received when it is `due`."""
        self.waiting[record.id] = record
        if due > now:
            self._due[record.id] = due
            heapq.heappush(self._later, (due, record.id))
        else:
            heapq.heappush(self._ready, (-record.priority, record.id))
        self._wake(self.channel)

    def send(self, record, due, now, conflict):
        """Put a job; return its id, or that of the one that has its unique key."""
        before = self._unique.get(record.unique) if record.unique is not None else None
        if before is not None and conflict != REPLACE:
            return before
        if due <= now:
            self.check_room()
        for id in (before, record.id):
            self.cancel(id)
        if record.unique is not None:
            self._unique[record.unique] = record.id
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
            if self.options.lifetime is not None and record.born + self.options.lifetime <= now:
                self.counts['expired'] += 1
                self.finish(record)
                continue
            token = '%s:%d:%d' % (record.id, record.deliveries, next(self._numbers))
            self._held[token] = record
            receipt = Receipt(self.channel, record.id, record.deliveries + 1, record.sent, 0, None, token)
            return receipt, plain_copy(record.message)

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
        """Forget the unique key of a record that is done."""
        if record.unique is not None and self._unique.get(record.unique) == record.id:
            del self._unique[record.unique]

    def bury(self, record, story):
        """Keep a record that nobody shall receive any more."""
        self.finish(record)
        self.dead[record.id] = record, time.time(), story
        self.counts['dead'] += 1
        while len(self.dead) > self.options.dead_letters:
            self.dead.popitem(last=False)
            self.counts['dead_dropped'] += 1

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


class MemoryAcknowledgementMixin(AcknowledgementMixin):
    """The part `supports_acknowledgement` of InMemoryChannelLayer."""
    supports_acknowledgement = True
    # Channel -> its AcknowledgedQueue.
    _acknowledged_queues = ()

    def declare(self, channels):
        super(MemoryAcknowledgementMixin, self).declare(channels)
        with self._lock:
            self._channels.known.clear()
            for channel in channels:
                self.acknowledged_queue(channel)

    def acknowledged_queue(self, channel, default=None):
        """Return the queue of an acknowledged channel; None if it isn't one, and there is no `default` of options."""
        options = self.options_of(channel) or default
        queue = self._acknowledged_queues.get(channel)
        if queue is None and options is not None:
            queue = self._acknowledged_queues[channel] = AcknowledgedQueue(channel, options, self._waiters.wake)
        elif queue is not None and options is not None:
            queue.options = options
        return queue

    def _take_held(self, channel):
        """Return the next message on `channel`, held if this process has a name, or None."""
        queue = self._acknowledged_queues[channel]
        taken = queue.take(self._clock())
        if taken is None:
            return None
        receipt, message = taken
        if self.reader is None:
            queue.finish(queue.let_go(receipt.token))
            return message
        return HeldMessage(message, receipt)

    def _next_due(self, channels):
        """Return when the first is due of what waits for its time on `channels`."""
        queues = self._acknowledged_queues
        return min([queues[channel].next_due for channel in channels if channel in queues] or [NEVER])

    def send_job(self, channel, message, id=None, delay=None, at=None, priority=0, unique=None, conflict=REFUSE):
        self.check_message(message)
        delay, at = checked_times(delay, at)
        channel, now = valid_job_channel(channel), self._clock()
        delay = at - time.time() if at is not None else delay or 0
        record = JobRecord(
            checked_id(id), copy_message(message), checked_priority(priority), time.time(), now + max(0, delay),
            checked_unique(unique, conflict),
        )
        with self._lock:
            queue = self.acknowledged_queue(channel, ChannelOptions())
            self._channels.known.pop(channel, None)
            return queue.send(record, now + delay, now, conflict)

    def acknowledge(self, finished):
        failed = []
        for receipt, pairs in finished:
            with self._lock:
                queue = self._acknowledged_queues.get(receipt.channel)
                is_held = queue is not None and queue.holds(receipt.token)
            if not is_held:
                failed.append((receipt, GONE))
                continue
            try:
                for channel, message in pairs:
                    self.send(channel, message)
            except Exception as error:
                # Whatever is wrong with it, the others are not to blame.
                failed.append((receipt, error))
                continue
            with self._lock:
                record = queue.let_go(receipt.token)
                if record is not None:
                    queue.finish(record)
        return failed

    def postpone(self, receipt, action, delay=0, deliveries=0, story=''):
        with self._lock:
            queue = self._acknowledged_queues.get(receipt.channel)
            record = queue.let_go(receipt.token) if queue is not None else None
            if record is None:
                return GONE
            now, record.story = self._clock(), ''
            if action == RELEASE:
                queue.put(record, now, now)
                return RELEASED
            record.deliveries += 1
            if action == BURY or record.deliveries >= (deliveries or queue.options.deliveries):
                queue.bury(record, story)
                return DEAD
            if action == RETRY:
                record.story = story
            queue.put(record, now + delay, now)
            queue.counts['deferred' if action == LATER else 'retried'] += 1
            return DEFERRED if action == LATER else RETRIED

    def release(self, messages):
        """Requeue what is held of `messages`, [(channel, message), ...]; return the others, as such a list."""
        for channel, message in messages:
            if receipt_of(message):
                self.postpone(receipt_of(message), RELEASE)
        return [pair for pair in messages if not receipt_of(pair[1])]
