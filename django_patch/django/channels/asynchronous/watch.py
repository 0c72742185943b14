"""
Detection of clients of streams that have left: two looks a second at each.
"""
import asyncio
import logging

from .loop import in_thread

logger = logging.getLogger('django.channels')

#: Seconds between two looks at a channel.
INTERVAL = 0.5
#: Channels that one call of a layer looks at.
CHANNELS_AT_ONCE = 100


class Watch:
    """
    Calls back for those of the watched channels on which something came.

    It lives on an event loop, and has a task for each layer of which anything
    is watched.
    """

    def __init__(self):
        self._layers = {}

    def add(self, layer, channel, callback):
        """Call `callback()` once something has come on `channel`."""
        watched = self._layers.get(layer)
        if watched is None:
            watched = self._layers[layer] = _LayerWatch(layer)
        watched.add(channel, callback)

    def remove(self, layer, channel):
        """Watch `channel` no longer."""
        if layer in self._layers:
            self._layers[layer].callbacks.pop(channel, None)


class _LayerWatch:
    """The watched channels of one `layer`."""

    def __init__(self, layer):
        self._layer = layer
        #: By channel.
        self.callbacks = {}
        self._task = None

    def add(self, channel, callback):
        self.callbacks[channel] = callback
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self):
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while self.callbacks:
                channels = list(self.callbacks)
                parts = [channels[at:at + CHANNELS_AT_ONCE] for at in range(0, len(channels), CHANNELS_AT_ONCE)]
                for part in parts:
                    # The looks are spread over the time: where a thousand
                    # leave at once, the first are seen off meanwhile.
                    due = max(due + INTERVAL / len(parts), loop.time())
                    await asyncio.sleep(due - loop.time())
                    await self._look(part)
        finally:
            self._task = None

    async def _look(self, channels):
        try:
            received = await in_thread(_receive_all, self._layer, channels)
        except Exception as error:
            # The layer is away, which the worker's loop logs.
            logger.debug('Which clients have left is not known: %s', error)
            return
        for channel in received:
            callback = self.callbacks.pop(channel, None)
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
