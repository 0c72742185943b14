"""Attributes of instances, which programs of the 1.x era read and replace (parity A.1 to A.11)."""
from __future__ import absolute_import, unicode_literals

import re

from channels import Channel, Group, channel_layers, include, route, route_class
from channels.asgi import ChannelLayerManager, ChannelLayerWrapper
from channels.generic import BaseConsumer
from channels.generic.websockets import WebsocketConsumer, WebsocketMultiplexer
from channels.handler import ViewConsumer
from channels.message import Message
from channels.routing import Router
from channels.security.websockets import allowed_hosts_only
from channels.sessions import session_for_reply_channel
from channels.staticfiles import StaticFilesHandler
from channels.test import Client, WSClient, apply_routes
from channels.worker import Worker, WorkerGroup
from django.test.utils import override_settings

from .cases import attempt, case, cases
from .http import request
from .routes import ByClass, matched, other
from .testing import tell, with_client
from .tools import layer, message, received, work
from .urls import consume

FRAME = {'path': '/', 'text': 'x', 'order': 1}


def of_class(kind):
    return kind(message(FRAME, 'websocket.receive'))


#: Name -> (how to make one, the attributes of its instances).
INSTANCES = {
    'Channel': (lambda: Channel('x'), 'name channel_layer'),
    'Group': (lambda: Group('x'), 'name channel_layer'),
    'Message': (lambda: message(), 'content channel channel_layer reply_channel'),
    'ChannelLayerManager': (ChannelLayerManager, 'backends'),
    'ChannelLayerWrapper': (lambda: channel_layers['default'], 'channel_layer alias routing router'),
    'Router': (lambda: Router([]), 'root channels'),
    'route': (lambda: route('x', consume), 'channels consumer filters'),
    'route_class': (lambda: route_class(ByClass), 'channels consumer filters'),
    'include': (lambda: include([route('x', consume)]), 'routing prefixes'),
    'BaseConsumer': (lambda: of_class(type(str('C'), (BaseConsumer,), {
        'method_mapping': {'websocket.receive': 'frame'}, 'frame': lambda self, message: None})), 'message kwargs'),
    'WebsocketConsumer': (lambda: of_class(WebsocketConsumer), 'message kwargs path'),
    'WebsocketMultiplexer': (lambda: WebsocketMultiplexer('s', Channel('x')), 'stream reply_channel'),
    'Worker': (lambda: Worker(channel_layers['default'], signal_handlers=False),
               'channel_layer callback message_retries signal_handlers only_channels exclude_channels termed'),
    'WorkerGroup': (lambda: WorkerGroup(channel_layers['default'], signal_handlers=False, n_threads=2),
                    'channel_layer callback message_retries only_channels exclude_channels termed'),
    'Client': (Client, 'reply_channel alias'), 'WSClient': (WSClient, 'reply_channel alias order'),
    'apply_routes': (lambda: apply_routes([route('x', consume)]), 'routes'),
    'AsgiRequest': (request, 'message reply_channel path path_info script_name method META resolver_match'),
    'ViewConsumer': (ViewConsumer, 'handler'), 'StaticFilesHandler': (StaticFilesHandler, 'base_url'),
    'an origin validator': (lambda: allowed_hosts_only(consume), 'func'),
}


def missing(make, names):
    instance = make()
    return [name for name in names if not hasattr(instance, name)]


def fixed(make, names):
    """Return the names of attributes that can't be replaced by what they hold."""
    instance = make()
    return [name for name in names if 'raised' in attempt(setattr, instance, name, getattr(instance, name))]


for _name, (_make, _names) in sorted(INSTANCES.items()):
    cases('attributes of ' + _name, {
        'are there': lambda make=_make, names=_names.split(): missing(make, names),
        'can be replaced': lambda make=_make, names=_names.split(): fixed(make, names),
    })


def replaced(make, name, value):
    instance = make()
    setattr(instance, name, value)
    return instance


def changed_in_place(thing, change):
    change(thing)
    return thing


def with_own_worker(change, count=1, routing=None):
    """Return what is sent to "out" while a worker that `change` has changed handles `count` messages."""
    with layer(routing or [route('test', lambda message: Channel('out').send({'n': 1}))]) as wrapped:
        wrapped.send('test', {'reply_channel': 'reply!a'})

        class Changed(Worker):
            def __init__(self, *args, **kwargs):
                super(Changed, self).__init__(*args, **kwargs)
                change(self)
        run_with(Changed, wrapped, count)
        return [received(wrapped, 'out'), received(wrapped, 'test')]


def run_with(kind, wrapped, count):
    from . import tools
    before = tools.Worker, tools._Once.__bases__
    tools.Worker = kind
    tools._Once.__bases__ = (kind,)
    try:
        work(wrapped, count)
    finally:
        tools.Worker, tools._Once.__bases__ = before


def defer(message):
    from channels.exceptions import ConsumeLater
    raise ConsumeLater()


class Own(Channel):
    """A channel of a program's own."""

    def __init__(self, number):
        super(Own, self).__init__('own-%d' % number)

    def send(self, content, **kwargs):
        super(Own, self).send({'own': content}, **kwargs)


class OwnGroup(Group):

    def send(self, content, immediately=False):
        super(OwnGroup, self).send({'group': self.name, 'content': content}, immediately)


def own_channel():
    with layer() as wrapped:
        Own(5).send('text')
        Group('g').add(Own(5))
        Group('g').send({'n': 2})
        OwnGroup('g').send('text')
        return received(wrapped, 'own-5')


def in_a_consumer():
    """Senders of a program's own, whose messages wait for the end of the consumer."""
    def consumer(message):
        Group('g').add('out')
        Own(5).send('text')
        OwnGroup('g').send('text')
    with layer([route('test', consumer)]) as wrapped:
        wrapped.send('test', {})
        work(wrapped)
        return [received(wrapped, 'own-5'), received(wrapped, 'out')]


def renamed_channel():
    with layer() as wrapped:
        channel = Channel('a')
        channel.name = 'b'
        channel.send({'n': 1})
        return received(wrapped, 'b')


def rerouted():
    """Hand a message on to the consumer of another channel, as a method of a program's protocol."""
    found = []
    with layer([route('first', lambda message: redirect(message)),
                route('second', lambda message, **kwargs: found.append(message.channel.name))]) as wrapped:
        def redirect(message):
            message.channel.name = 'second'
            consumer, kwargs = message.channel_layer.router.match(message)
            consumer(message, **kwargs)
        wrapped.send('first', {})
        work(wrapped)
        return found


class Counting(object):
    """What a program puts around a layer's send()."""

    def __init__(self, send):
        self.send, self.seen = send, []

    def __call__(self, channel, content):
        self.seen.append(channel)
        self.send(channel, content)


def spied():
    with layer([route('test', lambda message: Channel('out').send({'n': 1}))]) as wrapped:
        wrapped.send = Counting(wrapped.send)
        Channel('test').send({})
        work(wrapped)
        return [wrapped.send.seen, received(wrapped, 'out')]


def own_layer():
    """A layer that derives from the one there is, as a debugging tool makes it."""
    with layer() as wrapped:
        seen = []

        class Told(type(wrapped.channel_layer)):
            def send(self, channel, message):
                seen.append(['send', channel])
                return super(Told, self).send(channel, message)

            def send_group(self, group, message):
                seen.append(['send_group', group])
                return super(Told, self).send_group(group, message)

            def group_add(self, group, channel):
                seen.append(['group_add', group, channel])
                return super(Told, self).group_add(group, channel)

            def group_discard(self, group, channel):
                seen.append(['group_discard', group, channel])
                return super(Told, self).group_discard(group, channel)

        def consumer(message):
            Channel('out').send({'n': 1})
            Group('g').send({'n': 2})
        told = Told()
        told.receive_timeout = 0.001
        channel_layers.set('default', ChannelLayerWrapper(told, 'default', [route('test', consumer)]))
        Group('g').add('a')
        Channel('test').send({})
        work(channel_layers['default'])
        Group('g').discard('a')
        # In 1.1.8 a group of its own sends to each member.
        return [call for call in seen if call != ['send', 'a']]


def held_before():
    with layer([route('else', tell)]):
        held = channel_layers['default']
        with apply_routes([route('job', tell)]):
            inside = held.router.match(message({}, 'job')) is not None
            same = channel_layers['default'] is held
        return [inside, same, held.router.match(message({}, 'job')) is not None]


def backends():
    channel_layers['second']
    first = channel_layers.backends['second']
    found = [first is channel_layers['second'], first.channel_layer is channel_layers['second'].channel_layer]
    del channel_layers.backends['second']
    return found + [channel_layers['second'] is first]


def backends_made_anew():
    manager = ChannelLayerManager()
    first = manager['second']
    manager.backends = {}
    return [manager['second'] is first, sorted(manager.backends)]


def wrapped_root():
    """Wrap the consumers that a router finds, as a debugging tool does."""
    with layer([route('test', consume)]) as wrapped:
        match = wrapped.router.root.match
        wrapped.router.root.match = lambda message: match(message) and (other, {'wrapped': match(message)[0]})
        return wrapped.router.match(message())


class Sends(object):
    """What a test passes off as a layer."""

    def __init__(self):
        self.calls = []

    def send(self, *args):
        self.calls.append(['send', list(args)])

    def send_group(self, *args):
        self.calls.append(['send_group', list(args)])

    def group_add(self, *args):
        self.calls.append(['group_add', list(args)])


def in_place_of_a_layer():
    given = Sends()
    Channel('x', channel_layer=given).send({'n': 1})
    Group('g', channel_layer=given).add('x')
    Group('g', channel_layer=given).send({'n': 2})
    Message({'reply_channel': 'reply!a'}, 'x', given).reply_channel.send({'n': 3})
    return given.calls


cases('what a test passes off as a layer', {
    'an object': in_place_of_a_layer,
    'a text': lambda: Message({'a': 1}, 'x', 'no layer').channel.name,
    'nothing, for a worker': lambda: Worker(None, only_channels=['a*']).apply_channel_filters(['a1', 'b1']),
    'a route and a text': lambda: matched_by_text(),
})


def matched_by_text():
    return Router([route('x', consume, path='^/(?P<a>.)')]).match(Message({'path': '/y'}, 'x', 'no layer'))


cases('attributes that are replaced', {
    'a consumer of a route': lambda: matched([replaced(lambda: route('test', consume), 'consumer', other)]),
    'a consumer of a route by name': lambda: matched([
        replaced(lambda: route('test', 'scenarios.urls.consume'), 'consumer', other)]),
    'a consumer of a class': lambda: matched([replaced(lambda: route_class(ByClass), 'consumer', other)]),
    'the channels of a route': lambda: [matched([replaced(
        lambda: route('test', consume), 'channels', ['else'])], channel=name) for name in ('test', 'else')],
    'a channel of a route more': lambda: matched([
        changed_in_place(route('test', consume), lambda r: r.channels.append('more'))], channel='more'),
    'a filter of a route': lambda: [matched([changed_in_place(
        route('test', consume), lambda r: r.filters.update(path=re.compile('^/x')))], {'path': path})
        for path in ('/x', '/y')],
    'the routes of an include': lambda: matched([replaced(
        lambda: include([route('else', consume)]), 'routing', [route('test', consume)])]),
    'a route of an include more': lambda: matched([changed_in_place(
        include([]), lambda i: i.routing.append(route('test', consume)))]),
    'a prefix of an include': lambda: matched([changed_in_place(
        include([route('test', consume, path='^/$')], path='^/a'),
        lambda i: i.prefixes.update(path=re.compile('^/b')))], {'path': '/b/'}),
    'the root of a router': lambda: replaced(
        lambda: Router([]), 'root', include([route('test', consume)])).match(message()),
    'the callback of a worker': lambda: with_own_worker(
        lambda worker: setattr(worker, 'callback', lambda channel, message: Channel('out').send({'on': channel}))),
    'the retries of a worker': lambda: with_own_worker(
        lambda worker: setattr(worker, 'message_retries', 1), 4, [route('test', defer)]),
    'the channels that a worker leaves alone': lambda: Worker(channel_layers['default']).apply_channel_filters(['a'])
    + replaced(lambda: Worker(channel_layers['default']), 'exclude_channels', ['a']).apply_channel_filters(['a']),
    'how the root of a router matches': lambda: wrapped_root(),
    'the name of a channel': renamed_channel, 'the channel of a message': rerouted,
    'the method of a layer': spied, 'the layer': own_layer,
    'the routes of a layer that was held before': held_before,
    'the layers that there are': backends, 'all layers': backends_made_anew,
    'channels and groups of their own': own_channel, 'the same in a consumer': in_a_consumer,
    'the reply channel of a client': lambda: with_client(lambda c: [
        setattr(c, 'reply_channel', 'mine'), c.send_and_consume('job', {'a': 1}), c.receive()], Client),
    'what hangs on a reply channel': lambda: setattr(message().reply_channel, 'mine', 99),
    'the path of a consumer': lambda: replaced(lambda: of_class(WebsocketConsumer), 'path', '/y').path,
})


@case('attributes that are replaced: the reply channel of a client, received by hand')
def received_by_hand():
    def function(client):
        client.send_and_consume('job', {'a': 1})
        return channel_layers['default'].receive_many([client.reply_channel])[1]
    return with_client(function, Client)


@case('attributes that are replaced: a session that was made anew')
def session_anew():
    with override_settings(CHANNEL_SESSION_ENGINE='django.contrib.sessions.backends.db'):
        session = session_for_reply_channel('reply!a')
        session['a'] = 1
        session.save(must_create=True)
        return [session.session_key, session_for_reply_channel('reply!a')['a'], session.modified]
