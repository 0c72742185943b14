"""
The channel layer inside one process: for development, for tests, and for
servers that run their workers as threads.

A sender wakes a waiting reader; nothing polls. What nobody reads is found
by a schedule with one entry a queue, so expiry never scans either.
"""
from __future__ import absolute_import

import collections
import random
import threading

from ...compat.clock import monotonic
from ...exceptions import ChannelFull
from ...names import non_local_name, validate_channel_name
from ..base import RESERVED_KEY, BaseChannelLayer
from ..capacity import checked_number_of_messages
from ..drop_log import DropLog
from ..validation import copy_message, plain_copy
from .expiries import NEVER, Expiries, MemoryExpiryMixin
from .groups import GroupIndex
from .holding_queues import MemoryAcknowledgementMixin
from .inspection import MemoryInspectionMixin
from .jobs import MemoryJobsMixin
from .presence import MemoryPresenceMixin
from .queues import IN_CHANNELS, IN_MESSAGE, IN_SENT, NO_QUEUE, ChannelTable
from .sending_groups import MemoryGroupsMixin
from .statistics import FULL, SENT, Counters, summary
from .waiters import WaitQueue


class InMemoryChannelLayer(MemoryJobsMixin, MemoryAcknowledgementMixin, MemoryGroupsMixin, MemoryExpiryMixin,
                           MemoryInspectionMixin, MemoryPresenceMixin, BaseChannelLayer):
    """
    A channel layer for the threads of one process.

    `clock` returns a time in seconds that is not set back; tests bring their
    own.
    """
    supports_flush = supports_statistics = supports_requeue = supports_throttling = counts_waiting = True
    supports_blocking_receive = supports_interrupt = True

    def __init__(self, expiry=60, group_expiry=86400, capacity=100, channel_capacity=None, process_capacity=None,
                 clock=monotonic, acknowledged=()):
        super(InMemoryChannelLayer, self).__init__(expiry, group_expiry, capacity, channel_capacity, process_capacity)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiters = WaitQueue()
        self._drop_log = DropLog(clock)
        self.configure_acknowledged(acknowledged)
        self._clear()

    def _clear(self):
        self._queues = {}
        self._acknowledged_queues, self._results = {}, {}
        # Channel of a client -> how many messages wait for it alone.
        self._pending = {}
        self._expiries, self._samples, self._beats = Expiries(), (), {}
        self._groups = GroupIndex()
        self._counters = Counters()
        self._channels = ChannelTable(self, self._counters)
        # Channel, as statistics call it -> how many of its messages expired
        # that the log doesn't know of.
        self._unlogged = {}

    # Sending

    def send(self, channel, message):
        try:
            info = self._channels.known[channel]
        except (KeyError, TypeError):
            info = self._channels.of(channel)
        if type(message) is not dict or RESERVED_KEY in message:
            self.check_message(message)
        message = copy_message(message)
        if self._unlogged:
            self._log_expired()
        with self._lock:
            now = self._clock()
            if now >= self._expiries.next:
                self._expire(now)
            if info.acknowledged is not None:
                info.acknowledged.append(message, now)
                return
            queue = self._queues.get(info.queue, NO_QUEUE)
            if info.process_capacity is None:
                full = len(queue) >= info.capacity
            else:
                pending = self._pending.get(info.channel, 0)
                full = pending >= info.capacity or len(queue) >= info.process_capacity
                if not full:
                    self._pending[info.channel] = pending + 1
            if full:
                info.counts[FULL] += 1
                raise ChannelFull('The channel %s is full: %d messages wait there.' % (
                    info.channel, self._pending.get(info.channel, len(queue)),
                ))
            self._push(info, queue, info.channels, message, now, info.process_capacity is not None)

    def _push(self, info, queue, channels, message, now, pending):
        if queue is NO_QUEUE:
            queue = self._new_queue(info.queue, now)
        queue.append((channels, message, now, pending))
        info.counts[SENT] += 1
        if self._waiters.by_channel:
            self._waiters.wake(info.queue)

    def _new_queue(self, name, now):
        queue = self._queues[name] = collections.deque()
        if name not in self._expiries.names:
            self._expiries.add(name, now + self.expiry)
        return queue

    def requeue(self, messages):
        messages = self.release(messages)
        with self._lock:
            now = self._clock()
            for channel, message in reversed(messages):
                info = self._channels.of(channel)
                queue = self._queues.get(info.queue) or self._new_queue(info.queue, now)
                if info.process_capacity is not None:
                    self._pending[channel] = self._pending.get(channel, 0) + 1
                queue.appendleft((info.channels, message, now, info.process_capacity is not None))
                self._waiters.wake(info.queue)
        return []

    def throttle(self, channel):
        channel = validate_channel_name(channel)
        with self._lock:
            self._pending[channel] = self._pending.get(channel, 0) + self.get_capacity(channel)

    def unthrottle(self, channel):
        channel = validate_channel_name(channel)
        with self._lock:
            pending = self._pending.pop(channel, 0) - self.get_capacity(channel)
            if pending > 0:
                self._pending[channel] = pending

    def count_waiting(self, channel):
        return len(self._queues.get(self._channels.of(channel).queue, NO_QUEUE))

    # Receiving

    def receive(self, channels, block=False):
        entry = self._take(channels, self.receive_timeout if block else 0, self._pop)
        return (entry[IN_CHANNELS][0], entry[IN_MESSAGE]) if entry else (None, None)

    def receive_batch(self, channels, limit, timeout=0):
        return [
            # Each recipient may change its copy.
            (channel, message if len(names) == 1 else plain_copy(message))
            for names, message in self.receive_deliveries(channels, limit, timeout)
            for channel in names
        ]

    def receive_deliveries(self, channels, limit, timeout=0):
        checked_number_of_messages('limit', limit)

        def take(channels):
            taken = []
            while len(taken) < limit:
                entry = self._pop(channels, is_shared=True)
                if entry is None:
                    break
                taken.append(entry[:2])
            return taken
        return self._take(channels, timeout, take) or []

    def _take(self, channels, timeout, take):
        """
        Return what `take(channels)` gives once it gives anything.

        Return something empty after `timeout` seconds, or if interrupted.
        """
        channels = tuple(channels)
        try:
            channels = self._channels.readable[channels]
        except KeyError:
            channels = self._channels.to_read(channels)
        if self._unlogged:
            self._log_expired()
        with self._lock:
            taken = take(channels)
            if taken or not timeout:
                return taken
            waiter = self._waiters.add(channels)
            alarm = self._alarm(channels)
        deadline = monotonic() + timeout
        while True:
            woken = waiter.wait(min(deadline - monotonic(), alarm))
            with self._lock:
                self._waiters.remove(waiter, woken)
                taken = take(channels)
                if taken or waiter.interrupted or monotonic() >= deadline:
                    return taken
                self._waiters.add(channels)
                alarm = self._alarm(channels)

    def _alarm(self, channels):
        """Return in how many seconds something that waits for its time on `channels` is due."""
        return self._next_due(channels) - self._clock() if self._acknowledged_queues else NEVER

    def _pop(self, channels, is_shared=False):
        """
        Return the oldest entry of one of `channels`, or None.

        Unless it is shared, the entry is for the first of its channels alone.
        """
        # Any of them may be first, so that a busy one can't starve the rest.
        if len(channels) > 1:
            start = int(random.random() * len(channels))
            channels = channels[start:] + channels[:start]
        oldest = self._clock() - self.expiry
        for name in channels:
            queue = self._queues.get(name)
            if queue is None:
                if name in self._acknowledged_queues:
                    message = self._take_held(name)
                    if message is not None:
                        return (name,), message, 0, False
                continue
            if queue[0][IN_SENT] <= oldest:
                self._drop_expired(name, queue, oldest)
            if queue:
                entry = recipients, message, sent, is_pending = queue.popleft()
                if is_pending:
                    self._decrement_pending(entry)
                if not is_shared and len(recipients) > 1:
                    # The others' turn is next, before anything sent later.
                    queue.appendleft((recipients[1:], plain_copy(message), sent, is_pending))
                if not queue:
                    del self._queues[name]
                if self.on_received is not None:
                    self.on_received(name, self._clock() - sent)
                return entry
            del self._queues[name]
        return None

    def _decrement_pending(self, entry):
        channel = entry[IN_CHANNELS][0]
        pending = self._pending[channel] - 1
        if pending:
            self._pending[channel] = pending
        else:
            del self._pending[channel]

    def interrupt(self):
        # The handler of a signal may call it while this very thread has the
        # lock, and would wait for itself for ever.
        if self._lock.acquire(False):
            try:
                self._waiters.interrupt()
            finally:
                self._lock.release()
        else:
            helper = threading.Thread(target=self._interrupt, name='interrupt')
            helper.daemon = True
            helper.start()

    def _interrupt(self):
        with self._lock:
            self._waiters.interrupt()

    # Statistics and upkeep

    def global_statistics(self):
        with self._lock:
            self._expire(self._clock())
            return summary(self._counters.totals(), self._queues.values(), self._clock(), self.expiry)

    def channel_statistics(self, channel):
        name = non_local_name(validate_channel_name(channel))
        with self._lock:
            self._expire(self._clock())
            found = summary(self._counters.of(name), [self._queues.get(name, ())], self._clock(), self.expiry)
        return self.with_acknowledged(found, name)

    def flush(self):
        with self._lock:
            self._clear()
