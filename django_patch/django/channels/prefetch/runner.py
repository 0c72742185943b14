"""
The turn of a worker's loop where the layer can have messages back.
"""
from __future__ import absolute_import

import threading

from ..consumption import HANDLED
from ..in_flight import NothingRecorded
from ..layers.acknowledgement import receipt_of
from ..layers.clock import SYSTEM_CLOCK
from .batch import SLOW_AFTER, Batch
from .coalescer import Coalescer
from .sizer import PrefetchSizer
from .turns import QUICK, Turn
from .watchdog import Watchdog

#: Seconds for which messages gather that come in ones and twos, each batch no
#: more than so many seconds after the one before, and of which nothing comes
#: that somebody waits for: to receive them costs more than to handle them, and
#: a task's worth is not in a few milliseconds.
GATHERING, IN_A_ROW = 0.003, 0.005


class PrefetchRunner(object):
    """
    Receives up to `maximum` messages of `channels` at once and handles them.

    `handle(channel, content)` returns what became of a message, and never
    raises; `is_stopping()` says whether to start no further message;
    `in_flight` records what was received and is not done; `turns` is a lock
    that all threads of the worker have. Call stop() at the end.
    """

    def __init__(self, layer, channels, handle, is_stopping, maximum, clock=SYSTEM_CLOCK, slow_after=SLOW_AFTER,
                 in_flight=None, turns=None):
        self._in_flight = in_flight or NothingRecorded()
        self._turn = Turn(turns or threading.Lock())
        self.batch = Batch(layer, Coalescer(clock), clock, slow_after, self._in_flight, self._turn.pass_on)
        self._layer = layer
        self._sends_with_receive = layer.sends_with_receive
        self._channels = channels
        self._handle = handle
        self._is_stopping = is_stopping
        self._clock = clock
        self._sizer = PrefetchSizer(maximum)
        self._watchdog = Watchdog(self.batch, clock)
        # What the last batch has left to the next receiving, or None.
        self._deferred = None
        # The channel of the last message, and how many waited there by then,
        # if the layer has told.
        self._channel = self._waiting = None
        # When the last batch came; whether more may gather before the next.
        self._began, self._gathers = float('-inf'), False
        # Whether the last batch is done, and nothing was sent meanwhile.
        self._was_quiet = False

    def stop(self):
        """Send and acknowledge what is done, and end the thread that watches."""
        self._watchdog.stop()
        self._turn.pass_on()
        self._end_deferred()

    def run_once(self):
        """
        Wait for messages and handle them.

        Return what became of the last, or None if there was none. Raise what
        the layer raises.
        """
        limit = self._sizer.limit
        if limit >= QUICK:
            self._turn.take(self._end_deferred)
        else:
            self._turn.pass_on()
        try:
            # It may have waited for the turn for long.
            return None if self._is_stopping() else self._receive_and_handle(limit)
        except BaseException:
            # It is about to pause.
            self._turn.pass_on()
            raise

    def _end_deferred(self):
        """Send and acknowledge what the last batch has left to the next receiving."""
        deferred, self._deferred = self._deferred, None
        if deferred is not None:
            deferred.carry_out()

    def _receive_and_handle(self, limit):
        deferred, self._deferred = self._deferred, None
        if self._gathers and (self._was_quiet if deferred is None else deferred.may_wait):
            self._clock.sleep(GATHERING)
        asked, self._waiting = self._clock.monotonic(), None
        if deferred is not None:
            counted = self._channel if self._sizer.wants_to_know else None
            received = deferred.receive(self._channels, limit, counted, self._note_waiting)
        elif limit == 1:
            channel, content = self._layer.receive(self._channels, block=True)
            received = [(channel, content)] if channel is not None else ()
        else:
            received = self._layer.receive_batch(self._channels, limit, self._layer.receive_timeout)
        if not received:
            return None
        self._channel = received[-1][0]
        before, self._began = self._began, self._clock.monotonic()
        self._gathers = 2 * len(received) <= limit and self._began - before < IN_A_ROW
        if len(received) == 1 and not self._sends_with_receive and receipt_of(received[0][1]) is None:
            # As a batch it would save nothing. Nobody watches it.
            self._turn.pass_on()
            self._was_quiet = False
            outcome, ended = self._handle_one(*received[0]), self._clock.monotonic()
        else:
            outcome, ended = self.handle_batch(received)
        self._sizer.record(len(received), ended - self._began, self._began - asked, self._waiting)
        return outcome

    def _note_waiting(self, number):
        self._waiting = number

    def _handle_one(self, channel, content):
        slot = self._in_flight.add(channel, content)
        try:
            return self._handle(channel, content)
        finally:
            self._in_flight.remove(slot)

    def handle_batch(self, received):
        """
        Handle `received`, a list of (channel, content).

        Return what became of the last one handled, and when that was, by the
        clock. The round trip that sends and acknowledges together comes behind
        it: a larger batch doesn't need more of them, and counting it would
        keep batches at one message wherever many threads want the server.
        """
        batch = self.batch
        outcome, has_returned, is_quiet = None, False, True
        batch.begin(received)
        self._watchdog.wake()
        try:
            while True:
                if not has_returned and self._is_stopping():
                    has_returned = True
                    batch.return_unstarted()
                message = batch.next()
                if message is None:
                    return outcome, self._clock.monotonic()
                outcome = self._handle(*message)
                # What is async has only begun.
                is_quiet = is_quiet and outcome == HANDLED
        finally:
            # Elsewhere, receiving costs too little.
            self._was_quiet = is_quiet and self._sends_with_receive and not batch.has_sent
            self._deferred = batch.end(may_end_later=not has_returned)
