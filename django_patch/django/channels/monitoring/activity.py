"""
The activity of a process: what its threads and tasks do, and how long it took.
"""
from __future__ import absolute_import, division

import threading

from ..consumption import HANDLED
from ..histograms import Histogram
from ..layers.clock import SYSTEM_CLOCK
from ..names import statistics_name

#: Channels that are counted by name; the others come together as OTHER.
MAX_CHANNELS = 200
OTHER = 'other'
#: Messages in progress that are named, the longest first.
MAX_SHOWN = 20
#: How many messages of a channel are counted together.
AT_ONCE = 128


class Durations(object):
    """
    What is known of the messages of one channel.

    `latest_waited` and `latest_handled` are lists of durations that count()
    has yet to count.
    """
    __slots__ = ('outcomes', 'waited', 'handled', 'others', 'latest_waited', 'latest_handled')

    def __init__(self):
        #: From its sending to its receiving, where the layer reports that.
        self.waited = Histogram()
        #: From the consumer's beginning to its end, of those HANDLED.
        self.handled = Histogram()
        #: ... and of those that came to anything else, which `outcomes`
        #: counts.
        self.others = Histogram()
        self.outcomes = {}
        self.latest_waited, self.latest_handled = [], []

    def otherwise(self, outcome, seconds):
        """Count a message that came to `outcome`, which is not HANDLED."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.others.observe(seconds)

    @property
    def has_many(self):
        """Whether there are enough to count that it is worth it."""
        return len(self.latest_waited) >= AT_ONCE or len(self.latest_handled) >= AT_ONCE

    def count(self):
        """Count the latest."""
        for histogram, latest in ((self.waited, self.latest_waited), (self.handled, self.latest_handled)):
            # Other threads go on to append.
            durations = latest[:]
            histogram.observe_all(durations)
            del latest[:len(durations)]

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

    `in_progress` is the worker's InProgress, `clock` a Clock. Nearly all
    messages take a step that is none or one for other threads: a duration is
    put into a list. The lists are counted now and then, under a lock, which
    takes less than to count each by itself.
    """

    def __init__(self, in_progress, clock=SYSTEM_CLOCK):
        self._in_progress = in_progress
        self._now = clock.monotonic
        # Name -> Durations.
        self._channels = {}
        # Held while anything is counted. It isn't taken while a consumer runs,
        # which may fork, or be interrupted.
        self._lock = threading.Lock()

    def end(self, task, outcome):
        """Take note that `task`, a Consumption, came to `outcome`, a text."""
        seconds = self._now() - task.since
        try:
            durations = self._channels[task.channel]
        except KeyError:
            durations = self._of(task.channel)
        if outcome != HANDLED:
            with self._lock:
                durations.otherwise(outcome, seconds)
                if durations.has_many:
                    # Where each message fails, none below would count them.
                    durations.count()
            return
        latest = durations.latest_handled
        latest.append(seconds)
        if len(latest) >= AT_ONCE:
            with self._lock:
                for durations in list(self._channels.values()):
                    if durations.has_many:
                        durations.count()

    def waited(self, channel, seconds):
        """Take note that a message has been received from `channel`, where it waited `seconds`."""
        try:
            durations = self._channels[channel]
        except KeyError:
            durations = self._of(channel)
        durations.latest_waited.append(seconds)

    def _of(self, channel):
        name = _listed(statistics_name(channel), self._channels)
        found = self._channels.get(name)
        # In one step: another thread may do the same.
        return self._channels.setdefault(name, Durations()) if found is None else found

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
        with self._lock:
            channels = list(self._channels.items())
            for name, durations in channels:
                durations.count()
            numbers = {name: durations.numbers() for name, durations in channels}
        return dict(sorted(numbers.items(), key=lambda item: -sum(item[1]['handled'][:-1]))[:limit])


def _listed(name, channels):
    """Return `name`, or OTHER if there are too many in `channels` for one more."""
    is_there = name in channels or name == OTHER
    return name if is_there or len(channels) - (OTHER in channels) < MAX_CHANNELS else OTHER
