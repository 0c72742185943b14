"""
The pace of large messages: their senders wait for a receiver that is behind.

Workers may make responses faster than the server that has the clients takes
them. What it hasn't taken is in the layer's memory, and the replies to all of
its other clients are behind it. So who sends many bytes to a server process
looks now and then how many messages wait for it, and lets it catch up. The
pieces of a body have one worker that reads them, and are a few ahead of it.
"""
from __future__ import absolute_import

from ..names import non_local_name
from .backoff import Backoff
from .blocking import send_blocking
from .clock import SYSTEM_CLOCK

__all__ = ['AHEAD', 'LONGEST_PAUSE', 'Lead', 'Pace', 'pace']

#: Bytes of content from which on a reply counts.
LARGE = 64 * 1024
#: Bytes that a process sends to a server process between two looks, and how
#: many messages may wait there; it pauses while there are more.
UNSEEN, MOST_AHEAD = 2 << 20, 16
#: Seconds of a pause in all: small messages alone may be that many for long.
LONGEST_PAUSE = 1.0
#: Pieces of a body that may wait for the worker that reads them.
AHEAD = 8
#: Seconds between two looks during a pause, growing from first to last.
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.02
#: Server processes that are kept in mind; each has a name of its own.
_MOST_PROCESSES = 1000


class Pace(object):
    """What this process has sent to each server process since it looked there."""

    def __init__(self):
        self._unseen = {}

    def has_to_look(self, channel, size):
        """Count `size` bytes that are about to go to `channel`; return whether to ask is_behind() before."""
        if size < LARGE:
            return False
        process = non_local_name(channel)
        if len(self._unseen) >= _MOST_PROCESSES:
            self._unseen.clear()
        # Of two threads that do so at once, one may not be counted.
        self._unseen[process] = unseen = self._unseen.get(process, 0) + size
        return unseen > UNSEEN

    def is_behind(self, layer, channel):
        """Ask `layer` whether more messages wait for the process of `channel` than may."""
        if layer.counts_waiting and layer.count_waiting(channel) > MOST_AHEAD:
            return True
        self._unseen[non_local_name(channel)] = 0
        return False

    def backoff(self):
        """Return the Backoff of a pause, which takes LONGEST_PAUSE at most."""
        return Backoff(_FIRST_PAUSE, _LAST_PAUSE)


class Lead(object):
    """The pieces of a body that are sent through `layer` to `channel`, where one worker reads."""

    def __init__(self, layer, channel, clock=SYSTEM_CLOCK):
        self._layer = layer
        self._channel = channel
        self._clock = clock
        # As many as can be there.
        self._most = 0

    def send(self, piece, timeout):
        """Send `piece`, waiting up to `timeout` seconds for the worker; raise the layer's ChannelFull then."""
        backoff, deadline = pace.backoff(), self._clock.monotonic() + timeout
        while self._most >= AHEAD:
            self._most = self._layer.count_waiting(self._channel) if self._layer.counts_waiting else 0
            if self._most >= AHEAD:
                if self._clock.monotonic() >= deadline:
                    raise self._layer.ChannelFull('Nobody reads what waits in %s.' % self._channel)
                self._clock.sleep(backoff.next_pause())
        send_blocking(self._layer, self._channel, piece, deadline - self._clock.monotonic(), self._clock)
        self._most += 1


#: That of this process.
pace = Pace()
