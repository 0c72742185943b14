"""
The messages for "http.disconnect", which are sent only if a worker reads them.

Few projects do. For the others each message would cost a call of the layer,
and lie there until it expires. Workers say whether they read the channel when
they announce themselves; see `layers.presence`.
"""
from __future__ import absolute_import

import collections
import logging
import threading

from ..compat.clock import monotonic
from ..exceptions import ChannelsError
from ..layers.presence import BEAT_INTERVAL, DISCONNECT_CHANNEL, DISCONNECT_FACT, WORKER
from .bridge import http_disconnect

logger = logging.getLogger('django.channels')

#: Characters of names and paths that are kept for a worker that may begin to
#: read before the next look.
MAX_KEPT = 1024 * 1024


class Disconnects(object):
    """
    Gives `send` the messages for the requests that have ended.

    `send` takes a message. All are sent until update() has told that there are
    workers and that none of them reads the channel. From then on they are kept
    until the next update(), since a worker that reads it may have begun. That
    is so while no worker is known, too: a layer that has lost its data has
    forgotten those that there are.
    """

    def __init__(self, send):
        self._send = send
        # Name of a process -> whether it reads the channel; None if it is no
        # worker.
        self._processes = {}
        # For what is kept; nothing is sent under it.
        self._lock = threading.Lock()
        self._kept = collections.deque()
        self._kept_size = 0
        self._are_read = True

    @property
    def known(self):
        """The names of the processes that update() has been told of, a set."""
        return set(self._processes)

    def add(self, reply_channel, path):
        """Send or keep the message for a request that has ended."""
        if self._are_read:
            self._send(http_disconnect(reply_channel, path))
            return
        with self._lock:
            self._kept.append((reply_channel, path))
            self._kept_size += len(reply_channel) + len(path)
            while self._kept_size > MAX_KEPT:
                self._kept_size -= sum(map(len, self._kept.popleft()))

    def update(self, listed, newcomers):
        """
        Learn who reads the channel.

        `listed` has the names of all processes that use the layer, and
        `newcomers` what BaseChannelLayer.processes() returns, at least of
        those that aren't `known`.
        """
        for process in newcomers:
            reads = process['facts'].get(DISCONNECT_FACT, True) if process['kind'] == WORKER else None
            self._processes[process['name']] = reads
        listed = set(listed)
        for name in [name for name in self._processes if name not in listed]:
            del self._processes[name]
        workers = [reads for reads in self._processes.values() if reads is not None]
        if not workers and not self._are_read:
            return
        self._are_read = not workers or any(workers)
        with self._lock:
            kept, self._kept, self._kept_size = self._kept, collections.deque(), 0
        if self._are_read:
            for reply_channel, path in kept:
                self._send(http_disconnect(reply_channel, path))


class WatchingDisconnects(Disconnects):
    """The same for threads, where nobody else calls update(): `layer` is asked every few seconds."""

    def __init__(self, layer, send, clock=monotonic):
        super(WatchingDisconnects, self).__init__(send)
        self._layer = layer
        self._clock = clock
        self._looking = threading.Lock()
        self._next_look = 0.0

    def add(self, reply_channel, path):
        # One thread looks; the others don't wait for it.
        if self._clock() >= self._next_look and self._looking.acquire(False):
            try:
                self._next_look = self._clock() + BEAT_INTERVAL
                self._look()
            finally:
                self._looking.release()
        super(WatchingDisconnects, self).add(reply_channel, path)

    def _look(self):
        try:
            self.update(*self._layer.new_processes(self.known))
        except ChannelsError as error:
            # It is known as before, and sending says what is wrong.
            logger.debug('Whether a worker reads %s could not be asked: %s', DISCONNECT_CHANNEL, error)
