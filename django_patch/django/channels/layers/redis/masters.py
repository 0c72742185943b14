"""
Notices a master of Sentinels that another server has replaced.

A connection asks the Sentinels when it is made. But a master that steps down
while it is alive goes on taking what connected clients write, until it becomes
a replica after about ten seconds, and all of that is lost. So each process
asks again every second, by a thread of its own, and leaves the old one in
order.
"""
from __future__ import absolute_import

import os
import weakref

from ...periodic import PeriodicThread
from .connection import failures

#: Seconds between two questions.
INTERVAL = 1.0


class MasterWatch(object):
    """Has `pool` leave all servers but the one that `server` names."""

    def __init__(self, server, pool):
        self._server = server
        self._pool = weakref.ref(pool)
        self._process = None
        self._thread = None

    def start(self):
        """Begin, once in each process."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._thread = PeriodicThread('channels-sentinels', INTERVAL, self.look)
            self._thread.start()

    def stop(self):
        """End; start() begins again."""
        thread, self._thread = self._thread, None
        if thread is not None and self._process == os.getpid():
            thread.stop(0)
        self._process = None

    def look(self):
        """Ask, and tell the pool."""
        pool = self._pool()
        if pool is None:
            self.stop()
            return
        try:
            address = self._server.locate()
        except failures():
            # Who needs a connection will say so.
            return
        pool.leave_all_but(address)
