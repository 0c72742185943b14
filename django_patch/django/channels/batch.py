"""
What a worker takes at once, and what it says at once.

While messages wait in line, each that is taken alone costs a round trip more
than it needs, and so does each reply. So a worker takes several, as many as it
handles within a few milliseconds, and what their consumers send goes together.
None of that may hold anybody up: when a consumer takes its time after all, the
messages behind it go back to the head of their channels, for other workers,
and what the consumers before it have sent goes out.
"""
from __future__ import absolute_import

import collections
import itertools
import logging
import threading
import time

from . import outbox
from .compat.clock import monotonic
from .conf import conf
from .exceptions import LayerUnavailable

logger = logging.getLogger('django.channels')

#: Seconds within which the messages of a batch should be handled.
BUDGET = 0.004
#: Seconds that a consumer may run before others stop waiting for it.
PATIENCE = 0.01
#: Seconds between two looks whether one does.
INTERVAL = 0.005


class Pace(object):
    """
    How many messages to take at once: those that are handled within BUDGET.

    `most` is the limit. It begins with one, slows down at once and speeds
    up by and by.
    """

    def __init__(self, most):
        self.limit = 1
        self._most = most
        self._seconds = None

    def note(self, number, seconds):
        """Take note that `number` messages took `seconds` together."""
        each = max(seconds / number, 1e-6)
        if self._seconds is None or each > self._seconds:
            self._seconds = each
        else:
            self._seconds += (each - self._seconds) / 8
        self.limit = max(1, min(self._most, int(BUDGET / self._seconds)))


class Batch(object):
    """
    Messages that one loop took from `layer`, and the sends of those handled.

    The loop goes through it with next(); a Keeper may break it up from
    another thread.
    """

    def __init__(self, layer):
        self._layer = layer
        # Holds the fields together; nothing waits while it is held.
        self._lock = threading.Lock()
        # Held while messages go back, some of which may have to be kept.
        self._returning = threading.Lock()
        # Held while sends go out, so that they keep their order. Whoever logs
        # to a channel may send something meanwhile.
        self._delivery = threading.RLock()
        self._waiting = collections.deque()
        self._sends = []
        # When the consumer that runs was begun, by monotonic(), and whether
        # it is too late to wait for it.
        self._began = None
        self._is_broken_up = False

    @property
    def is_in_hand(self):
        """Whether the loop is at it."""
        return self._began is not None

    def begin(self, messages):
        """Take on `messages`, a list of (channel, content)."""
        with self._lock:
            self._waiting.extend(messages)
            self._began = monotonic()
        outbox.gather(self)

    def next(self):
        """Return the next (channel, content), or None."""
        message = self._take_next()
        if message is None:
            # The Keeper may be about to find that it can't give them back.
            with self._returning:
                message = self._take_next()
        return message

    def _take_next(self):
        with self._lock:
            if not self._waiting:
                return None
            self._began, self._is_broken_up = monotonic(), False
            return self._waiting.popleft()

    def end(self):
        """Give back what wasn't begun, and send what is left to send."""
        outbox.gather(None)
        self._began = None
        self.give_back()
        self.deliver()
        if self._waiting:
            # The loop was broken off, by Ctrl-C for example.
            logger.error('%d messages that were not begun are lost.', len(self._waiting))
            self._waiting.clear()

    def break_up(self, now):
        """If the consumer that runs takes its time, have nobody wait for it."""
        began = self._began
        if began is not None and now - began > PATIENCE:
            if not self._is_broken_up:
                # Once only: what is kept is kept for good.
                self._is_broken_up = True
                self.give_back()
            if self._sends:
                self.deliver()

    def give_back(self):
        """
        Put what wasn't begun back at the head of its channels.

        What the layer doesn't take stays here, to be handled.
        """
        with self._returning:
            with self._lock:
                waiting, self._waiting = self._waiting, collections.deque()
            if not waiting:
                return
            try:
                kept = self._layer.give_back(list(waiting))
            except Exception:
                logger.exception('%d messages may be lost, which other workers were to have.', len(waiting))
                return
            with self._lock:
                self._waiting.extend(kept)

    # What consumers send; see outbox.gather()

    def add(self, sends):
        """Have `sends` of a consumer that is done go out with others."""
        with self._lock:
            self._sends.extend(sends)

    def deliver(self):
        """Send what there is by now. Errors are logged: their consumers are done."""
        with self._delivery:
            with self._lock:
                sends, self._sends = self._sends, []
            if sends:
                Delivery().carry_out(sends)


class Delivery(object):
    """Carries out sends of an outbox, all of which wait for room at the same time."""

    def __init__(self):
        self._began = monotonic()
        # Layers that have turned out to be away.
        self._gone = set()

    def carry_out(self, sends):
        """Send them in their order, what goes together in one call."""
        for (layer, method), run in itertools.groupby(sends, lambda send: send[:2]):
            run = list(run)
            if method == 'send' and len(run) > 1 and getattr(layer, 'sends_many_at_once', False):
                run = self._together(layer, run)
            for send in run:
                if layer not in self._gone:
                    self._alone(*send)
                else:
                    logger.error('A message to %s could not be sent either.', send[2])

    def _alone(self, layer, method, name, content, timeout):
        if timeout is None:
            timeout = conf.send_timeout
        try:
            outbox.deliver(layer, method, name, content, max(0, timeout - (monotonic() - self._began)))
        except Exception as error:
            logger.exception('A message to %s could not be sent.', name)
            if isinstance(error, LayerUnavailable):
                self._gone.add(layer)

    def _together(self, layer, sends):
        """Send all that fits in; return the rest, each of which may need its time."""
        late = []
        while sends:
            pairs = [(name, content) for layer, method, name, content, timeout in sends]
            by_pair = {id(pair): send for pair, send in zip(pairs, sends)}
            try:
                refused = layer.send_many(pairs)
            except LayerUnavailable as error:
                logger.error('%d messages may be lost: %s', len(pairs) - len(error.refused), error)
                return late + [by_pair[id(pair)] for pair in error.refused]
            except Exception:
                # One can't be sent at all, and so none was. Each for itself.
                return late + sends
            sends = [by_pair[id(pair)] for pair in refused]
            if sends:
                # The first was tried and is full; those behind it in the
                # queue, for other clients of its process, were not.
                full = sends[0][2]
                late += [send for send in sends if send[2] == full]
                sends = [send for send in sends if send[2] != full]
        return late


class Keeper(object):
    """Breaks a batch up when its consumer takes its time, in a thread of its own."""

    def __init__(self, batch):
        self._batch = batch
        self._busy = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name='worker-keeper')
        self._thread.daemon = True
        self._thread.start()

    def wake(self):
        """Begin to look: the batch is in hand."""
        if not self._busy.is_set():
            self._busy.set()

    def stop(self):
        """End the thread."""
        self._is_stopped = True
        self._busy.set()
        self._thread.join()

    def _run(self):
        while True:
            self._busy.wait()
            if self._is_stopped:
                return
            time.sleep(INTERVAL)
            try:
                self._batch.break_up(monotonic())
            except Exception:
                logger.exception('Looking after the messages in hand failed.')
            if not self._is_stopped:
                self._busy.clear()
                # It may have been taken in hand between the look and this.
                if self._batch.is_in_hand or self._is_stopped:
                    self._busy.set()
