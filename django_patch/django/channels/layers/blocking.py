"""
Waiting for room in a full channel, on any channel layer.
"""
from __future__ import absolute_import

from .backoff import Backoff
from .clock import SYSTEM_CLOCK

#: Seconds between two tries of send_blocking(), growing from first to last.
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.1


def send_blocking(layer, channel, message, timeout, clock=SYSTEM_CLOCK):
    """
    Send `message` through any `layer`, waiting up to `timeout` seconds.

    The pauses between two tries double, so a full channel is not hammered.
    Raise the layer's ChannelFull once the time is over.
    """
    deadline = None
    while True:
        try:
            return layer.send(channel, message)
        except layer.ChannelFull:
            now = clock.monotonic()
            if deadline is None:
                # Only now, since most messages find room at once.
                deadline, backoff = now + timeout, Backoff(_FIRST_PAUSE, _LAST_PAUSE)
            if now >= deadline:
                raise
        clock.sleep(min(backoff.next_pause(), deadline - now))
