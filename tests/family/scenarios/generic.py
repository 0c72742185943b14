"""Class-based consumers (parity A.6)."""
from __future__ import absolute_import, unicode_literals

import json

from channels import Group, route_class
from channels.generic import BaseConsumer
from channels.generic.websockets import (
    JsonWebsocketConsumer, WebsocketConsumer, WebsocketDemultiplexer, WebsocketMultiplexer,
)

from .cases import attempt, case, cases
from .sessions import cookie, make_user, site_session
from .tools import layer, message, received, work

FRAMES = {
    'connect': {'path': '/chat/', 'headers': [], 'order': 0},
    'receive': {'path': '/chat/', 'text': '{"a": 1}', 'order': 1},
    'disconnect': {'path': '/chat/', 'code': 1000, 'order': 2},
}


def drive(consumer, *events, **options):
    """Have a worker run `consumer` on events of one socket; return what was seen and what was sent."""
    with layer([route_class(consumer, **options.pop('filters', {}))]) as wrapped:
        for event in events:
            name, more = event if isinstance(event, tuple) else (event, {})
            content = dict(FRAMES[name], reply_channel='websocket.send!a')
            content.update(more)
            wrapped.send('websocket.' + name, content)
            work(wrapped)
        return received(wrapped, 'websocket.send!a')


def recording(base, **attributes):
    """Return a subclass of `base` and the list of what its methods are called with."""
    seen = []

    def note(name):
        def method(self, *args, **kwargs):
            seen.append([name, [getattr(arg, 'content', arg) for arg in args], kwargs])
            if name == 'connect':
                self.message.reply_channel.send({'accept': True})
        return method
    members = {name: note(name) for name in ('connect', 'receive', 'disconnect')}
    return type(str('Recording'), (base,), dict(members, **attributes)), seen


def seen_by(base, *events, **options):
    consumer, seen = recording(base, **options.pop('attributes', {}))
    sent = drive(consumer, *events, **options)
    return [seen, sent]


ALL = ('connect', 'receive', 'disconnect')
cases('WebsocketConsumer', {
    'life of a socket': lambda: seen_by(WebsocketConsumer, *ALL),
    'arguments of the route': lambda: seen_by(WebsocketConsumer, *ALL, filters={'path': r'^/(?P<room>[a-z]+)/'}),
    'accepts by default': lambda: drive(type(str('C'), (WebsocketConsumer,), {}), *ALL),
    'bytes': lambda: seen_by(WebsocketConsumer, ('receive', {'text': None, 'bytes': b'\x00'})),
    'bytes without text': lambda: bytes_alone(),
    'strict ordering': lambda: seen_by(WebsocketConsumer, *ALL, attributes={'strict_ordering': True}),
    'slight ordering': lambda: attempt(
        type(str('C'), (WebsocketConsumer,), {'slight_ordering': True}),
        message(FRAMES['connect'], 'websocket.connect'),
    ),
    'channel names': lambda: sorted(WebsocketConsumer.channel_names()),
    'method mapping': lambda: WebsocketConsumer.method_mapping,
    'flags': lambda: [getattr(WebsocketConsumer, name) for name in (
        'channel_session', 'channel_session_user', 'http_user', 'http_user_and_session', 'strict_ordering', 'groups')],
})


def bytes_alone():
    consumer, seen = recording(WebsocketConsumer)
    with layer() as wrapped:
        consumer(message({'path': '/', 'bytes': b'x'}, 'websocket.receive', wrapped))
    return seen


def calls(base, function, channel='websocket.receive', content=None):
    """Return what a method that calls `function(self)` sends, to its socket and to group g."""
    consumer = type(str('Calls'), (base,), {
        'receive': lambda self, *args, **kwargs: function(self), 'connect': lambda self, *args,
        **kwargs: function(self),
    })
    with layer([route_class(consumer)]) as wrapped:
        Group('g').add('tap')
        wrapped.send(channel, dict(content or FRAMES['receive'], reply_channel='websocket.send!a'))
        work(wrapped)
        return [received(wrapped, 'websocket.send!a'), received(wrapped, 'tap')]


def direct(base, function):
    """Return the outcome of `function(consumer)`, called on an instance outside of a worker."""
    found = []
    consumer = type(str('Direct'), (base,), {'receive': lambda self, *args, **kwargs: found.append(self)})
    with layer() as wrapped:
        consumer(message(FRAMES['receive'], 'websocket.receive', wrapped))
        outcome = attempt(function, found[0])
        return [outcome, received(wrapped, 'reply!a')]


cases('WebsocketConsumer.send', {
    'text': lambda: calls(WebsocketConsumer, lambda self: self.send('hello')),
    'text=': lambda: calls(WebsocketConsumer, lambda self: self.send(text='hello')),
    'bytes': lambda: calls(WebsocketConsumer, lambda self: self.send(bytes=b'x')),
    'empty text': lambda: calls(WebsocketConsumer, lambda self: self.send('')),
    'text and close': lambda: calls(WebsocketConsumer, lambda self: self.send('x', close=True)),
    'text and code': lambda: calls(WebsocketConsumer, lambda self: self.send('x', close=3000)),
    'nothing': lambda: direct(WebsocketConsumer, lambda self: self.send()),
    'close alone': lambda: direct(WebsocketConsumer, lambda self: self.send(close=True)),
    'both': lambda: direct(WebsocketConsumer, lambda self: self.send(text='x', bytes=b'x')),
    'close': lambda: calls(WebsocketConsumer, lambda self: self.close()),
    'close with a code': lambda: calls(WebsocketConsumer, lambda self: self.close(4000)),
    'close with status=': lambda: calls(WebsocketConsumer, lambda self: self.close(status=4000)),
    'group': lambda: calls(WebsocketConsumer, lambda self: self.group_send('g', 'x')),
    'group by keywords': lambda: calls(
        WebsocketConsumer, lambda self: self.group_send(name='g', text='x', close=True),
    ),
    'group with bytes': lambda: calls(WebsocketConsumer, lambda self: self.group_send('g', bytes=b'x')),
    'group with nothing': lambda: direct(WebsocketConsumer, lambda self: self.group_send('g')),
    'path': lambda: direct(WebsocketConsumer, lambda self: self.path),
    'path is set': lambda: direct(WebsocketConsumer, lambda self: setattr(self, 'path', '/x') or self.path),
    'message and kwargs': lambda: direct(WebsocketConsumer, lambda self: [self.message['path'], self.kwargs]),
    'connection groups': lambda: direct(WebsocketConsumer, lambda self: self.connection_groups()),
    'connection groups with arguments': lambda: direct(WebsocketConsumer, lambda self: self.connection_groups(a=1)),
})
cases('JsonWebsocketConsumer', {
    'life of a socket': lambda: seen_by(JsonWebsocketConsumer, *ALL),
    'a list': lambda: seen_by(JsonWebsocketConsumer, ('receive', {'text': '[1, null]'})),
    'not JSON': lambda: attempt(
        recording(JsonWebsocketConsumer)[0], message({'path': '/', 'text': '{bad'}, 'websocket.receive')),
    'bytes': lambda: attempt(
        recording(JsonWebsocketConsumer)[0], message({'path': '/', 'bytes': b'x'}, 'websocket.receive')),
    'send': lambda: calls(JsonWebsocketConsumer, lambda self: self.send({'a': [1, None]})),
    'send content=': lambda: calls(JsonWebsocketConsumer, lambda self: self.send(content=5, close=True)),
    'send what is not JSON': lambda: direct(JsonWebsocketConsumer, lambda self: self.send(object())),
    'group': lambda: calls(JsonWebsocketConsumer, lambda self: self.group_send('g', {'a': 1})),
    'group close': lambda: calls(JsonWebsocketConsumer, lambda self: self.group_send('g', {'a': 1}, close=True)),
    'encode': lambda: JsonWebsocketConsumer.encode_json({'a': None}),
    'decode': lambda: JsonWebsocketConsumer.decode_json('{"a": null}'),
})


def http_user(attribute):
    user = make_user()
    found = []

    def note(self, message, **kwargs):
        found.append([message.user.username, getattr(message, 'http_session', 'none') is not None,
                      message.channel_session is not None, self.channel_session_user])
    consumer = type(str('C'), (WebsocketConsumer,), {
        attribute: True, 'connect': note, 'disconnect': note,
        'receive': lambda self, text=None, bytes=None: note(self, self.message),
    })
    drive(consumer, ('connect', {'headers': cookie(site_session(user))}), 'receive', 'disconnect')
    return found


cases('users of class-based consumers', {
    'http_user': lambda: http_user('http_user'),
    'http_user_and_session': lambda: http_user('http_user_and_session'),
})


@case('users of class-based consumers: the sessions of a frame under http_user')
def sessions_of_frame():
    found = []
    consumer = type(str('C'), (WebsocketConsumer,), {
        'http_user': True, 'receive': lambda self, **kwargs: found.append(self.message.http_session),
    })
    drive(consumer, 'connect', 'receive')
    return found


@case('users of class-based consumers: a subclass sets its own path')
def own_path():
    class Consumer(WebsocketConsumer):
        def get_handler(self, message, **kwargs):
            handler = super(Consumer, self).get_handler(message, **kwargs)
            self.path = self.path + 'more'
            return handler

        def receive(self, text=None, bytes=None, **kwargs):
            self.send(self.path)
    return drive(Consumer, 'receive')


class Plain(BaseConsumer):
    method_mapping = {'test': 'test', 'more': 'more'}
    label = 'plain'

    def test(self, message, **kwargs):
        message.reply_channel.send({'label': self.label, 'kwargs': sorted(kwargs.items())}, immediately=True)

    def more(self, message):
        message.reply_channel.send({'session': hasattr(message, 'channel_session')}, immediately=True)


def plain_consumer(consumer, channel='test', **kwargs):
    with layer() as wrapped:
        consumer(message({}, channel, wrapped), **kwargs)
        return received(wrapped, 'reply!a')


def as_route(**arguments):
    made = Plain.as_route(**arguments)
    with layer() as wrapped:
        match = made.match(message({'path': '/x'}, 'test', wrapped))
        if match is None:
            return None
        match[0](message({}, 'test', wrapped), **match[1])
        return [sorted(made.channels), match[1], received(wrapped, 'reply!a')]


cases('BaseConsumer', {
    'dispatch': lambda: plain_consumer(Plain), 'arguments': lambda: plain_consumer(Plain, a=1),
    'other channel': lambda: plain_consumer(Plain, 'more'),
    'unknown channel': lambda: plain_consumer(Plain, 'else'),
    'channel session': lambda: plain_consumer(type(str('C'), (Plain,), {'channel_session': True}), 'more'),
    'channel session user': lambda: plain_consumer(type(str('C'), (Plain,), {'channel_session_user': True}), 'more'),
    'channel names': lambda: sorted(Plain.channel_names()),
    'as_route': lambda: as_route(), 'as_route with attrs': lambda: as_route(attrs={'label': 'other'}),
    'as_route with a filter': lambda: as_route(path='^/(?P<p>x)'),
    'as_route without a match': lambda: as_route(path='^/y'),
    'as_route with a wrong attrs': lambda: as_route(attrs=['label']),
    'the class is left alone': lambda: as_route(attrs={'label': 'other'}) and Plain.label,
})


class Inner(JsonWebsocketConsumer):

    def connect(self, message, multiplexer=None, **kwargs):
        multiplexer.send({'connected': multiplexer.stream})

    def receive(self, content, multiplexer=None, **kwargs):
        multiplexer.send({'got': content, 'kwargs': sorted(kwargs)})

    def disconnect(self, message, multiplexer=None, **kwargs):
        multiplexer.send({'closed': multiplexer.stream})


class Outer(WebsocketDemultiplexer):
    consumers = {'one': Inner}


def frame(stream='one', payload=None, **more):
    return ('receive', {'text': json.dumps(dict({'stream': stream, 'payload': payload or {'a': 1}}, **more))})


def texts(sent):
    return [json.loads(item['text']) if 'text' in item else item for item in sent]


def outer(text):
    return attempt(Outer, message({'path': '/', 'text': text}, 'websocket.receive'))


cases('WebsocketDemultiplexer', {
    'connect': lambda: texts(drive(Outer, 'connect')),
    'receive': lambda: texts(drive(Outer, frame())),
    'disconnect': lambda: texts(drive(Outer, 'disconnect')),
    'arguments': lambda: texts(drive(Outer, frame(), filters={'path': '^/(?P<room>chat)'})),
    'unknown stream': lambda: outer(frame('two')[1]['text']),
    'no payload': lambda: outer('{"stream": "one"}'),
    'payload is a list': lambda: outer('{"stream": "one", "payload": [1]}'),
    'a list': lambda: outer('[1]'),
    'send': lambda: attempt(_send_of_demultiplexer),
    'group_send': lambda: attempt(Outer.group_send, 'g', 'one', {}),
    'consumer cannot send': lambda: attempt(_send_of_inner),
    'multiplexer class': lambda: Outer.multiplexer_class,
})


def _send_of_demultiplexer():
    class Sends(Outer):
        def receive(self, content, **kwargs):
            self.send({'a': 1})
    Sends(message({'path': '/', 'text': '{}'}, 'websocket.receive'))


def _send_of_inner():
    class Sends(JsonWebsocketConsumer):
        def receive(self, content, **kwargs):
            self.send({'a': 1})

    class Around(WebsocketDemultiplexer):
        consumers = {'one': Sends}
    Around(message({'path': '/', 'text': frame()[1]['text']}, 'websocket.receive'))


def multiplexed(function):
    with layer() as wrapped:
        Group('g').add('tap')
        function(WebsocketMultiplexer('s', message({}, 'x', wrapped).reply_channel))
        return [texts(received(wrapped, 'reply!a')), texts(received(wrapped, 'tap'))]


cases('WebsocketMultiplexer', {
    'send': lambda: multiplexed(lambda self: self.send({'a': 1})),
    'attributes': lambda: multiplexed(lambda self: [self.stream, self.reply_channel]),
    'group_send': lambda: multiplexed(lambda self: self.group_send('g', 's', {'a': 1})),
    'encode': lambda: json.loads(WebsocketMultiplexer.encode('s', {'a': None})['text']),
    'encode_json': lambda: WebsocketMultiplexer.encode_json({'a': None}),
})


@case('WebsocketMultiplexer: closing a group')
def multiplexer_close():
    with layer() as wrapped:
        Group('g').add('tap')
        WebsocketMultiplexer.group_send('g', 's', {}, close=True)
        return [item.get('close') for item in received(wrapped, 'tap')]


@case('groups: members while the socket is open')
def member():
    class Member(WebsocketConsumer):
        groups = ['g']
    found = []
    with layer([route_class(Member)]) as wrapped:
        for event in ('connect', 'disconnect'):
            wrapped.send('websocket.' + event, dict(FRAMES[event], reply_channel='websocket.send!a'))
            work(wrapped)
            received(wrapped, 'websocket.send!a')
            Group('g').send({'text': event})
            found.append(received(wrapped, 'websocket.send!a'))
    return found


@case('groups: by a method with arguments')
def member_by_method():
    class Member(WebsocketConsumer):
        def connection_groups(self, room):
            return ['room-' + room]
    with layer([route_class(Member, path='^/(?P<room>chat)')]) as wrapped:
        wrapped.send('websocket.connect', dict(FRAMES['connect'], reply_channel='websocket.send!a'))
        work(wrapped)
        received(wrapped, 'websocket.send!a')
        Group('room-chat').send({'text': 'x'})
        return received(wrapped, 'websocket.send!a')
