"""
The activity of a process: what its threads and tasks do, and how long it took.
"""
from __future__ import absolute_import, division

import bisect
import threading

from ..layers.clock import SYSTEM_CLOCK
from ..names import statistics_name

#: Upper bounds in seconds of the classes that durations fall into.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: Channels that are counted by name; the others come together as OTHER.
MAX_CHANNELS = 200
OTHER = 'other'
#: Messages in progress that are named, the longest first.
MAX_SHOWN = 20


class Histogram(object):
    """How many durations fell into each class: `counts`, and their `total` in seconds."""
    __slots__ = ('counts', 'total')

    def __init__(self):
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds):
        """Count a duration."""
        self.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def as_list(self):
        """Return it as a list that JSON can hold: the counts, and the total at the end."""
        return self.counts + [round(self.total, 6)]


class Durations(object):
    """What is known of the messages of one channel."""
    __slots__ = ('outcomes', 'waited', 'handled')

    def __init__(self):
        self.outcomes = {}
        #: From its sending to its receiving, where the layer reports that.
        self.waited = Histogram()
        #: From the consumer's beginning to its end.
        self.handled = Histogram()


class Activity(object):
    """
    What a worker's dispatcher reports of each message; threads share it.

    `clock` is a Clock. Each message costs two reads of it and two locks.
    """

    def __init__(self, clock=SYSTEM_CLOCK):
        self._clock = clock
        # Counting isn't atomic, and lost counts would be wrong for ever.
        self._lock = threading.Lock()
        self._running = {}
        self._channels = {}

    def begin(self, task):
        """Take note that `task`, a Consumption, has begun in this thread."""
        task.started = self._clock.monotonic()
        task.thread = threading.current_thread().name
        self._running[id(task)] = task

    def end(self, task, outcome):
        """Take note that `task` has come to `outcome`, a text."""
        self._running.pop(id(task), None)
        seconds = self._clock.monotonic() - task.started
        with self._lock:
            durations = self._of(task.channel)
            durations.outcomes[outcome] = durations.outcomes.get(outcome, 0) + 1
            durations.handled.observe(seconds)

    def waited(self, channel, seconds):
        """Take note that a message has been received from `channel`, where it waited `seconds`."""
        with self._lock:
            self._of(channel).waited.observe(seconds)

    def _of(self, channel):
        try:
            return self._channels[channel]
        except KeyError:
            pass
        name = statistics_name(channel)
        if name not in self._channels:
            if len(self._channels) >= MAX_CHANNELS:
                name = OTHER
            self._channels.setdefault(name, Durations())
        return self._channels[name]

    def running(self):
        """
        Return (how many messages are being handled, a list of dicts).

        The dicts describe the longest running: `channel`, `consumer` (a dotted
        name), `thread` (its name) and `seconds`.
        """
        now = self._clock.monotonic()
        # A copy in one step: other threads go on.
        tasks = sorted(list(self._running.values()), key=lambda task: task.started)
        return len(tasks), [
            {'channel': task.channel, 'consumer': task.consumer_name, 'thread': task.thread,
             'seconds': round(max(0.0, now - task.started), 3)}
            for task in tasks[:MAX_SHOWN]
        ]

    def numbers(self, limit=None):
        """
        Return {channel: {'outcomes': dict, 'waited': list, 'handled': list}}.

        The lists are those of Histogram.as_list(); outcomes are counted by
        their name. Of the `limit` busiest channels, if that isn't None.
        """
        with self._lock:
            chosen = sorted(self._channels.items(), key=lambda item: -sum(item[1].handled.counts))[:limit]
            return {
                name: {
                    'outcomes': dict(durations.outcomes), 'waited': durations.waited.as_list(),
                    'handled': durations.handled.as_list(),
                }
                for name, durations in chosen
            }
