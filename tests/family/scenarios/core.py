# -*- coding: utf-8 -*-
"""Channels, groups, messages, layers by alias, exceptions (parity A.1 to A.3)."""
from __future__ import absolute_import, unicode_literals

import channels
from channels import DEFAULT_CHANNEL_LAYER, Channel, Group, channel_layers, exceptions as errors
from channels.asgi import ChannelLayerManager, InvalidChannelLayerError, get_channel_layer
from channels.message import Message
from channels.routing import route
from django.apps import apps
from django.test.utils import override_settings

from .cases import attempt, case, cases
from .tools import layer, message, received, work


def available(names):
    """Return how many apps a TransactionTestCase with these available_apps has."""
    apps.set_available_apps(names)
    try:
        return len(list(apps.get_app_configs()))
    finally:
        apps.unset_available_apps()


cases('names', {
    'default layer': lambda: DEFAULT_CHANNEL_LAYER,
    'version is 1.1 or later': lambda: tuple(int(part) for part in channels.__version__.split('.')[:2]) >= (1, 1),
    'app is installed': lambda: apps.is_installed('channels'),
    'delay app is installed': lambda: apps.is_installed('channels.delay'),
    'another app is not': lambda: apps.is_installed('channels.nothing'),
    'apps of a test case': lambda: available(['channels', 'channels.delay']),
    'app config by label': lambda: apps.get_app_config('channels').name == 'channels',
    'app label': lambda: apps.get_app_config('channels').label,
    'app config by module': lambda: apps.get_containing_app_config('channels.sessions') is not None,
    'delay model by label': lambda: apps.get_model('channels.delay.DelayedMessage').__name__,
})

for kind in (Channel, Group):
    cases(kind.__name__, {
        'text name': lambda kind=kind: [kind('chat').name, str(kind('chat'))],
        'bytes name': lambda kind=kind: kind(b'chat').name == 'chat',
        'keyword arguments': lambda kind=kind: kind(name='x', alias='default', channel_layer=None).name,
        'alias': lambda kind=kind: kind('x', 'second').channel_layer.alias,
        'unknown alias': lambda kind=kind: kind('x', alias='nowhere'),
        'layer wins over alias': lambda kind=kind: kind('x', 'second', channel_layers['default']).channel_layer.alias,
        'no name': lambda kind=kind: kind(),
        'number as name': lambda kind=kind: kind(5).name,
        'list sent': lambda kind=kind: kind('x').send([1]),
        'text sent': lambda kind=kind: kind('x').send('text'),
        'None sent': lambda kind=kind: kind('x').send(None),
        'message object sent': lambda kind=kind: kind('x').send(message({'a': 1})),
        'send returns': lambda kind=kind: kind('x').send({'a': 1}),
        'unknown argument': lambda kind=kind: kind('x').send({'a': 1}, now=True),
    })


@case('Channel: what is sent arrives')
def channel_sends():
    with layer() as wrapped:
        Channel('a').send({'n': 1, 'b': b'\x00', 't': 'ä', 'list': [1, {'x': None}], 'f': 1.5, 'yes': True})
        Channel('a').send({'n': 2}, True)
        Channel('a').send({'n': 3}, immediately=True)
        return received(wrapped, 'a')


@case('Channel: what is changed after sending')
def channel_copies():
    with layer() as wrapped:
        content = {'list': [1]}
        Channel('a').send(content)
        content['list'].append(2)
        return received(wrapped, 'a')


@case('Channel: an empty dict')
def channel_empty():
    with layer() as wrapped:
        Channel('a').send({})
        return received(wrapped, 'a')


@case('Channel: a full channel')
def channel_full():
    with layer(capacity=1) as wrapped:
        Channel('a').send({'n': 1})
        return [attempt(Channel('a').send, {'n': 2}), issubclass(wrapped.ChannelFull, Exception)]


@case('Group: members hear what is sent, others not')
def group_sends():
    with layer() as wrapped:
        group = Group('g')
        group.add('a')
        group.add(Channel('b'))
        group.add('c')
        group.discard('a')
        group.discard(Channel('c'))
        group.discard('never.a.member')
        group.send({'n': 1})
        group.send({'n': 2}, immediately=True)
        return [received(wrapped, name) for name in ('a', 'b', 'c')]


@case('Group: adding twice is being a member once')
def group_twice():
    with layer() as wrapped:
        Group('g').add('a')
        Group('g').add('a')
        Group('g').send({'n': 1})
        return received(wrapped, 'a')


@case('Group: without members')
def group_without_members():
    with layer():
        return Group('nobody').send({'n': 1})


cases('Group', {'add returns': lambda: Group('g').add('a'), 'discard returns': lambda: Group('g').discard('a')})


@case('consumer: what it sends goes out in order when it ends')
def consumer_sends():
    seen = []

    def consumer(message):
        Channel('a').send({'n': 1})
        Group('g').send({'n': 2})
        message.reply_channel.send({'n': 3})
        Channel('a').send({'n': 4}, immediately=True)
        seen.extend(received(wrapped, 'a', 'b', 'reply!a'))

    with layer([route('test', consumer)]) as wrapped:
        Group('g').add('b')
        wrapped.send('test', {'reply_channel': 'reply!a'})
        work(wrapped)
        return [seen, received(wrapped, 'a'), received(wrapped, 'b'), received(wrapped, 'reply!a')]


cases('Message', {
    'content': lambda: message({'a': 1}).content,
    'channel': lambda: message({}).channel,
    'reply channel': lambda: message({}).reply_channel,
    'no reply channel': lambda: Message({}, 'test', channel_layers['default']).reply_channel,
    'layer': lambda: message({}).channel_layer.alias,
    'item': lambda: message({'a': 1})['a'],
    'missing item': lambda: message({})['a'],
    'in': lambda: ['a' in message({'a': 1}), 'b' in message({'a': 1})],
    'get': lambda: [message({'a': 1}).get('a'), message({}).get('a'), message({}).get('a', 5)],
    'keys': lambda: sorted(message({'a': 1}).keys()),
    'values': lambda: sorted(str(value) for value in message({'a': 1}).values()),
    'items': lambda: sorted(message({'a': '1'}).items()),
    'made by keywords': lambda: Message(content={'a': 1}, channel_name='c', channel_layer=None).content,
    'without a channel and a layer': lambda: Message({'a': 1}, None, None).content,
    'with a layer alone': lambda: Message({'a': 1}, None, channel_layers['default']).channel,
})


@case('Message: items can be set, and copies are deep')
def message_copies():
    original = message({'list': [1]})
    copied = original.copy()
    copied['list'].append(2)
    copied['new'] = 1
    return [original, copied, copied.channel, copied.reply_channel]


cases('layers', {
    'in': lambda: ['default' in channel_layers, 'nowhere' in channel_layers],
    'same object each time': lambda: channel_layers['second'] is channel_layers['second'],
    'unknown alias': lambda: channel_layers['nowhere'],
    'unknown alias is a KeyError': lambda: isinstance(attempt(lambda: channel_layers['nowhere'])['raised'], list),
    'empty configuration': lambda: channel_layers['nothing'],
    'no routing': lambda: channel_layers['unrouted'],
    'no such backend': lambda: channel_layers['missing'],
    'configs': lambda: sorted(channel_layers.configs),
    'alias': lambda: channel_layers['second'].alias,
    'routing': lambda: channel_layers['second'].routing,
    'routing by path': lambda: channel_layers['default'].routing,
    'local only': lambda: channel_layers['default'].local_only(),
    'the raw layer': lambda: get_channel_layer() is channel_layers['default'].channel_layer,
    'the raw layer by alias': lambda: get_channel_layer('second') is channel_layers['second'].channel_layer,
    'other attributes': lambda: sorted(set(channel_layers['default'].extensions) & {'groups', 'flush'}),
    'missing attribute': lambda: channel_layers['default'].no_such_thing,
    'test backend': lambda: ChannelLayerManager().make_test_backend('default').alias,
    'test backend without configuration': lambda: ChannelLayerManager().make_test_backend('second'),
    'made anew': lambda: ChannelLayerManager().make_backend('second') is ChannelLayerManager().make_backend('second'),
    'the error is a ValueError': lambda: issubclass(InvalidChannelLayerError, ValueError),
})


@case('layers: none are configured')
def without_layers():
    with override_settings(CHANNEL_LAYERS={}):
        return ['default' in ChannelLayerManager(), ChannelLayerManager().configs]


@case('layers: one can take the place of another')
def layers_set():
    manager = ChannelLayerManager()
    first = manager.set('x', 'one')
    return [first, manager.set('x', 'two'), manager['x']]


NAMES = (
    'ConsumeLater', 'ResponseLater', 'RequestTimeout', 'RequestAborted', 'DenyConnection', 'ChannelSocketException',
    'WebsocketCloseException', 'SendNotAvailableOnDemultiplexer',
)
cases('exceptions', {
    name: lambda name=name: issubclass(getattr(errors, name), Exception) for name in NAMES
})
cases('exceptions', {
    'close exceptions are socket exceptions':
        lambda: issubclass(errors.WebsocketCloseException, errors.ChannelSocketException),
    'a socket exception has no action': lambda: errors.ChannelSocketException().run(message()),
    'close without a code': lambda: errors.WebsocketCloseException() and None,
    'close with None': lambda: errors.WebsocketCloseException(None) and None,
    'close with code=': lambda: errors.WebsocketCloseException(code=3000) and None,
    'close with 1000': lambda: errors.WebsocketCloseException(1000) and None,
    'close with 4999': lambda: errors.WebsocketCloseException(4999) and None,
    'close with 1': lambda: errors.WebsocketCloseException(1) and None,
    'close with 1006': lambda: errors.WebsocketCloseException(1006) and None,
    'close with text': lambda: errors.WebsocketCloseException('3000') and None,
    'text of ConsumeLater': lambda: str(errors.ConsumeLater('why')),
})


@case('exceptions: what closing sends')
def closing():
    found = []
    for arguments in ((), (None,), (1000,), (4000,)):
        with layer() as wrapped:
            try:
                raise errors.WebsocketCloseException(*arguments)
            except errors.ChannelSocketException as error:
                error.run(message({'reply_channel': 'websocket.send!a'}, 'websocket.receive', wrapped))
            found.append(received(wrapped, 'websocket.send!a'))
    return found
