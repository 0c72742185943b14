"""
Waiting on any channel layer, also one of another's making.

Such a layer has no more than send(), receive() and its exception classes.
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


def receive_some(layer, channels, limit, timeout, clock=SYSTEM_CLOCK):
    """
    Return up to `limit` messages of any `layer` as [(channel, message), ...].

    Wait up to `timeout` seconds for the first; where the layer doesn't wait
    by itself, without hammering it, and then maybe for less.
    """
    if hasattr(layer, 'receive_batch'):
        return layer.receive_batch(channels, limit, timeout)
    started = clock.monotonic()
    channel, message = layer.receive(channels, block=timeout > 0)
    if channel is not None:
        return [(channel, message)]
    if timeout > 0 and clock.monotonic() - started < _LAST_PAUSE:
        # A layer of another's making may take `block` for a mere hint.
        clock.sleep(min(timeout, _LAST_PAUSE / 10))
    return []
