"""
Detection of clients of streams that have left: one look a second for all.
"""
import asyncio
import logging

from .loop import in_thread

logger = logging.getLogger('django.channels')

#: Seconds between two looks.
INTERVAL = 1.0
#: Channels that one call of a layer looks at.
CHANNELS_AT_ONCE = 100


class Watch:
    """
    Calls back for those of the watched channels on which something came.

    It lives on an event loop, and has a task while anything is watched.
    """

    def __init__(self):
        self._watched = {}
        self._task = None

    def add(self, layer, channel, callback):
        """Call `callback()` once something has come on `channel`."""
        self._watched[channel] = (layer, callback)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def remove(self, channel):
        """Watch `channel` no longer."""
        self._watched.pop(channel, None)

    async def _run(self):
        try:
            while self._watched:
                await asyncio.sleep(INTERVAL)
                by_layer = {}
                for channel, (layer, callback) in self._watched.items():
                    by_layer.setdefault(layer, []).append(channel)
                await asyncio.gather(*[
                    self._look(layer, channels[start:start + CHANNELS_AT_ONCE])
                    for layer, channels in by_layer.items() for start in range(0, len(channels), CHANNELS_AT_ONCE)
                ])
        finally:
            self._task = None

    async def _look(self, layer, channels):
        try:
            received = await in_thread(_receive_all, layer, channels)
        except Exception as error:
            # The layer is away, which the worker's loop logs.
            logger.debug('Which clients have left is not known: %s', error)
            return
        for channel in received:
            layer, callback = self._watched.pop(channel, (None, None))
            if callback is not None:
                callback()


def _receive_all(layer, channels):
    """Return the names of those of `channels` on which something waited; take it away."""
    found = []
    while True:
        # A layer may take from one channel at a time.
        received = layer.receive_batch(channels, len(channels), 0)
        if not received:
            return found
        found.extend(channel for channel, message in received)


#: That of the process's event loop.
watch = Watch()
