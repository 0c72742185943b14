"""
Class-based consumers for WebSockets: plain, JSON, and several over one.
"""
from __future__ import absolute_import

import copy
import functools
import json

from django.core.serializers.json import DjangoJSONEncoder

from ..channel import Group
from ..compat.coroutines import WHAT_ASYNC_NEEDS, is_async_consumer, is_coroutine
from ..exceptions import MalformedFrame, SendNotAvailableOnDemultiplexer
from .consumer import WebsocketConsumer

__all__ = ['JsonWebsocketConsumer', 'WebsocketConsumer', 'WebsocketDemultiplexer', 'WebsocketMultiplexer']

#: The close code of RFC 6455 section 7.4.1 for a frame of the wrong type.
UNSUPPORTED_DATA = 1003


class JsonWebsocketConsumer(WebsocketConsumer):
    """A WebsocketConsumer whose frames are JSON in both directions."""

    def receive_frame(self, message, **kwargs):
        if message.get('text') is None:
            raise MalformedFrame('A binary frame came where JSON was expected.', code=UNSUPPORTED_DATA)
        try:
            content = self.decode_json(message['text'])
        except (ValueError, RuntimeError) as error:
            # A RuntimeError is what too many levels come to.
            raise MalformedFrame("A frame isn't JSON: %s." % str(error).rstrip('.'))
        return self.receive(content, **kwargs)

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
        return json.loads(text, parse_constant=_refuse_constant)

    @classmethod
    def encode_json(cls, content):
        """Return text that stands for `content`."""
        return json.dumps(content)


def _refuse_constant(name):
    # Python reads these; no browser does, nor writes them.
    raise ValueError('%s is not a value of JSON' % name)


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
    get the way back as the keyword argument `multiplexer`. If one of them is
    async, all run after the method that calls them, the others in a thread.
    """
    #: Stream -> consumer.
    consumers = {}
    multiplexer_class = WebsocketMultiplexer

    def has_async(self, name):
        """Return whether the method `name` or one of the consumers is async; then they are `deferred`."""
        if not any(is_async_consumer(consumer) for consumer in self.consumers.values()):
            return super(WebsocketDemultiplexer, self).has_async(name)
        self.deferred = []
        return True

    def connect(self, message, **kwargs):
        """Accept the socket and tell all consumers."""
        message.reply_channel.send({'accept': True})
        for stream in self.consumers:
            self._consume(stream, message, kwargs)

    def receive(self, content, **kwargs):
        """Hand a frame to the consumer of its stream."""
        if not isinstance(content, dict) or 'stream' not in content or 'payload' not in content:
            raise MalformedFrame('A multiplexed frame must be {"stream": ..., "payload": {...}}.')
        stream, payload = content['stream'], content['payload']
        if not isinstance(payload, dict):
            raise MalformedFrame('The payload of a multiplexed frame must be an object.')
        # A list, since a client may name a stream by what isn't hashable.
        if stream not in list(self.consumers):
            raise MalformedFrame('There is no consumer for the stream %r.' % (stream,))
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
        call = functools.partial(consumer, message, **dict(kwargs, multiplexer=multiplexer))
        if isinstance(self.deferred, list):
            self.deferred.append(call)
            return
        result = call()
        result = getattr(result, 'outcome', result)
        if is_coroutine(result):
            result.close()
            raise TypeError('The consumer of the stream %r is async, which needs %s.' % (stream, WHAT_ASYNC_NEEDS))

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
