"""
An event that one thread waits for and others set, without polling.

Delete the Python 2 half when Python 2.7 support ends.
"""
from __future__ import absolute_import

import os
import select
import sys
import threading

__all__ = ['Waker']

if sys.version_info[0] >= 3:
    class Waker(object):
        """One thread waits, others wake it. Waking early is remembered."""

        def __init__(self):
            self._lock = threading.Lock()
            self._lock.acquire()

        def wait(self, timeout):
            """Return whether wake() was called within `timeout` seconds."""
            return self._lock.acquire(timeout=timeout)

        def wake(self):
            """Wake the waiter; call it once for each wait()."""
            self._lock.release()
else:
    class Waker(object):
        """
        One thread waits, others wake it. Waking early is remembered.

        Python 2's locks have no timeout, and its conditions poll to give
        themselves one; a pipe does neither, and signals get through.
        """

        def __init__(self):
            self._reader, self._writer = os.pipe()

        def wait(self, timeout):
            """Return whether wake() was called within `timeout` seconds."""
            try:
                ready = select.select([self._reader], [], [], timeout)[0]
            except select.error:
                # A signal came in; its handler has run.
                return False
            if ready:
                os.read(self._reader, 1)
            return bool(ready)

        def wake(self):
            """Wake the waiter; call it once for each wait()."""
            os.write(self._writer, b'\0')

        def __del__(self):
            os.close(self._reader)
            os.close(self._writer)
