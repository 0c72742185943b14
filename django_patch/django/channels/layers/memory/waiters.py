"""
The threads that wait for a message of the in-memory layer.

Callers hold the layer's lock, except for Waiter.wait().
"""
from __future__ import absolute_import

import collections
import threading

from ...compat.waker import Waker


class Waiter(object):
    """A thread that waits for a message on any of `channels`."""
    __slots__ = ('waker', 'channels', 'interrupted')

    def __init__(self):
        self.waker = Waker()
        #: None once nobody has to wake it any more.
        self.channels = None
        self.interrupted = False

    def wait(self, timeout):
        """Return whether it was woken within `timeout` seconds."""
        return self.waker.wait(max(0, timeout))


class WaitQueue(object):
    """Channel -> those that wait for it, the longest first."""

    def __init__(self):
        self.by_channel = {}
        self._local = threading.local()

    def add(self, channels):
        """Return this thread's Waiter, on the list of each of `channels`."""
        try:
            waiter = self._local.waiter
        except AttributeError:
            waiter = self._local.waiter = Waiter()
        waiter.channels = channels
        waiter.interrupted = False
        for name in channels:
            self.by_channel.setdefault(name, collections.OrderedDict())[waiter] = None
        return waiter

    def remove(self, waiter, woken):
        """Take `waiter` off the lists; `woken` is what its wait() returned."""
        if waiter.channels is not None:
            self._remove(waiter)
        elif not woken:
            # Woken just after its time was over: use the wake-up up, or its
            # next wait would end at once.
            waiter.wait(0)

    def _remove(self, waiter):
        for name in set(waiter.channels):
            waiters = self.by_channel[name]
            del waiters[waiter]
            if not waiters:
                del self.by_channel[name]
        waiter.channels = None

    def wake(self, channel):
        """Wake one that waits for `channel`, if there is one."""
        waiters = self.by_channel.get(channel)
        if waiters:
            self._wake(next(iter(waiters)))

    def _wake(self, waiter):
        # Off the lists first, so that the next message wakes another one.
        self._remove(waiter)
        waiter.waker.wake()

    def interrupt(self):
        """Wake all of them, to return with nothing."""
        for waiter in {waiter for waiters in self.by_channel.values() for waiter in waiters}:
            waiter.interrupted = True
            self._wake(waiter)
