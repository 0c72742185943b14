"""
The channel layers of a project: CHANNEL_LAYERS turned into objects.

``channel_layers['default']`` is the layer of that alias with its routing;
it is built on first use.
"""
from __future__ import absolute_import

import logging
import threading

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ..compat import six
from ..compat.text import native_from_text, text_of_error
from ..exceptions import InvalidChannelLayerError, UnknownChannelLayerError
from ..routing import Router
from .legacy import adapted, missing_methods

logger = logging.getLogger('django.channels')

DEFAULT_CHANNEL_LAYER = 'default'
#: Channels that no routing has, since something else than workers reads them.
READ_ELSEWHERE = set()
#: The routings that read what channels sends to itself.
READ_BY = {'channels.delayed': 'django.channels.schedules.channel_routing'}
#: For how many channels of a layer it is said that nobody reads them.
MAX_UNREAD = 100
#: Raised by import_string() for a bad BACKEND, also one that isn't text or
#: begins with a period.
IMPORT_ERRORS = (ImportError, TypeError, ValueError, AttributeError)
#: What a class raises whose CONFIG, or what it needs installed, is wrong.
BUILD_ERRORS = (
    TypeError, ValueError, AttributeError, LookupError, ArithmeticError, ImportError, ImproperlyConfigured
)
__all__ = ['ChannelLayerManager', 'ChannelLayerWrapper', 'DEFAULT_CHANNEL_LAYER', 'channel_layers']


def _wrong(text, *values):
    # A native string: Python 2 prints no other than ASCII of an exception.
    values = [text_of_error(value) if isinstance(value, Exception) else value for value in values]
    return InvalidChannelLayerError(
        text % tuple(native_from_text(value) if isinstance(value, six.text_type) else value for value in values))


class ChannelLayerManager(object):
    """Alias -> layer, as `django.core.cache.caches` is for caches."""

    def __init__(self):
        #: The layers that have been made: alias -> ChannelLayerWrapper.
        self.backends = {}
        # Two threads must not build two layers: what one sends, the other's
        # readers would never see.
        self._lock = threading.RLock()

    @property
    def configs(self):
        """CHANNEL_LAYERS as it is now."""
        # Imported here, since a layer that is used without a project needs
        # none of Django's settings, and the layers' package imports this.
        from ..conf import conf
        return conf.channel_layers

    def _checked_configs(self):
        configs = self.configs
        if not isinstance(configs, dict):
            raise InvalidChannelLayerError('CHANNEL_LAYERS must be a dict of alias -> configuration.')
        return configs

    def make_backend(self, name):
        """
        Return a new layer as CHANNEL_LAYERS describes `name`.

        Raise InvalidChannelLayerError, saying what to correct.
        """
        return self._make(name, 'CONFIG')

    def make_test_backend(self, name):
        """Return a new layer for `name` with its TEST_CONFIG."""
        if 'TEST_CONFIG' not in self._config(name):
            raise InvalidChannelLayerError(
                "CHANNEL_LAYERS['%s'] has no TEST_CONFIG, so a test can't tell its layer from the real one. Add one "
                "(for Redis, with another prefix)." % name
            )
        return self._make(name, 'TEST_CONFIG')

    def _config(self, alias):
        configs = self._checked_configs()
        try:
            config = configs[alias]
        except KeyError:
            known = ', '.join(repr(str(name)) for name in sorted(configs, key=str)) or 'none'
            raise UnknownChannelLayerError(
                "There is no channel layer %r. CHANNEL_LAYERS has: %s." % (str(alias), known)
            )
        if not isinstance(config, dict):
            raise InvalidChannelLayerError("CHANNEL_LAYERS['%s'] must be a dict." % alias)
        return config

    def _make(self, alias, key):
        config = self._config(alias)
        for required in ('BACKEND', 'ROUTING'):
            if required not in config:
                raise InvalidChannelLayerError("CHANNEL_LAYERS['%s'] has no %s." % (alias, required))
        try:
            backend = import_string(config['BACKEND'])
        except IMPORT_ERRORS as error:
            six.raise_from(_wrong(
                "The BACKEND of CHANNEL_LAYERS['%s'], %s, can't be imported: %s", alias, config['BACKEND'], error
            ), error)
        try:
            layer = backend(**config.get(key, {}))
        except BUILD_ERRORS as error:
            six.raise_from(_wrong(
                "The %s of CHANNEL_LAYERS['%s'] doesn't fit %s: %s", key, alias, config['BACKEND'], error
            ), error)
        missing = missing_methods(layer)
        if missing:
            raise _wrong(
                "The BACKEND of CHANNEL_LAYERS['%s'], %s, is not a channel layer: it has no %s.",
                alias, config['BACKEND'], ', '.join(missing)
            )
        return ChannelLayerWrapper(layer, alias, config['ROUTING'])

    def __getitem__(self, alias):
        try:
            return self.backends[alias]
        except KeyError:
            with self._lock:
                if alias not in self.backends:
                    self.backends[alias] = self.make_backend(alias)
                return self.backends[alias]

    def __contains__(self, alias):
        return alias in self._checked_configs()

    def __iter__(self):
        return iter(self._checked_configs())

    def set(self, key, layer):
        """Put `layer` in the place of `key` and return what was there."""
        with self._lock:
            old = self.backends.pop(key, None)
            if layer is not None:
                self.backends[key] = layer
            return old

    def reset(self):
        """Forget all layers; they are built again on next use."""
        with self._lock:
            self.backends.clear()


class ChannelLayerWrapper(object):
    """
    A layer as one project uses it: `channel_layer`, `alias` and `router`.

    Everything else is the layer's.
    """
    #: See BaseChannelLayer; a worker sets it here.
    are_streams_over = None

    def __init__(self, channel_layer, alias, routing):
        self.channel_layer = adapted(channel_layer)
        self.alias = alias
        self.routing = routing
        self._router = None
        self._unread = set()

    @property
    def router(self):
        # The routing imports the project's consumers, which nobody who only
        # sends needs.
        if self._router is None:
            router = Router(self.routing)
            router.check_default()
            self.router = router
        return self._router

    @router.setter
    def router(self, router):
        acknowledged = router.acknowledged_channels()
        if acknowledged and self.channel_layer.supports_acknowledgement:
            self.channel_layer.declare(acknowledged)
        self._router = router

    def route_by(self, routing, router=None):
        """
        Route by `routing` from now on; return (routing, router) of before.

        Without a `router`, it is made when it is asked for.
        """
        before = self.routing, self._router
        self.routing, self._router = routing, router
        return before

    def options_of(self, channel):
        """As the layer's options_of(), after the routing has said what is acknowledged."""
        self.router
        return self.channel_layer.options_of(channel)

    def warn_if_unread(self, channel):
        """
        Log, once, that no worker with this routing reads `channel`.

        It is not an error, since workers of another project may. Without the
        routing, which a process that only sends never loads, say nothing.
        """
        if '!' in channel or '?' in channel or self._router is None or channel in self._router.channels:
            return
        if channel in self._unread or channel in READ_ELSEWHERE or len(self._unread) >= MAX_UNREAD:
            return
        self._unread.add(channel)
        if channel in READ_BY:
            logger.warning(
                "A message that is to be sent later waits on %s, which no route of the channel layer %s reads; unless "
                "another project's workers do, it is never sent. Add include('%s') to the ROUTING.",
                channel, self, READ_BY[channel]
            )
            return
        logger.warning(
            "A message was sent to %s, which no route of the channel layer %s reads; unless another project's workers "
            'do, it will %s. Add a route for it, or correct the name.',
            channel, self, 'expire' if self.channel_layer.options_of(channel) is None else 'wait there'
        )

    def local_only(self):
        """Return whether only this process sees the layer's messages."""
        return not self.channel_layer.spans_processes

    # What each message needs. By __getattr__(), Python would first make an
    # error of each, whose text nobody reads.

    def send(self, channel, message):
        """As the layer's send()."""
        return self.channel_layer.send(channel, message)

    def send_group(self, group, message):
        """As the layer's send_group()."""
        return self.channel_layer.send_group(group, message)

    def receive(self, channels, block=False):
        """As the layer's receive()."""
        return self.channel_layer.receive(channels, block)

    def __getattr__(self, name):
        return getattr(self.channel_layer, name)

    def __str__(self):
        return '%s (%s)' % (native_from_text(self.alias), self.channel_layer.class_name)

    def __repr__(self):
        return '<ChannelLayerWrapper %s>' % self


channel_layers = ChannelLayerManager()
