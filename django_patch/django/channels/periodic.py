"""
A thread that does something every few seconds.
"""
from __future__ import absolute_import

import threading

from .compat.clock import monotonic


class PeriodicThread(object):
    """
    Calls `look()` every `interval` seconds, in a thread called `name`.

    They count from the beginning of a look: one that takes long doesn't put
    off the next. What `look` raises ends the thread, so it handles what may
    go wrong. The thread is a daemon, which keeps no process alive.
    """

    def __init__(self, name, interval, look, monotonic=monotonic):
        self._interval = interval
        self._look = look
        self._monotonic = monotonic
        self._is_over = False
        self._is_time = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)
        self._thread.daemon = True

    def start(self):
        """Begin; the first look is after `interval` seconds."""
        self._thread.start()

    def stop(self, timeout=None):
        """End it, if it was begun; wait at most `timeout` seconds (None: for ever) for a look to come to its end."""
        self._is_over = True
        self._is_time.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def look_soon(self):
        """Have it look now, or once more if it is looking; any thread may call it."""
        self._is_time.set()

    def _run(self):
        began = self._monotonic()
        while True:
            # On Python 2 the clock may be set back.
            self._is_time.wait(min(self._interval, max(0.0, began + self._interval - self._monotonic())))
            self._is_time.clear()
            if self._is_over:
                return
            began = self._monotonic()
            self._look()
