"""
Gathered pieces of a response: those that come while one is on its way to the
client's server go together in the message after it.

A message costs the same whether it carries a line or half a megabyte, so a
view that yields lines, or a file's blocks, would pay most for the messages.
What a view yields slowly goes out at once, by itself, in its own thread.

Rules:

1. There is one thread for a response, from the first piece on that comes
   quickly; then nothing else sends to its client.
2. `_condition` guards all that both threads use. It is never held while
   something is sent.
3. The view is at most CHUNK_SIZE bytes ahead of what is being sent. What
   sending raises reaches it with its next piece.
"""
from __future__ import absolute_import

import collections
import threading

from ..layers.clock import SYSTEM_CLOCK
from ..prefetch.coalescer import flush_coalesced
from .response import CHUNK_SIZE

#: Seconds after a piece was sent within which the next one is no slow one.
QUICK = 0.001
#: Seconds between two looks of a view's thread that waits for the other: no
#: signal and no time limit reaches it in between.
_LOOK = 1.0


class Gatherer(object):
    """Sends the replies of one response to `client`, a Client; close() it."""

    def __init__(self, client, clock=SYSTEM_CLOCK):
        self._client = client
        self._clock = clock
        # In one process a message costs less than the other thread does.
        self._gathers = client.channel_layer.spans_processes
        self._sent_at = None
        # Most responses are one message, and need nothing of _start().
        self._thread = None
        self._is_over = False
        self._error = None

    def send(self, reply):
        """
        Send `reply` now or soon, the last one and those before it now.

        Return whether the client is still there. Raise what sending an
        earlier one raised, such as the layer's ChannelFull.
        """
        if self._thread is None:
            if not self._comes_quickly(reply):
                is_there = self._client.send(reply)
                self._sent_at = self._clock.monotonic()
                return is_there
            self._start()
        flush_coalesced()
        with self._condition:
            while self._size >= CHUNK_SIZE and not self._is_over:
                self._condition.wait(_LOOK)
            if not self._is_over:
                if reply.get('more_content'):
                    self._contents.append(reply['content'])
                    self._size += len(reply['content'])
                else:
                    self._last = reply
                self._condition.notify_all()
            while self._last is not None and not self._is_over:
                self._condition.wait(_LOOK)
            if self._error is not None:
                raise self._error
            return not self._client.gone

    def _start(self):
        self._condition = threading.Condition()
        # What waits to be sent: contents, of so many bytes, and a last reply.
        self._contents, self._size, self._last = collections.deque(), 0, None
        self._thread = threading.Thread(target=self._run, name='pieces of a response')
        self._thread.daemon = True
        self._thread.start()

    def has_left(self):
        """Return whether the client is known to have left."""
        return self._client.has_left() if self._thread is None else self._client.gone

    def close(self):
        """Forget what was not sent; the thread ends once it isn't sending any more."""
        if self._thread is None:
            return
        with self._condition:
            self._is_over = True
            self._condition.notify_all()
        # Has its wait for room end.
        self._client.gone = True

    def _comes_quickly(self, reply):
        # One with a status is the first; one that isn't followed by more is
        # the last, or says that there is an end.
        return self._gathers and self._sent_at is not None and bool(reply.get('more_content')) and (
            len(reply['content']) < CHUNK_SIZE and self._clock.monotonic() - self._sent_at < QUICK
        )

    def _run(self):
        try:
            while True:
                reply = self._next()
                if reply is None or not self._client.send(reply) or not reply['more_content']:
                    break
        except BaseException as error:
            # The view's thread raises it.
            self._error = error
        with self._condition:
            self._is_over = True
            self._condition.notify_all()

    def _next(self):
        """Return the reply to be sent next, waiting for it; None if there is to be none."""
        with self._condition:
            while not self._contents and self._last is None and not self._is_over:
                # Without a time: Python 2 would look ever more seldom.
                self._condition.wait()
            if self._is_over:
                return None
            if not self._contents:
                return self._last
            contents, size = [], 0
            while self._contents and (not contents or size + len(self._contents[0]) <= CHUNK_SIZE):
                contents.append(self._contents.popleft())
                size += len(contents[-1])
            self._size -= size
            self._condition.notify_all()
        return {'content': contents[0] if len(contents) == 1 else b''.join(contents), 'more_content': True}
