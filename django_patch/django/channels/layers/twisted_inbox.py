"""Messages for the clients of a Twisted server, fetched many at once."""
from __future__ import absolute_import, unicode_literals

import collections
import threading

from .. import names

#: Messages that are fetched, and sent to one channel, at once.
MOST_AT_ONCE = 500


class TwistedInbox(object):
    """
    What was received from `channels`, a tuple, and a thread that receives it.

    `note(channel)` is called for each message, in the reactor.

    The thread receives when somebody waits. Inboxes that have a channel in
    common hand out what the others have fetched.
    """

    def __init__(self, layer, reactor, channels, note):
        # Here, as Twisted is there once it asks; and not for each message.
        from twisted.internet import defer
        self._defer = defer
        self._layer = layer
        self._reactor = reactor
        self._channels = channels
        self._note = note
        self._received = collections.deque()
        # Each a Deferred; first come first served.
        self._waiting = collections.deque()
        self._neighbors = []
        self._is_receiving = False
        # Free when the thread is to receive: a Condition of Python 2 takes
        # several times as long.
        self._wake = threading.Lock()
        self._wake.acquire()
        thread = threading.Thread(target=self._run, name='receive-%s' % channels[0])
        thread.daemon = True
        thread.start()

    # In the reactor

    def meet(self, other):
        """Hand out what `other` has fetched, and the other way round, if both have a channel."""
        if not set(self._channels).isdisjoint(other._channels):
            self._neighbors.append(other)
            other._neighbors.append(self)

    def get(self):
        """Return a Deferred of the next message, which may be cancelled."""
        message = self._next()
        if message is not None:
            return self._defer.succeed(message)
        # One that is cancelled takes no message with it.
        waiting = self._defer.Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        self._receive()
        return waiting

    def put(self, messages):
        """Hand out `messages`, [(channel, message), ...]; later, since the caller may be who waits."""
        self._reactor.callLater(0, self._came, messages)

    def _next(self):
        """Return the first message for this, or None."""
        if self._received:
            return self._received.popleft()
        for other in self._neighbors:
            for position, (channel, message) in enumerate(other._received):
                if names.non_local_name(channel) in self._channels:
                    del other._received[position]
                    return channel, message
        return None

    def _receive(self):
        if self._waiting and not self._is_receiving:
            self._is_receiving = True
            self._wake.release()

    def _arrived(self, messages, error=None):
        self._is_receiving = False
        self._came(messages)
        if not messages:
            for waiting in list(self._waiting):
                if waiting not in self._waiting:
                    # One before it has cancelled it.
                    continue
                self._waiting.remove(waiting)
                if error is None:
                    waiting.callback((None, None))
                else:
                    waiting.errback(error)
        self._receive()

    def _came(self, messages):
        for channel, message in messages:
            self._note(channel)
        self._received.extend(messages)
        for inbox in [self] + self._neighbors:
            while inbox._waiting:
                message = inbox._next()
                if message is None:
                    break
                inbox._waiting.popleft().callback(message)

    # In the thread

    def _run(self):
        while True:
            self._wake.acquire()
            try:
                messages, error = self._layer.receive_batch(
                    self._channels, MOST_AT_ONCE, self._layer.receive_timeout), None
            except Exception as raised:
                messages, error = (), raised
            self._reactor.callFromThread(self._arrived, messages, error)
