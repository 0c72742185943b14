"""
The activity of a process: what its threads and tasks do, and how long it took.
"""
from __future__ import absolute_import, division

import threading
from bisect import bisect_left

from ..compat import six
from ..consumption import HANDLED
from ..histograms import BUCKETS, Histogram
from ..layers.clock import SYSTEM_CLOCK
from ..names import statistics_name

get_ident = six.moves._thread.get_ident

#: The least of BUCKETS, which nearly all durations are below.
LEAST = BUCKETS[0]
#: Channels that are counted by name; the others come together as OTHER.
MAX_CHANNELS = 200
OTHER = 'other'
#: Messages in progress that are named, the longest first.
MAX_SHOWN = 20


class Durations(object):
    """What is known of the messages of one channel."""
    __slots__ = ('outcomes', 'waited', 'handled', 'others')

    def __init__(self):
        #: From its sending to its receiving, where the layer reports that.
        self.waited = Histogram()
        #: From the consumer's beginning to its end, of those HANDLED.
        self.handled = Histogram()
        #: ... and of those that came to anything else, which `outcomes`
        #: counts.
        self.others = Histogram()
        self.outcomes = {}

    def otherwise(self, outcome):
        """Count a message that came to `outcome`, which is not HANDLED; return the Histogram of those."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        return self.others

    def add(self, other):
        """Add what another Durations has counted."""
        for outcome, number in list(other.outcomes.items()):
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + number
        self.waited.add(other.waited)
        self.handled.add(other.handled)
        self.others.add(other.others)

    def numbers(self):
        """Return {'outcomes': dict, 'waited': list, 'handled': list}, the last of all outcomes."""
        outcomes, handled, whole = dict(self.outcomes), sum(self.handled.counts), Histogram()
        if handled:
            outcomes[HANDLED] = handled
        whole.add(self.handled)
        whole.add(self.others)
        return {'outcomes': outcomes, 'waited': self.waited.as_list(), 'handled': whole.as_list()}


class Activity(object):
    """
    What becomes of each message of a worker, and when; threads share it.

    `in_progress` is the worker's InProgress, `clock` a Clock. What most
    messages come to takes few steps, and no lock: each thread counts for
    itself, and who asks adds up.
    """

    def __init__(self, in_progress, clock=SYSTEM_CLOCK):
        self._in_progress = in_progress
        self._now = clock.monotonic
        # Thread identifier -> {channel: Durations}: one that ends leaves its
        # to the next that has its number.
        self._of_threads = {}

    def end(self, task, outcome, thread):
        """Take note that `task`, a Consumption, came to `outcome`, a text, in the calling thread, number `thread`."""
        seconds = self._now() - task.since
        try:
            durations = self._of_threads[thread][task.channel]
        except KeyError:
            durations = self._of(task.channel, thread)
        histogram = durations.handled if outcome == HANDLED else durations.otherwise(outcome)
        # As Histogram.observe() does: each call of Python's would cost more.
        histogram.counts[0 if seconds <= LEAST else bisect_left(BUCKETS, seconds)] += 1
        histogram.total += seconds

    def waited(self, channel, seconds):
        """Take note that a message has been received from `channel`, where it waited `seconds`."""
        try:
            histogram = self._of_threads[get_ident()][channel].waited
        except KeyError:
            histogram = self._of(channel, get_ident()).waited
        # As in end().
        histogram.counts[0 if seconds <= LEAST else bisect_left(BUCKETS, seconds)] += 1
        histogram.total += seconds

    def _of(self, channel, thread):
        channels = self._of_threads.setdefault(thread, {})
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
        tasks = sorted(self._in_progress.all(), key=lambda pair: pair[1].since)
        return len(tasks), [
            {'channel': task.channel, 'consumer': task.consumer_name,
             'thread': names.get(ident, '%d' % ident), 'seconds': round(max(0.0, now - task.since), 3)}
            for ident, task in tasks[:MAX_SHOWN]
        ]

    def numbers(self, limit=None):
        """
        Return {channel: {'outcomes': dict, 'waited': list, 'handled': list}}.

        The lists are those of Histogram.as_list(); outcomes are counted by
        their name. Of the `limit` busiest channels, if that isn't None.
        """
        channels = {}
        for of_thread in list(self._of_threads.values()):
            for name, durations in list(of_thread.items()):
                channels.setdefault(_listed(name, channels), Durations()).add(durations)
        numbers = {name: durations.numbers() for name, durations in channels.items()}
        return dict(sorted(numbers.items(), key=lambda item: -sum(item[1]['handled'][:-1]))[:limit])


def _listed(name, channels):
    """Return `name`, or OTHER if there are too many in `channels` for one more."""
    is_there = name in channels or name == OTHER
    return name if is_there or len(channels) - (OTHER in channels) < MAX_CHANNELS else OTHER
