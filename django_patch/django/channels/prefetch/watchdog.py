"""
The watch over consumers that run while others wait behind them.
"""
from __future__ import absolute_import

import logging
import threading

from ..layers.clock import SYSTEM_CLOCK

logger = logging.getLogger('django.channels')

#: Seconds between two looks at the batch, at most.
INTERVAL = 0.01


class Watchdog(object):
    """
    Calls `batch.yield_if_slow()` when a message may have become slow.

    It has a thread, which sleeps on an event once no batch has begun between
    two looks: to wake it for each batch would take longer than most messages.
    """

    def __init__(self, batch, clock=SYSTEM_CLOCK):
        self._batch = batch
        self._clock = clock
        self._busy = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name='worker-watchdog')
        self._thread.daemon = True
        self._thread.start()

    def wake(self):
        """Begin to look, since the batch has begun."""
        if not self._busy.is_set():
            self._busy.set()

    def stop(self):
        """End the thread."""
        self._is_stopped = True
        self._busy.set()
        self._thread.join()

    def _run(self):
        batch, seen = self._batch, None
        while True:
            self._busy.wait()
            if self._is_stopped:
                return
            self._clock.sleep(min(batch.seconds_until_slow() or INTERVAL, INTERVAL))
            try:
                batch.yield_if_slow()
            except Exception:
                logger.exception('Looking after a batch of messages failed.')
            if batch.number != seen:
                seen = batch.number
            elif not batch.is_running and not self._is_stopped:
                self._busy.clear()
                # It may have begun between the look and this.
                if batch.number != seen or self._is_stopped:
                    self._busy.set()
