"""
Class-based consumers for WebSockets: plain, JSON, and several over one.
"""
from __future__ import absolute_import

import copy
import json

from django.core.serializers.json import DjangoJSONEncoder

from ..auth import channel_and_http_session_user_from_http, channel_session_user_from_http
from ..channel import Group
from ..compat.coroutines import SUPPORTS_ASYNC, is_coroutine, is_coroutine_function
from ..exceptions import SendNotAvailableOnDemultiplexer
from ..sessions import enforce_ordering
from .base import BaseConsumer


class WebsocketConsumer(BaseConsumer):
    """
    A consumer for sockets: override connect(), receive(), disconnect().

    Whoever overrides connect() has to accept the socket there, with
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

    #: The path that the socket was opened at.
    path = None

    def get_method(self, name):
        if SUPPORTS_ASYNC:
            from ..asynchronous.generic import METHODS
            overridden, make = METHODS.get(name, (None, None))
            if make is not None and is_coroutine_function(getattr(self, overridden)):
                return make(self)
        return super(WebsocketConsumer, self).get_method(name)

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
            self.connect(message, **kwargs)
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
        if message.get('text') is not None:
            return self.receive(text=message['text'], **kwargs)
        return self.receive(bytes=message['bytes'], **kwargs)

    def receive(self, text=None, bytes=None, **kwargs):
        """Take a frame: one of `text` and `bytes`, the other is None."""

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
        self.disconnect(message, **kwargs)

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


class JsonWebsocketConsumer(WebsocketConsumer):
    """A WebsocketConsumer whose frames are JSON in both directions."""

    def raw_receive(self, message, **kwargs):
        if message.get('text') is None:
            raise ValueError('A binary frame came where JSON was expected.')
        return self.receive(self.decode_json(message['text']), **kwargs)

    def receive(self, content, **kwargs):
        """Take a frame's decoded content."""

    def send(self, content, close=False):
        """Send `content` as JSON; `close` is as for WebsocketConsumer."""
        super(JsonWebsocketConsumer, self).send(text=self.encode_json(content), close=close)

    @classmethod
    def group_send(cls, name, content, close=False):
        """As send(), to every socket in the group `name`."""
        WebsocketConsumer.group_send(name, text=cls.encode_json(content), close=close)

    @classmethod
    def decode_json(cls, text):
        """Return what `text` stands for."""
        return json.loads(text)

    @classmethod
    def encode_json(cls, content):
        """Return text that stands for `content`."""
        return json.dumps(content)


class WebsocketMultiplexer(object):
    """
    The way back for a consumer behind a WebsocketDemultiplexer.

    It sends to one stream of one socket, or to a stream of a group.
    """
    stream = None
    reply_channel = None

    def __init__(self, stream, reply_channel):
        self.stream = stream
        self.reply_channel = reply_channel

    def send(self, payload):
        """Send `payload` to the client, on this stream."""
        self.reply_channel.send(self.encode(self.stream, payload))

    @classmethod
    def encode_json(cls, content):
        """Return text that stands for `content`."""
        return json.dumps(content, cls=DjangoJSONEncoder)

    @classmethod
    def encode(cls, stream, payload):
        """Return the message that carries `payload` on `stream`."""
        return {'text': cls.encode_json({'stream': stream, 'payload': payload})}

    @classmethod
    def group_send(cls, name, stream, payload, close=False):
        """Send `payload` on `stream` of every socket in the group `name`."""
        message = cls.encode(stream, payload)
        if close:
            message['close'] = close
        Group(name).send(message)


class WebsocketDemultiplexer(JsonWebsocketConsumer):
    """
    Several consumers over one socket, each with a stream of its own.

    A frame ``{"stream": ..., "payload": {...}}`` goes to the consumer of
    that stream; all of them hear of the socket's opening and closing. They
    get the way back as the keyword argument `multiplexer`.
    """
    #: Stream -> consumer.
    consumers = {}
    multiplexer_class = WebsocketMultiplexer

    def connect(self, message, **kwargs):
        """Accept the socket and tell all consumers."""
        message.reply_channel.send({'accept': True})
        for stream in self.consumers:
            self._consume(stream, message, kwargs)

    def receive(self, content, **kwargs):
        """Hand a frame to the consumer of its stream."""
        if not isinstance(content, dict) or 'stream' not in content or 'payload' not in content:
            raise ValueError('A multiplexed frame must be {"stream": ..., "payload": {...}}.')
        stream, payload = content['stream'], content['payload']
        if not isinstance(payload, dict):
            raise ValueError('The payload of a multiplexed frame must be an object.')
        # A list, since a client may name a stream by what isn't hashable.
        if stream not in list(self.consumers):
            raise ValueError('There is no consumer for the stream %r.' % (stream,))
        message = copy.copy(self.message)
        message.content = dict(message.content, text=self.encode_json(payload))
        self._consume(stream, message, kwargs)

    def disconnect(self, message, **kwargs):
        """Tell all consumers that the socket has closed."""
        for stream in self.consumers:
            self._consume(stream, message, kwargs)

    def _consume(self, stream, message, kwargs):
        consumer = self.consumers[stream]
        multiplexer = self.multiplexer_class(stream, message.reply_channel)
        if isinstance(consumer, type) and hasattr(consumer, 'send'):
            consumer = self._without_send(consumer)
        result = consumer(message, **dict(kwargs, multiplexer=multiplexer))
        result = getattr(result, 'outcome', result)
        if is_coroutine(result):
            result.close()
            raise TypeError('The consumer of the stream %r is async; those of a demultiplexer must not be.' % stream)

    @classmethod
    def _without_send(cls, consumer):
        """Return a subclass of `consumer` that can't send by itself."""
        # Not the class itself: what it does elsewhere is left alone.
        if '_known' not in vars(cls):
            cls._known = {}
        if consumer not in cls._known:
            cls._known[consumer] = type(consumer)(consumer.__name__, (consumer,), {
                '__module__': consumer.__module__, 'send': _refuse_to_send,
            })
        return cls._known[consumer]

    def send(self, *args, **kwargs):
        _refuse_to_send(self)

    @classmethod
    def group_send(cls, *args, **kwargs):
        raise SendNotAvailableOnDemultiplexer(
            'A frame needs a stream here: use WebsocketMultiplexer.group_send(name, stream, payload).'
        )


def _refuse_to_send(consumer, *args, **kwargs):
    raise SendNotAvailableOnDemultiplexer(
        'A frame needs a stream here: use send() of the multiplexer that came as a keyword argument.'
    )
