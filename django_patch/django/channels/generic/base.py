"""
The base of class-based consumers.
"""
from __future__ import absolute_import

from ..auth import channel_session_user
from ..routing import route_class
from ..sessions import channel_session


class BaseConsumer(object):
    """
    A consumer with a method for each channel it takes messages from.

    Calling the class is consuming: there is one instance a message, with
    `message` and, as `kwargs`, what the route made of it.
    """
    #: Channel -> the name of the method for its messages, which is called
    #: with the message and the keyword arguments.
    method_mapping = {}
    #: Do the messages get a `channel_session`?
    channel_session = False
    #: Do they get a `user` out of it, too?
    channel_session_user = False

    def __init__(self, message, **kwargs):
        self.message = message
        self.kwargs = kwargs
        #: What the method has returned: a coroutine, if it is async.
        self.outcome = self.dispatch(message, **kwargs)

    @classmethod
    def channel_names(cls):
        """Return the names of the channels to receive from, as a set."""
        return set(cls.method_mapping)

    @classmethod
    def as_route(cls, attrs=None, **filters):
        """
        Return a route to this class.

        `attrs` is a dict of class attributes that differ on this route;
        `filters` are as for route_class().
        """
        if attrs is not None and not isinstance(attrs, dict):
            raise TypeError('attrs must be a dict of class attributes, not %s.' % type(attrs).__name__)
        return route_class(type(cls)(cls.__name__, (cls,), dict(attrs)) if attrs else cls, **filters)

    def get_handler(self, message, **kwargs):
        """Return the method for `message`; override it to decorate that."""
        handler = self.get_method(self.method_mapping[message.channel.name])
        if self.channel_session_user:
            return channel_session_user(handler)
        if self.channel_session:
            return channel_session(handler)
        return handler

    def get_method(self, name):
        """Return the method of that name, which may be a coroutine function."""
        return getattr(self, name)

    def dispatch(self, message, **kwargs):
        """Call the method for `message` and return its result."""
        return self.get_handler(message, **kwargs)(message, **kwargs)
