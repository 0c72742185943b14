"""
A batch: the messages that one thread of a worker received together.

Each message is in one of these states, and goes from one to the next as the
table says:

=========== ==================== ===========================================
state       where it is          goes on to
=========== ==================== ===========================================
UNSTARTED   `_unstarted`         RUNNING by next(); RETURNING by
                                 return_unstarted()
RUNNING     the caller of next() done, whatever becomes of it: the batch has
                                 no part in that
RETURNING   the layer's requeue  RETURNED if the layer took it; UNSTARTED if
                                 it did not; lost if it failed, with an error
                                 in the log
RETURNED    its channel          received again, by any worker
=========== ==================== ===========================================

Rule 1: a message is in one place only. It changes its place while `_lock` is
held, and nothing waits or calls out while that is held.

Rule 2: next() says that there is nothing left only when nothing is RETURNING,
since what the layer doesn't take back is UNSTARTED again. `_returning` is held
as long as a message is in that state.

Rule 3: the locks are taken in the order `_returning`, `_lock`. The coalescer's
are taken while neither is held.

Two threads come here: the worker's, with begin(), next() and end(), and the
Watchdog's, with yield_if_slow(). return_unstarted() may be called by either.
"""
from __future__ import absolute_import

import collections
import functools
import logging
import threading

from ..in_flight import NothingRecorded
from ..layers.clock import SYSTEM_CLOCK
from .coalescer import END, active_coalescer
from .deferred import DeferredEndings, DeferredSends

logger = logging.getLogger('django.channels')

#: Seconds that a consumer may run before others stop waiting for it.
SLOW_AFTER = 0.01


class Batch(object):
    """
    Messages received from `layer`; the sends of those done go to `coalescer`.

    `slow_after` is in seconds. Its messages are in `in_flight`, a record of
    InFlight, until their replies have left. `on_slow()` is called once a
    message has run for longer than that, maybe several times.
    """

    def __init__(self, layer, coalescer, clock=SYSTEM_CLOCK, slow_after=SLOW_AFTER, in_flight=None, on_slow=None):
        self.slow_after = slow_after
        self._on_slow = on_slow or (lambda: None)
        self._in_flight = in_flight or NothingRecorded()
        # The id() of a content -> its slot in there.
        self._slots = {}
        self._layer = layer
        self._coalescer = coalescer
        self._monotonic = clock.monotonic
        self._lock = threading.Lock()
        self._returning = threading.Lock()
        self._unstarted = collections.deque()
        # When the message that runs was started; None while no batch runs.
        self._started_at = None
        # Whether what is behind the message that runs was returned already.
        self._has_yielded = False
        #: How often begin() was called.
        self.number = 0

    @property
    def is_running(self):
        """Whether the worker's thread is between begin() and end()."""
        return self._started_at is not None

    @property
    def has_sent(self):
        """Whether a consumer has sent anything since begin()."""
        return self._coalescer.is_used

    def begin(self, messages):
        """Take on `messages`, a list of (channel, content)."""
        self._slots = dict(zip(
            [id(content) for channel, content in messages], self._in_flight.add_all(messages)
        ))
        with self._lock:
            self._unstarted.extend(messages)
            self._started_at = self._monotonic()
        self.number += 1
        self._coalescer.is_used = False
        active_coalescer.set(self._coalescer)

    def next(self):
        """Return the next (channel, content), which runs from now on, or None."""
        with self._lock:
            if self._unstarted:
                self._started_at, self._has_yielded = self._monotonic(), False
                return self._unstarted.popleft()
        # Those that are being returned may come back: rule 2.
        with self._returning, self._lock:
            if not self._unstarted:
                return None
            self._started_at, self._has_yielded = self._monotonic(), False
            return self._unstarted.popleft()

    def end(self, may_end_later=False):
        """
        Return what is unstarted, and send what consumers have left to send.

        With `may_end_later`, that is left to the caller where the layer can
        do it while it receives: return DeferredSends or DeferredEndings, or
        None.
        """
        active_coalescer.set(None)
        self._started_at = None
        self.return_unstarted()
        slots, self._slots = self._slots, {}
        deferred = self._defer(slots) if may_end_later and self._coalescer.has_sends else None
        if deferred is None:
            self._coalescer.deliver()
            self._in_flight.remove_all(slots.values())
        if self._unstarted:
            # The loop was broken off, by Ctrl-C for example.
            logger.error('%d messages that were not started are lost.', len(self._unstarted))
            self._unstarted.clear()
        return deferred

    def _defer(self, slots):
        if self._layer.sends_with_receive:
            sends = self._coalescer.take(self._layer, 'send')
            if sends:
                on_done = functools.partial(self._in_flight.remove_all, slots.values())
                return DeferredSends(self._layer, self._coalescer, sends, on_done)
        if self._layer.acknowledges_with_receive:
            endings = self._coalescer.take(self._layer, END)
            if endings:
                self._in_flight.remove_all(slots.values())
                return DeferredEndings(self._layer, [send[3] for send in endings])
        return None

    def seconds_until_slow(self):
        """Return in how many seconds the message that runs, or one that begins now, is slow; 0 if it is."""
        started_at = self._started_at
        return self.slow_after if started_at is None else max(0, started_at + self.slow_after - self._monotonic())

    def yield_if_slow(self):
        """If the message that runs is slow, let nobody wait for it."""
        started_at = self._started_at
        if started_at is not None and self._monotonic() - started_at > self.slow_after:
            self._on_slow()
            if not self._has_yielded:
                # Once only: what the layer doesn't take back stays here.
                self._has_yielded = True
                self.return_unstarted()
            if self._coalescer.has_sends:
                self._coalescer.deliver()

    def return_unstarted(self):
        """
        Return unstarted messages to the head of their channels.

        What the layer doesn't take stays here, to be handled.
        """
        with self._returning:
            with self._lock:
                messages, self._unstarted = self._unstarted, collections.deque()
            if not messages:
                return
            try:
                kept = self._layer.requeue(list(messages))
            except Exception:
                logger.exception('%d messages may be lost, which other workers were to have.', len(messages))
                return
            with self._lock:
                self._unstarted.extend(kept)
            # They are others' now.
            kept = {id(content) for channel, content in kept}
            for channel, content in messages:
                if id(content) not in kept:
                    self._in_flight.remove(self._slots.pop(id(content), None))
