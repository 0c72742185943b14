"""
The pace of large replies: workers wait for an interface server that is behind.

Workers may make responses faster than the server that has the clients takes
them. What it hasn't taken is in the layer's memory, and the replies to all of
its other clients are behind it. So who sends many bytes to a server process
looks now and then how many messages wait for it, and lets it catch up.
"""
from __future__ import absolute_import

from ..names import non_local_name
from .backoff import Backoff

__all__ = ['LONGEST_PAUSE', 'Pace', 'pace']

#: Bytes of content from which on a reply counts.
LARGE = 64 * 1024
#: Bytes that a process sends to a server process between two looks, and how
#: many messages may wait there; it pauses while there are more.
UNSEEN, MOST_AHEAD = 2 << 20, 16
#: Seconds of a pause in all: small messages alone may be that many for long.
LONGEST_PAUSE = 1.0
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


#: That of this process.
pace = Pace()
