"""
Waiting for room in a full channel, on any channel layer.

The threads of a process that wait for room in one channel stand in line: only
the first tries, so nobody who comes later is served earlier. Each holds one
message; how many they are, how large, and for how long has bounds, and who
comes last is refused.
"""
from __future__ import absolute_import

import collections
import os
import threading

from .backoff import Backoff
from .clock import SYSTEM_CLOCK

#: Seconds between two tries of send_blocking(), growing from first to last.
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.1
#: Messages, and bytes of them, that may stand in one line.
MOST_WAITING, MOST_BYTES = 1000, 64 << 20

_lock = threading.Lock()
#: (process, id of the layer, channel) -> _Line, while anybody waits there.
_lines = {}


class _Line(object):
    """Who waits for room in one channel, the first at the left."""

    def __init__(self):
        self.places = collections.deque()
        self.bytes = 0


class _Place(object):
    """One thread's place in the line for `channel` of `layer`, as a context manager."""

    def __init__(self, layer, channel, message):
        self._key = os.getpid(), id(layer), channel
        self._size = sum(len(value) for value in message.values() if hasattr(value, '__len__'))
        self._is_first = threading.Event()
        self._line = None
        #: Whether others were there before.
        self.has_waited = False

    def enter(self):
        """Stand in line; return whether there was room in it."""
        with _lock:
            line = _lines.setdefault(self._key, _Line())
            if line.places and (len(line.places) >= MOST_WAITING or line.bytes + self._size > MOST_BYTES):
                return False
            self._line = line
            line.places.append(self)
            line.bytes += self._size
            self.has_waited = line.places[0] is not self
            if not self.has_waited:
                self._is_first.set()
            return True

    def leave(self):
        """Let the next one try, if this was the first."""
        with _lock:
            if self._line is None:
                return
            self._line.places.remove(self)
            self._line.bytes -= self._size
            if self._line.places:
                self._line.places[0]._is_first.set()
            else:
                del _lines[self._key]

    def wait(self, seconds):
        """Return whether it is the first within so many seconds."""
        return self._is_first.wait(seconds)


def send_blocking(layer, channel, message, timeout, clock=SYSTEM_CLOCK, method='send'):
    """
    Send `message` through any `layer`, waiting up to `timeout` seconds.

    `method` may be that of jobs, "put_job", as well.

    Who came before is served before. The pauses between two tries double, so
    a full channel is not hammered. Raise the layer's ChannelFull once the
    time is over, or if too many wait.
    """
    # Most messages find no line, and room at once.
    has_tried = not _lines or (os.getpid(), id(layer), channel) not in _lines
    if has_tried:
        try:
            return getattr(layer, method)(channel, message)
        except layer.ChannelFull:
            if timeout <= 0:
                raise
    deadline = clock.monotonic() + timeout
    place = _Place(layer, channel, message)
    try:
        if not place.enter() or not place.wait(max(0, timeout)):
            raise layer.ChannelFull('Too many messages wait for room in %s.' % channel)
        send = getattr(layer, method)
        return _send_as_first(send, layer, channel, message, deadline, clock, has_tried and not place.has_waited)
    finally:
        place.leave()


def _send_as_first(send, layer, channel, message, deadline, clock, has_tried):
    backoff = Backoff(_FIRST_PAUSE, _LAST_PAUSE)
    while True:
        if has_tried:
            clock.sleep(max(0.0, min(backoff.next_pause(), deadline - clock.monotonic())))
        try:
            return send(channel, message)
        except layer.ChannelFull:
            has_tried = True
            if clock.monotonic() >= deadline:
                raise


def send_many_blocking(layer, pairs, timeout, clock=SYSTEM_CLOCK):
    """As send_blocking() for each (channel, message) of `pairs`, in as few calls as the layer can."""
    deadline = clock.monotonic() + timeout
    for channel, message in layer.send_many(pairs):
        send_blocking(layer, channel, message, max(0, deadline - clock.monotonic()), clock)
