"""
Routing: the choice of the consumer for a message, by its channel and content.
"""
from __future__ import absolute_import

import copy
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .compat import six
from .exceptions import DenyConnection
from .filters import Filters, keyword_arguments
from .names import validate_channel_name
from .retries import Acknowledged

#: The consumer of http.request where a project names none: Django's views.
DEFAULT_HTTP_CONSUMER = 'django.channels.handler.view_consumer'

#: The consumer of websocket.disconnect where a project names none.
DEFAULT_DISCONNECT_CONSUMER = 'django.channels.channel_sessions.end_session'


class Router(object):
    """
    A project's routing, then the defaults, once check_default() has set them.

    `routing` is a list of routes, a dict of channel -> consumer, or the
    dotted path of either. `channels` is the set of names to receive from.
    The router of a layer has the defaults.
    """

    def __init__(self, routing):
        self.root = Include(resolve_routing(routing))
        self.channels = self.root.channel_names()
        self._defaults = []

    def add_route(self, route):
        """Add `route` behind those there are, before the defaults."""
        self.root.routing.append(route)
        self.channels |= set(route.channel_names())

    def acknowledged_channels(self):
        """Return {channel: ChannelOptions} of the channels that routes call acknowledged."""
        return _acknowledged_channels(self.root.routing)

    def acknowledgement(self, message):
        """Return the Acknowledged of the route that `message` takes, or None."""
        return _acknowledgement(self.root.routing, message)

    def check_default(self, http_consumer=None):
        """
        Set the routes for what the project leaves open.

        http.request goes to `http_consumer`, or to Django's views. A
        WebSocket is refused unless the project receives from its path.
        """
        self._defaults = [
            Route('http.request', http_consumer or DEFAULT_HTTP_CONSUMER),
            Route('websocket.connect', self._connect_if_received),
            Route('websocket.disconnect', DEFAULT_DISCONNECT_CONSUMER),
            Route(['http.disconnect', 'websocket.receive'], ignore),
        ]
        # A worker receives from http.disconnect only if a route asks for it.
        self.channels |= {'http.request', 'websocket.connect', 'websocket.receive', 'websocket.disconnect'}

    def _connect_if_received(self, message):
        later = copy.copy(message)
        later.channel = _Name('websocket.receive')
        if not any(route.match(later) for route in self.root.routing):
            raise DenyConnection('No route for WebSockets at %s.' % message.get('path'))
        message.reply_channel.send({'accept': True})

    def match(self, message):
        """Return (consumer, its keyword arguments) for `message`, or None."""
        match = self.root.match(message)
        return _first_match(self._defaults, message) if match is None else match


class _Name(object):
    """Stands in for the Channel of a message that was never sent."""

    def __init__(self, name):
        self.name = name


def ignore(message, **kwargs):
    """Do nothing: the consumer for messages that a project has no route for."""


def null_consumer(message, **kwargs):
    """Do nothing with the message."""


def connect_consumer(message, **kwargs):
    """Accept the socket."""
    message.reply_channel.send({'accept': True})


class Route(object):
    """
    One consumer for some channels.

    `channels` is a name or a list of names, `consumer` a callable or its
    dotted path, and each filter a regular expression that the message's
    value of that key has to match from its start. Raise TypeError or
    ValueError for what no worker could receive from or filter by.

    With `acknowledged`, True or an Acknowledged, the channels are
    acknowledged ones: see `retries`. (Text is a filter like others.)
    """

    def __init__(self, channels, consumer, **filters):
        self.acknowledged = _taken_acknowledged(filters)
        if isinstance(channels, (six.text_type, str, bytes)) or not hasattr(channels, '__iter__'):
            channels = [channels]
        # A reader that asked for one wrong name would get nothing at all.
        self.channels = [validate_channel_name(name, receive=True) for name in channels]
        self._consumer = consumer
        self.filters = Filters(filters)

    @property
    def consumer(self):
        if isinstance(self._consumer, (six.text_type, str)):
            self._consumer = _import(self._consumer, 'consumer')
        return self._consumer

    @consumer.setter
    def consumer(self, consumer):
        self._consumer = consumer

    def channel_names(self):
        return set(self.channels)

    def acknowledged_channels(self):
        """Return {channel: ChannelOptions} of what is acknowledged."""
        return {name: self.acknowledged.options for name in self.channels} if self.acknowledged else {}

    def acknowledgement(self, message):
        """Return the Acknowledged of `message`; None if it doesn't fit, or isn't on an acknowledged channel."""
        return self.acknowledged if self.acknowledged and self.match(message) is not None else None

    def match(self, message):
        """Return (consumer, keyword arguments) if `message` fits, or None."""
        if message.channel.name not in self.channels:
            return None
        if not self.filters:
            return self.consumer, {}
        matches = self.filters.match(message)
        return None if matches is None else (self.consumer, keyword_arguments(matches))

    def __repr__(self):
        return '<%s %s -> %s>' % (type(self).__name__, '/'.join(self.channels), _name_of(self._consumer))


class RouteClass(Route):
    """As Route, for a class-based consumer, which knows its channels."""

    def __init__(self, consumer, **filters):
        if isinstance(consumer, (six.text_type, str)):
            consumer = _import(consumer, 'consumer')
        if not callable(getattr(consumer, 'channel_names', None)):
            raise ValueError('%s has no channel_names() method: use route() for a function.' % _name_of(consumer))
        super(RouteClass, self).__init__(sorted(consumer.channel_names()), consumer, **filters)


def _first_match(routes, message):
    """Return what the first of `routes` that fits `message` returns, or None."""
    channel = message.channel.name
    for route in routes:
        if type(route) is not Route or channel in route.channels:
            match = route.match(message)
            if match is not None:
                return match
    return None


def _taken_acknowledged(filters):
    """Take what a route says of acknowledgement out of its keyword arguments; return an Acknowledged or None."""
    value = filters.get('acknowledged')
    if not isinstance(value, (bool, type(None), Acknowledged)):
        return None
    filters.pop('acknowledged', None)
    return Acknowledged() if value is True else value or None


class Include(object):
    """
    Routes under a common filter, whose match is taken off before they look.

    `routing` is what resolve_routing() takes.
    """

    def __init__(self, routing, **filters):
        self.routing = list(resolve_routing(routing))
        # As in Channels 1.x: what the prefix only groups, it may group so.
        self.prefixes = Filters(filters, named_only=False)

    def channel_names(self):
        return {name for route in self.routing for name in route.channel_names()}

    def acknowledged_channels(self):
        """Return {channel: ChannelOptions} of what is acknowledged."""
        return _acknowledged_channels(self.routing)

    def acknowledgement(self, message):
        """Return the Acknowledged of the first route that fits, or None."""
        inside = self._inside(message)
        return None if inside is None else _acknowledgement(self.routing, inside[0])

    def match(self, message):
        """Return what the first route that fits returns, or None."""
        if not self.prefixes:
            return _first_match(self.routing, message)
        inside = self._inside(message)
        if inside is None:
            return None
        message, kwargs = inside
        match = _first_match(self.routing, message)
        return (match[0], dict(kwargs, **match[1])) if kwargs and match is not None else match

    def _inside(self, message):
        """Return (message without what the filter matches, keyword arguments), or None if it doesn't match."""
        if not self.prefixes:
            return message, {}
        matches = self.prefixes.match(message)
        if matches is None:
            return None
        message = copy.copy(message)
        message.content = dict(message.content)
        for key, match in matches.items():
            message.content[key] = match.string[match.end():]
            if key == 'path':
                # What is left of it lies below the prefix.
                message.content['root_path'] = u''
        return message, keyword_arguments(matches)


def _acknowledged_channels(routes):
    # Routes that others have written need no more than Channels 1.x asks of
    # them.
    found = {}
    for route in reversed(routes):
        found.update(getattr(route, 'acknowledged_channels', dict)())
    return found


def _acknowledgement(routes, message):
    for route in routes:
        if route.match(message) is not None:
            find = getattr(route, 'acknowledgement', None)
            return None if find is None else find(message)
    return None


def resolve_routing(routing):
    """
    Return `routing` as a list of routes.

    Raise ImproperlyConfigured if it can't be used as a routing.
    """
    if isinstance(routing, (six.text_type, str)):
        routing = _import(routing, 'routing')
    if isinstance(routing, dict):
        return [Route(channel, routing[channel]) for channel in sorted(routing, key=str)]
    if isinstance(routing, Include):
        routing = [routing]
    if not isinstance(routing, (list, tuple)):
        raise ImproperlyConfigured(
            'A routing is a list of route(), route_class() and include(), a dict of channel -> consumer, or the '
            'dotted path of either, not %r.' % (routing,)
        )
    for route in routing:
        if not (hasattr(route, 'match') and hasattr(route, 'channel_names')):
            raise ImproperlyConfigured(
                '%r is not a route: write route("channel", consumer), route_class(Consumer) or include(routing).' %
                (route,)
            )
    return list(routing)


def _import(path, kind):
    # A relative path would be a ValueError.
    module = '' if path.startswith('.') else path.rpartition('.')[0]
    try:
        if module:  # import_string() takes an AttributeError in its code for a missing name.
            import_module(module)
        return import_string(path if module else '')
    except ImportError as error:
        return six.raise_from(ImproperlyConfigured("The %s %s can't be imported: %s" % (kind, path, error)), error)


def _name_of(consumer):
    return getattr(consumer, '__qualname__', None) or getattr(consumer, '__name__', None) or repr(consumer)


route = Route
route_class = RouteClass
include = Include
