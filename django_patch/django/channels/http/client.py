"""
The client of a request, as far as a worker can send to it and see it.
"""
from __future__ import absolute_import

from ..layers.blocking import send_blocking
from ..layers.clock import SYSTEM_CLOCK
from ..layers.pace import LONGEST_PAUSE, pace
from ..names import disconnect_channel
from ..prefetch.coalescer import coalesce, flush_coalesced

#: Bytes of content that a response may have to be sent together with others.
COALESCED_SIZE = 16 * 1024


def send_with_others(message, reply, timeout):
    """
    Send `reply`, the first to `message`, with those to others if it is all
    there is, and small; return whether that was possible.

    `timeout` is how many seconds it may wait for room.
    """
    return not reply.get('more_content') and len(reply['content']) <= COALESCED_SIZE and coalesce(
        message.channel_layer, message.reply_channel.name, reply, timeout)


class Client(object):
    """
    The recipient of the reply messages to `message`, a request Message.

    `timeout` is how many seconds one reply may wait for room.
    """
    #: Seconds between two looks whether the client went away.
    interval = 1.0

    def __init__(self, message, timeout, clock=SYSTEM_CLOCK):
        self.channel_layer = message.channel_layer
        self.reply_channel = message.reply_channel.name
        self.timeout = timeout
        self.gone = False
        self._clock = clock
        self._disconnect_channel = disconnect_channel(self.reply_channel)
        self._next_look = clock.monotonic() + self.interval
        self._started = False

    def send(self, reply):
        """
        Send `reply` and return whether the client is still there to get it.

        Raise the layer's ChannelFull if there was no room in time.
        """
        flush_coalesced()
        if pace.has_to_look(self.reply_channel, len(reply.get('content', b''))) and not self._let_catch_up():
            return False
        ChannelFull = self.channel_layer.ChannelFull
        deadline = self._clock.monotonic() + self.timeout
        while True:
            # A response in one message is over before there is news.
            if self._started and self.has_left():
                return False
            remaining = deadline - self._clock.monotonic()
            try:
                send_blocking(self.channel_layer, self.reply_channel, reply, min(remaining, self.interval))
            except ChannelFull:
                if remaining <= self.interval:
                    raise
                self._started = True
            else:
                self._started = True
                return True

    def _let_catch_up(self):
        """Pause while the server is behind; return whether the client is still there."""
        backoff, until = pace.backoff(), self._clock.monotonic() + LONGEST_PAUSE
        while pace.is_behind(self.channel_layer, self.reply_channel) and self._clock.monotonic() < until:
            self._clock.sleep(backoff.next_pause())
            if self._started and self.has_left():
                return False
        return True

    def has_left(self):
        """Look whether the client has left, if it is time for that; return whether it is known to have."""
        now = self._clock.monotonic()
        if not self.gone and now >= self._next_look and self._disconnect_channel is not None:
            self._next_look = now + self.interval
            channel, message = self.channel_layer.receive([self._disconnect_channel])
            self.gone = channel is not None
        return self.gone
