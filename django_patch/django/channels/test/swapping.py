"""
Other layers and other routes in the place of a project's, for a while.
"""
from __future__ import absolute_import

import functools

from ..layers import DEFAULT_CHANNEL_LAYER, ChannelLayerWrapper, channel_layers
from ..layers.memory import InMemoryChannelLayer
from ..routing import include


class swap_layers(object):
    """
    A context in which the layers of `aliases` are what `make(alias)` returns.

    They are made on first use, and again after CHANNEL_LAYERS has changed,
    as it does under override_settings. What was there before comes back.
    """

    def __init__(self, aliases, make):
        self.aliases = aliases
        self.make = make

    def __enter__(self):
        self._original = channel_layers.make_backend
        self._layers = {alias: channel_layers.set(alias, None) for alias in self.aliases}
        channel_layers.make_backend = self._make_backend
        return self

    def __exit__(self, *exc_info):
        channel_layers.make_backend = self._original
        for alias, layer in self._layers.items():
            channel_layers.set(alias, layer)

    def _make_backend(self, alias):
        return self.make(alias) if alias in self.aliases else self._original(alias)


def make_in_memory_layer(alias):
    """
    Return a new in-memory layer with the routing of `alias`.

    Raise InvalidChannelLayerError if CHANNEL_LAYERS has no such alias; only
    the default one may be missing, and has no routes then.
    """
    if alias in channel_layers:
        routing = channel_layers.configs[alias].get('ROUTING', [])
    elif alias == DEFAULT_CHANNEL_LAYER:
        # The tests of a reusable app, which bring their routes along.
        routing = []
    else:
        # For its error, which names the aliases there are.
        return channel_layers.make_test_backend(alias)
    return ChannelLayerWrapper(InMemoryChannelLayer(), alias, routing)


class apply_routes(object):
    """
    Decorator and context manager: layers route by `routes` alone.

    `routes` is a route, a list of lists of routes, or whatever ROUTING may
    be. `aliases` are those of the layers, the default one if it is left
    out. On a class, it holds for each test with its setUp().
    """

    def __init__(self, routes, aliases=None):
        self.routes = _routing(routes)
        self.aliases = [DEFAULT_CHANNEL_LAYER] if aliases is None else aliases
        # A stack, since one object may be entered by several at once.
        self._before = []

    def enter(self):
        """Replace the routes."""
        # Not by other layers: who holds these goes on with them.
        layers = [channel_layers[alias] for alias in self.aliases]
        self._before.append([(layer, layer.route_by(self.routes)) for layer in layers])
        return self

    def exit(self, exc_type=None, exc_val=None, exc_tb=None):
        """Put back what enter() has replaced."""
        for layer, before in self._before.pop():
            layer.route_by(*before)

    __enter__ = enter
    __exit__ = exit

    def __call__(self, decorated):
        if isinstance(decorated, type):
            return self._decorate_class(decorated)

        @functools.wraps(decorated)
        def inner(*args, **kwargs):
            with self:
                return decorated(*args, **kwargs)
        return inner

    def _decorate_class(self, case):
        set_up = case.setUp

        @functools.wraps(set_up)
        def inner(test):
            self.__enter__()
            test.addCleanup(self.__exit__)
            set_up(test)
        case.setUp = inner
        return case


def _routing(routes):
    """Return what apply_routes() was given as a routing."""
    if hasattr(routes, 'match'):
        return [routes]
    if isinstance(routes, (list, tuple)):
        return [include(route) if isinstance(route, (list, tuple)) else route for route in routes]
    return routes
