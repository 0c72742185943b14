"""
The watch over messages that wait for one before them, which may be lost.
"""
from __future__ import absolute_import

import atexit
import logging
import threading

from .layers.clock import SYSTEM_CLOCK

logger = logging.getLogger('django.channels')

#: Seconds that the end of a process waits for a look that takes long.
STOP_TIMEOUT = 2.0


class OrderWatch(object):
    """
    Looks after sockets whose messages wait, until what they wait for is done.

    `look(message, order_seen)` is called once a socket has waited for its
    time: it returns the number that the socket has come to meanwhile, or None
    if nothing waits any more. One thread a process does so, while there is
    anything to look after; it calls `tidy()` after each look.
    """

    def __init__(self, look, clock=SYSTEM_CLOCK, tidy=None):
        self._look = look
        self._tidy = tidy
        self._clock = clock
        self._condition = threading.Condition()
        # Reply channel -> (deadline, seconds, message, order seen).
        self._sockets = {}
        self._thread = None
        self._is_over = False

    def add(self, message, order_seen, seconds):
        """Have the socket of `message`, an early one, looked after in `seconds`."""
        with self._condition:
            key = message.reply_channel.name
            if key in self._sockets and self._sockets[key][2]['order'] <= message['order']:
                return
            self._sockets[key] = (self._clock.monotonic() + seconds, seconds, message, order_seen)
            if self._thread is None:
                # Python 2 takes modules away from threads that still run.
                atexit.register(self.stop)
                self._thread = threading.Thread(target=self._run, name='order-watch')
                self._thread.daemon = True
                self._thread.start()
            self._condition.notify()

    def stop(self):
        """End the thread, if there is one, once the look that it takes is over."""
        with self._condition:
            thread = self._thread
            self._is_over = True
            self._condition.notify()
        if thread is not None:
            thread.join(STOP_TIMEOUT)

    def look_once(self):
        """Look after all sockets whose time has come."""
        now = self._clock.monotonic()
        with self._condition:
            due = {key: entry for key, entry in self._sockets.items() if entry[0] <= now}
            for key in due:
                del self._sockets[key]
        for deadline, seconds, message, order_seen in due.values():
            try:
                order = self._look(message, order_seen)
            except Exception:
                # The database or the layer is away: later, then.
                logger.exception('Looking after the order of a socket failed.')
                order = order_seen
            if order is not None:
                self.add(message, order, seconds)

    def _run(self):
        while True:
            with self._condition:
                if self._is_over or not self._sockets:
                    self._thread = None
                    return
                first = min(entry[0] for entry in self._sockets.values())
                self._condition.wait(max(0.001, first - self._clock.monotonic()))
                if self._is_over:
                    continue
            self.look_once()
            if self._tidy is not None:
                self._tidy()
