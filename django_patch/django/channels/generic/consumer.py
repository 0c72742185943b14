"""
The class-based consumer for WebSockets that `websockets` builds on.
"""
from __future__ import absolute_import

from ..auth import channel_and_http_session_user_from_http, channel_session_user_from_http
from ..channel import Group
from ..compat.coroutines import SUPPORTS_ASYNC, is_coroutine_function
from ..exceptions import MalformedFrame
from ..sessions import enforce_ordering
from .base import BaseConsumer


class WebsocketConsumer(BaseConsumer):
    """
    A consumer for sockets: override connect(), receive(), disconnect().

    A class that overrides connect() has to accept the socket there, with
    ``message.reply_channel.send({'accept': True})``.
    """
    method_mapping = {
        'websocket.connect': 'raw_connect',
        'websocket.receive': 'raw_receive',
        'websocket.disconnect': 'raw_disconnect',
    }
    #: Do the messages have the `user` of the handshake's HTTP session?
    http_user = False
    #: And also that `http_session` itself?
    http_user_and_session = False
    #: Is each message handled only after the one before it?
    strict_ordering = False
    #: No longer there; True is an error.
    slight_ordering = False
    #: The names of the groups that a socket is in while it is open.
    groups = None

    #: What malformed() was called with, if it was.
    malformed_error = None
    #: Where async code runs: functions to call once the method has returned.
    deferred = ()
    #: The path that the socket was opened at.
    path = None

    def get_method(self, name):
        if SUPPORTS_ASYNC:
            from ..asynchronous.generic import METHODS
            overridden, make = METHODS.get(name, (None, None))
            if make is not None and self.has_async(overridden):
                return make(self)
        return super(WebsocketConsumer, self).get_method(name)

    def has_async(self, name):
        """Return whether the method `name` is async, or runs what is."""
        return is_coroutine_function(getattr(self, name))

    def has_own(self, name):
        """Return whether the class overrides the method `name`."""
        return getattr(type(self), name) is not getattr(WebsocketConsumer, name)

    def get_handler(self, message, **kwargs):
        self.path = message.get('path')
        if self.http_user or self.http_user_and_session:
            self.channel_session_user = True
        handler = super(WebsocketConsumer, self).get_handler(message, **kwargs)
        if self.http_user_and_session:
            handler = channel_and_http_session_user_from_http(handler)
        elif self.http_user and message.channel.name == 'websocket.connect':
            handler = channel_session_user_from_http(handler)
        elif self.http_user and not hasattr(message, 'http_session'):
            # Only a handshake names one.
            message.http_session = None
        if self.slight_ordering:
            raise ValueError('slight_ordering is gone: the handshake already comes before all else. Remove it.')
        return enforce_ordering(handler) if self.strict_ordering else handler

    def connection_groups(self, **kwargs):
        """Return the names of the groups that the socket shall be in."""
        return self.groups or []

    def groups_of(self, message, kwargs):
        """Return connection_groups() as a list of Groups."""
        return [Group(name, channel_layer=message.channel_layer) for name in self.connection_groups(**kwargs)]

    # Opening

    def raw_connect(self, message, **kwargs):
        groups = self.groups_of(message, kwargs)
        # First, so that what connect() sends to a group comes back as well.
        for group in groups:
            group.add(message.reply_channel)
        try:
            return self.connect(message, **kwargs)
        except Exception:
            # The socket will never open.
            for group in groups:
                group.discard(message.reply_channel)
            raise

    def connect(self, message, **kwargs):
        """Accept the socket."""
        message.reply_channel.send({'accept': True})

    # Frames

    def raw_receive(self, message, **kwargs):
        try:
            return self.receive_frame(message, **kwargs)
        except MalformedFrame as error:
            self.malformed_error = error
            return self.malformed(error, **kwargs)

    def receive_frame(self, message, **kwargs):
        """Call receive() with what `message` brings; raise MalformedFrame if that can't be read."""
        if message.get('text') is not None:
            return self.receive(text=message['text'], **kwargs)
        return self.receive(bytes=message.get('bytes'), **kwargs)

    def receive(self, text=None, bytes=None, **kwargs):
        """Take a frame: one of `text` and `bytes`, the other is None."""

    def malformed(self, error, **kwargs):
        """
        Deal with a frame that can't be read; `error` is a MalformedFrame.

        Raising it, as this method does, logs a line and closes the socket.
        Override it to answer instead.
        """
        raise error

    def send(self, text=None, bytes=None, close=False):
        """
        Send a frame to the client, and close the socket if `close` says so.

        `close` is True or a close code.
        """
        self.message.reply_channel.send(_frame(text, bytes, close))

    @classmethod
    def group_send(cls, name, text=None, bytes=None, close=False):
        """As send(), to every socket in the group `name`."""
        Group(name).send(_frame(text, bytes, close))

    # Closing

    def close(self, status=True):
        """Close the socket; `status` is True or a close code."""
        self.message.reply_channel.send({'close': status})

    def raw_disconnect(self, message, **kwargs):
        for group in self.groups_of(message, kwargs):
            group.discard(message.reply_channel)
        return self.disconnect(message, **kwargs)

    def disconnect(self, message, **kwargs):
        """Clean up after a socket that has closed."""


def _frame(text, bytes, close):
    if text is None and bytes is None and not close:
        raise ValueError('There is nothing to send: pass text, bytes or close.')
    if text is not None and bytes is not None:
        raise ValueError('A frame holds either text or bytes, not both.')
    frame = {'text': text} if text is not None else {} if bytes is None else {'bytes': bytes}
    if close:
        frame['close'] = close
    return frame
