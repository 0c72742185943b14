"""
Histograms of durations: the classes that all metrics have, server and worker.
"""
from __future__ import absolute_import

from bisect import bisect_left, bisect_right

__all__ = ['BUCKETS', 'Histogram', 'UNITS']

#: Upper bounds in seconds of the classes that durations fall into.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: What ends the name of a family of metrics, if it has a unit.
UNITS = ('seconds', 'bytes')


class Histogram(object):
    """How many durations fell into each class: `counts`, and their `total` in seconds."""
    __slots__ = ('counts', 'total')

    def __init__(self):
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds):
        """Count a duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def observe_all(self, durations):
        """Count the list `durations`, which is sorted by that: each takes less than by itself."""
        durations.sort()
        counted = 0
        for index, bound in enumerate(BUCKETS):
            before, counted = counted, bisect_right(durations, bound, counted)
            self.counts[index] += counted - before
            if counted == len(durations):
                break
        self.counts[-1] += len(durations) - counted
        self.total += sum(durations)

    def add(self, other):
        """Add what another Histogram has counted."""
        self.counts = [number + more for number, more in zip(self.counts, other.counts)]
        self.total += other.total

    def as_list(self):
        """Return it as a list that JSON can hold: the counts, and the total at the end."""
        return self.counts + [round(self.total, 6)]
