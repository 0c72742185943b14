"""
Expiries of queues in the in-memory layer: which is due first.

There is one entry a queue, so that nothing scans queues or messages.
"""
from __future__ import absolute_import

import heapq

from ...names import statistics_name
from .queues import IN_CHANNELS, IN_PENDING, IN_SENT
from .statistics import EXPIRED

#: A time that doesn't come.
NEVER = float('inf')


class Expiries(object):
    """Names of queues, by the time in seconds at which one is due."""

    def __init__(self):
        self._heap = []
        #: All of them; most queues are new while they are among these.
        self.names = set()
        #: When the first is due.
        self.next = NEVER

    def add(self, name, when):
        """Have `name` be due at the time `when`, unless it is due anyway."""
        if name not in self.names:
            self.names.add(name)
            heapq.heappush(self._heap, (when, name))
            self.next = self._heap[0][0]

    def pop(self):
        """Return the name that is due first, and forget it."""
        name = heapq.heappop(self._heap)[1]
        self.names.discard(name)
        self.next = self._heap[0][0] if self._heap else NEVER
        return name


class MemoryExpiryMixin(object):
    """The part of InMemoryChannelLayer that drops what has waited for too long, counts it and logs it."""

    def _expire(self, now):
        while now >= self._expiries.next:
            name = self._expiries.pop()
            queue = self._queues.get(name)
            if queue is None:
                continue
            self._drop_expired(name, queue, now - self.expiry)
            if queue:
                self._expiries.add(name, queue[0][IN_SENT] + self.expiry)
            else:
                del self._queues[name]

    def _drop_expired(self, name, queue, oldest):
        statistics = statistics_name(name)
        while queue and queue[0][IN_SENT] <= oldest:
            entry = queue.popleft()
            self._counters.at(name)[EXPIRED] += 1
            self._unlogged[statistics] = self._unlogged.get(statistics, 0) + 1
            if entry[IN_PENDING]:
                self._decrement_pending(entry)
            if name.endswith('!'):
                # Nobody read it, so nobody is there.
                for channel in entry[IN_CHANNELS]:
                    self._groups.discard_everywhere(channel)

    def _log_expired(self):
        # Without the lock: who writes the log may send to this very layer.
        with self._lock:
            unlogged, self._unlogged = self._unlogged, {}
        for name, number in sorted(unlogged.items()):
            self._drop_log.expired(name, number, self.expiry)
