"""
Turns: of the threads of a worker, one waits for messages that take no time.

Where all wait at once, each message that comes wakes another of them, which
costs more than the message; what comes meanwhile would have waited no longer
for the one that is at work. Who has the turn waits, handles what it got, and
waits again, which wakes nobody; once a consumer turns out to be slow, the
`watchdog` passes the turn on.
"""
from __future__ import absolute_import

import threading

#: Messages of which so many are handled within the time of a batch (see
#: `sizer`) take no time: no consumer waits for anything within 0.3 ms.
QUICK = 13


class Turn(object):
    """One thread's part in `lock`, which all threads of a worker have."""

    def __init__(self, lock):
        self._lock = lock
        self._guard = threading.Lock()
        self._is_mine = False

    def take(self, before_waiting):
        """Take the turn, or keep it; if another has it, call `before_waiting()` first."""
        if self._is_mine:
            return
        if not self._lock.acquire(False):
            before_waiting()
            self._lock.acquire()
        self._is_mine = True

    def pass_on(self):
        """Let another thread have it; any thread may call it, any number of times."""
        with self._guard:
            if self._is_mine:
                self._is_mine = False
                self._lock.release()
