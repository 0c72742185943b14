"""
Expiries of queues in the in-memory layer: which is due first.

There is one entry a queue, so that nothing scans queues or messages.
"""
from __future__ import absolute_import

import heapq

#: A time that doesn't come.
NEVER = float('inf')


class Expiries(object):
    """Names of queues, by the time in seconds at which one is due."""

    def __init__(self):
        self._heap = []
        self._names = set()
        #: When the first is due.
        self.next = NEVER

    def add(self, name, when):
        """Have `name` be due at the time `when`, unless it is due anyway."""
        if name not in self._names:
            self._names.add(name)
            heapq.heappush(self._heap, (when, name))
            self.next = self._heap[0][0]

    def pop(self):
        """Return the name that is due first, and forget it."""
        name = heapq.heappop(self._heap)[1]
        self._names.discard(name)
        self.next = self._heap[0][0] if self._heap else NEVER
        return name
