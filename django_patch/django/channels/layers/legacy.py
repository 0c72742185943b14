"""
Layers that are not subclasses of `BaseChannelLayer`, with all that it offers.

Such a layer (asgi_redis, asgiref.inmemory, or a third party's) has send(),
receive(), new_channel(), `extensions` and its two exception classes. It is
wrapped where it enters, so that nobody else has to ask what it can do.
"""
from __future__ import absolute_import

from ..names import validate_channel_name, validate_group_name
from .backoff import Backoff
from .base import BaseChannelLayer
from .capacity import checked_number_of_messages
from .clock import SYSTEM_CLOCK

__all__ = ['LegacyLayerAdapter', 'adapted', 'missing_methods']

#: What every layer has.
CONTRACT = ('send', 'receive', 'new_channel', 'extensions', 'ChannelFull', 'MessageTooLarge')

#: Seconds between two receives from a layer that can't block.
_FIRST_POLL, _LAST_POLL = 0.001, 0.02
#: Seconds within which a receive that was to wait counts as not having.
_AT_ONCE = 0.1


def missing_methods(layer):
    """Return the names of what `layer` lacks to be a channel layer."""
    return [name for name in CONTRACT if not hasattr(layer, name)]


def adapted(layer):
    """
    Return `layer` if it keeps the contract of BaseChannelLayer, else wrapped.

    A project's layer, with its alias and routing around it, counts as what
    it holds.
    """
    if isinstance(getattr(layer, 'channel_layer', layer), BaseChannelLayer):
        return layer
    return LegacyLayerAdapter(layer)


def _as_text(channels):
    return [validate_channel_name(channel, receive=True) for channel in channels]


class LegacyLayerAdapter(BaseChannelLayer):
    """
    Any `layer` as a BaseChannelLayer.

    What it can do is found out once. Attributes that BaseChannelLayer
    doesn't have are the layer's. `clock` is a `Clock`. Names reach it as
    text, which a layer of 1.x insists on: on Python 2 ours are native
    strings.
    """

    def __init__(self, layer, clock=SYSTEM_CLOCK):
        # The capacities and lifetimes are the layer's affair.
        self.layer = layer
        # What a test passes off as a layer, a mock or None, may lack them all.
        self.ChannelFull = getattr(layer, 'ChannelFull', self.ChannelFull)
        self.MessageTooLarge = getattr(layer, 'MessageTooLarge', self.MessageTooLarge)
        extensions = getattr(layer, 'extensions', ())
        extensions = extensions if hasattr(type(extensions), '__contains__') else ()
        self.supports_groups = 'groups' in extensions
        self.supports_flush = 'flush' in extensions
        self.supports_statistics = 'statistics' in extensions
        self.supports_requeue = hasattr(layer, 'requeue')
        self.supports_throttling = hasattr(layer, 'throttle')
        self.supports_interrupt = hasattr(layer, 'interrupt')
        self.supports_blocking_receive = getattr(layer, 'supports_blocking_receive', False)
        # A 1.x layer has no flags; the one that stays inside a process came
        # with asgiref.
        self.spans_processes = getattr(layer, 'spans_processes', type(layer).__module__ != 'asgiref.inmemory')
        self._clock = clock
        self._backoff = Backoff(_FIRST_POLL, _LAST_POLL)

    def __getattr__(self, name):
        # What __init__() sets is looked for here before it is set.
        if name == 'layer':
            raise AttributeError(name)
        return getattr(self.layer, name)

    @property
    def extensions(self):
        return self.layer.extensions

    @property
    def class_name(self):
        return type(self.layer).__name__

    def send(self, channel, message):
        self.layer.send(validate_channel_name(channel), message)

    def throttle(self, channel):
        if self.supports_throttling:
            self.layer.throttle(channel)

    def unthrottle(self, channel):
        if self.supports_throttling:
            self.layer.unthrottle(channel)

    def receive(self, channels, block=False):
        return self.layer.receive(_as_text(channels), block=block)

    def receive_batch(self, channels, limit, timeout=0):
        """
        As BaseChannelLayer.receive_batch(), for one message.

        Its receive() may take `block` for a mere hint; then pause here, so
        that it isn't hammered, and return earlier.
        """
        checked_number_of_messages('limit', limit)
        started = self._clock.monotonic()
        channel, message = self.layer.receive(_as_text(channels), block=timeout > 0)
        if channel is not None:
            self._backoff.reset()
            return [(channel, message)]
        if timeout > 0 and self._clock.monotonic() - started < _AT_ONCE:
            self._clock.sleep(min(timeout, self._backoff.next_pause()))
        return []

    def receive_many(self, channels, block=False):
        return self.layer.receive_many(_as_text(channels), block=block)

    def receive_twisted(self, channels):
        return self.layer.receive_twisted(_as_text(channels))

    def requeue(self, messages):
        return self.layer.requeue(messages) if self.supports_requeue else list(messages)

    def interrupt(self):
        if self.supports_interrupt:
            self.layer.interrupt()

    def new_channel(self, pattern):
        return self.layer.new_channel(validate_channel_name(pattern))

    def group_add(self, group, channel):
        self.layer.group_add(validate_group_name(group), validate_channel_name(channel))

    def group_discard(self, group, channel):
        self.layer.group_discard(validate_group_name(group), validate_channel_name(channel))

    def group_channels(self, group):
        return self.layer.group_channels(validate_group_name(group))

    def send_group(self, group, message):
        self.layer.send_group(validate_group_name(group), message)

    def flush(self):
        self.layer.flush()

    def global_statistics(self):
        return self.layer.global_statistics()

    def channel_statistics(self, channel):
        return self.layer.channel_statistics(channel)

    def get_capacity(self, channel):
        return self.layer.get_capacity(channel)

    def close(self):
        close = getattr(self.layer, 'close', None)
        if close is not None:
            close()
