"""
The activity of a process: what its threads and tasks do, and how long it took.
"""
from __future__ import absolute_import, division

import threading
from bisect import bisect_left

from ..compat import six
from ..histograms import BUCKETS, Histogram
from ..layers.clock import SYSTEM_CLOCK
from ..names import statistics_name

get_ident = six.moves._thread.get_ident

#: Channels that are counted by name; the others come together as OTHER.
MAX_CHANNELS = 200
OTHER = 'other'
#: Messages in progress that are named, the longest first.
MAX_SHOWN = 20


class Durations(object):
    """What is known of the messages of one channel."""
    __slots__ = ('outcomes', 'waited', 'handled')

    def __init__(self):
        self.outcomes = {}
        #: From its sending to its receiving, where the layer reports that.
        self.waited = Histogram()
        #: From the consumer's beginning to its end.
        self.handled = Histogram()

    def add(self, other):
        """Add what another Durations has counted."""
        for outcome, number in list(other.outcomes.items()):
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + number
        self.waited.add(other.waited)
        self.handled.add(other.handled)


class _OfThread(threading.local):
    """The Durations that a thread counts, by channel: nobody else changes them."""

    def __init__(self, of_all):
        super(_OfThread, self).__init__()
        self.channels = {}
        of_all.append(self.channels)


class Activity(object):
    """
    What a worker's dispatcher reports of each message; threads share it.

    `clock` is a Clock. Each message costs two reads of it and no lock: each
    thread counts for itself, and who asks adds up.
    """

    def __init__(self, clock=SYSTEM_CLOCK):
        self._now = clock.monotonic
        self._running = {}
        # The channels of all threads, of those that have ended as well.
        self._of_all = []
        self._own = _OfThread(self._of_all)

    def begin(self, task):
        """Take note that `task`, a Consumption, has begun in this thread."""
        task.started = self._now()
        task.thread = get_ident()
        self._running[id(task)] = task

    def end(self, task, outcome):
        """Take note that `task` has come to `outcome`, a text."""
        self._running.pop(id(task), None)
        # As in waited().
        durations = self._own.channels.get(task.channel) or self._of(task.channel)
        durations.outcomes[outcome] = durations.outcomes.get(outcome, 0) + 1
        seconds, histogram = self._now() - task.started, durations.handled
        histogram.counts[bisect_left(BUCKETS, seconds)] += 1
        histogram.total += seconds

    def waited(self, channel, seconds):
        """Take note that a message has been received from `channel`, where it waited `seconds`."""
        # As Histogram.observe() does: each call of Python's would cost more.
        histogram = (self._own.channels.get(channel) or self._of(channel)).waited
        histogram.counts[bisect_left(BUCKETS, seconds)] += 1
        histogram.total += seconds

    def _of(self, channel):
        channels = self._own.channels
        durations = channels.get(channel)
        if durations is None:
            name = _listed(statistics_name(channel), channels)
            durations = channels.get(name)
            if durations is None:
                durations = channels[name] = Durations()
        return durations

    def running(self):
        """
        Return (how many messages are being handled, a list of dicts).

        The dicts describe the longest running: `channel`, `consumer` (a dotted
        name), `thread` (its name) and `seconds`.
        """
        now, names = self._now(), {thread.ident: thread.name for thread in threading.enumerate()}
        # A copy in one step: other threads go on.
        tasks = sorted(list(self._running.values()), key=lambda task: task.started)
        return len(tasks), [
            {'channel': task.channel, 'consumer': task.consumer_name,
             'thread': names.get(task.thread, '%d' % task.thread), 'seconds': round(max(0.0, now - task.started), 3)}
            for task in tasks[:MAX_SHOWN]
        ]

    def numbers(self, limit=None):
        """
        Return {channel: {'outcomes': dict, 'waited': list, 'handled': list}}.

        The lists are those of Histogram.as_list(); outcomes are counted by
        their name. Of the `limit` busiest channels, if that isn't None.
        """
        channels = {}
        for of_thread in list(self._of_all):
            for name, durations in list(of_thread.items()):
                channels.setdefault(_listed(name, channels), Durations()).add(durations)
        chosen = sorted(channels.items(), key=lambda item: -sum(item[1].handled.counts))[:limit]
        return {
            name: {
                'outcomes': durations.outcomes, 'waited': durations.waited.as_list(),
                'handled': durations.handled.as_list(),
            }
            for name, durations in chosen
        }


def _listed(name, channels):
    """Return `name`, or OTHER if there are too many in `channels` for one more."""
    is_there = name in channels or name == OTHER
    return name if is_there or len(channels) - (OTHER in channels) < MAX_CHANNELS else OTHER
