"""
The reply channel of a process whose threads each wait for an answer.

No thread of its own: of those that wait, one reads the channel and hands the
others what is theirs. So it works before and after a fork, where a server
gives Python no further threads, and costs nothing while nobody waits.
"""
from __future__ import absolute_import

import collections
import itertools
import os
import threading

from ..compat.clock import monotonic
from ..compat.waker import Waker
from ..layers.legacy import adapted
from ..names import process_channel
from .bridge import FREE_AGAIN

#: Messages taken from the layer at once.
_BATCH = 50


class ReplyQueue(object):
    """What has come for one client, and whether its thread waits for more."""
    __slots__ = ('name', 'messages', 'size', 'waker', 'is_waiting', 'is_held')

    def __init__(self, name):
        self.name = name
        self.messages = collections.deque()
        self.size = 0
        self.waker = None
        self.is_waiting = False
        self.is_held = False

    def wake(self):
        if self.is_waiting:
            self.is_waiting = False
            self.waker.wake()


class ReplyReader(object):
    """
    The queues of clients on one ``!`` channel of `channel_layer`.

    Once `limit` bytes wait in a queue, the layer is asked to refuse more
    for that client, if it can. `on_late` is called with the reply channel of
    a response that goes on although its queue was closed.
    """

    def __init__(self, channel_layer, on_late, prefix='http.response', limit=4 * 1024 * 1024, clock=monotonic):
        self.channel_layer = adapted(channel_layer)
        self.on_late = on_late
        self.limit = limit
        self._prefix = prefix
        self._clock = clock
        self._numbers = itertools.count(1)
        self._wakers = threading.local()
        self._lock = threading.Lock()
        self._pid = None

    def _begin(self):
        """Take a channel of this process's own, after a fork, too."""
        self._channel = process_channel(self._prefix, self.channel_layer.keeps_place)
        self._lock = threading.Lock()
        self._boxes = {}
        self._has_reader = False
        self._pid = os.getpid()

    def open(self):
        """Return a new ReplyQueue; its name is a reply channel."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._begin()
        box = ReplyQueue(u'%s%x' % (self._channel, next(self._numbers)))
        with self._lock:
            self._boxes[box.name] = box
        return box

    def close(self, box):
        """Forget `box`; what comes for it now is dropped."""
        with self._lock:
            del self._boxes[box.name]
            held, box.is_held = box.is_held, False
        if held:
            self.channel_layer.unthrottle(box.name)

    def get(self, box, timeout):
        """Return the next message in `box`, or None after `timeout` seconds."""
        deadline = self._clock() + timeout
        # One for each thread that waits: it may not be the one that opened.
        if not hasattr(self._wakers, 'waker'):
            self._wakers.waker = Waker()
        box.waker = self._wakers.waker
        try:
            while True:
                with self._lock:
                    if box.messages:
                        break
                    remaining = deadline - self._clock()
                    if remaining <= 0:
                        return None
                    reads = not self._has_reader
                    self._has_reader = True
                    box.is_waiting = not reads
                if reads:
                    self._read(remaining)
                else:
                    self._wait(box, remaining)
        finally:
            self._pass_reading_on()
        return self._take(box)

    def has_mail(self, box):
        """Return whether there is a message in `box`, without waiting."""
        with self._lock:
            reads = not box.messages and not self._has_reader
            self._has_reader = self._has_reader or reads
        if reads:
            self._read(0)
            self._pass_reading_on()
        return bool(box.messages)

    def _take(self, box):
        with self._lock:
            message = box.messages.popleft()
            box.size -= len(message.get('content') or b'')
            release = box.is_held and box.size < self.limit * (1 - FREE_AGAIN)
            if release:
                box.is_held = False
        if release:
            self.channel_layer.unthrottle(box.name)
        return message

    def _wait(self, box, timeout):
        woken = box.waker.wait(timeout)
        with self._lock:
            was_waiting, box.is_waiting = box.is_waiting, False
        if not was_waiting and not woken:
            # Woken just after the time was over; the waker remembers it.
            box.waker.wait(timeout)

    def _read(self, timeout):
        try:
            deliveries = self.channel_layer.receive_batch([self._channel], _BATCH, timeout)
        finally:
            with self._lock:
                self._has_reader = False
        late, hold = set(), []
        with self._lock:
            for name, message in deliveries:
                box = self._boxes.get(name)
                if box is not None:
                    box.messages.append(message)
                    box.size += len(message.get('content') or b'')
                    if box.size > self.limit and not box.is_held and self.channel_layer.supports_throttling:
                        box.is_held = True
                        hold.append(name)
                    box.wake()
                elif message.get('more_content'):
                    late.add(name)
        for name in hold:
            self.channel_layer.throttle(name)
        for name in late:
            self.on_late(name)

    def _pass_reading_on(self):
        with self._lock:
            if not self._has_reader:
                for box in self._boxes.values():
                    if box.is_waiting:
                        box.wake()
                        break
