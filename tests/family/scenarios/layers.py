# -*- coding: utf-8 -*-
"""Channel layers as applications use them (parity A.13)."""
from __future__ import absolute_import, unicode_literals

import datetime
import decimal
import importlib
import uuid

from channels import channel_layers
from django.conf import settings
from django.utils.module_loading import import_string

from .cases import attempt, case, cases

Layer = import_string(settings.MEMORY)
RedisLayer = import_string(settings.REDIS)


def carried(value):
    """Return what becomes of a value in a message."""
    layer = Layer()
    outcome = attempt(layer.send, 'x', {'v': value})
    if 'raised' in outcome:
        return outcome
    return layer.receive(['x'])[1]


VALUES = {
    'None': None, 'True': True, 'integer': 5, 'negative': -5, 'float': 1.5, 'text': 'ä', 'bytes': b'\x00', 'list': [1],
    'nested': {'a': [{'b': None}]}, 'empty dict': {}, 'tuple': (1, 2), 'set': {1}, 'large integer': 2 ** 62,
    'integer keys': {1: 2}, 'datetime': datetime.datetime(2016, 1, 1), 'Decimal': decimal.Decimal('1.5'),
    'UUID': uuid.UUID(int=1), 'object': object(),
}
cases('values', {name: lambda value=value: carried(value) for name, value in VALUES.items()})


def received(*names, **sent):
    layer = Layer()
    for name, content in sorted(sent.items()):
        layer.send('%s' % name, content)
    return layer.receive(list(names))


cases('layer', {
    'receive': lambda: received('a', a={'n': 1}), 'receive nothing': lambda: received('a'),
    'receive from several': lambda: received('a', 'b', b={'n': 1}),
    'receive from no channel': lambda: received(),
    'extensions': lambda: sorted(set(Layer().extensions) & {'groups', 'flush'}),
    'errors': lambda: [issubclass(Layer.ChannelFull, Exception), issubclass(Layer.MessageTooLarge, Exception)],
    'options': lambda: Layer(expiry=5, group_expiry=10, capacity=3).capacity,
    'channel capacity': lambda: Layer(capacity=3, channel_capacity={'x*': 5}).get_capacity('x1'),
    'unknown option': lambda: Layer(nothing=1),
    'send to a bad name': lambda: Layer().send('a b', {}), 'send a list': lambda: Layer().send('a', [1]),
    'receive from a bad name': lambda: Layer().receive(['a b']),
    'group with a bad name': lambda: Layer().group_add('a b', 'x'),
    'new channel': lambda: Layer().new_channel('x?').startswith('x?'),
    'two new channels': lambda: Layer().new_channel('x?') != Layer().new_channel('x?'),
    'group channels': lambda: _group_channels(), 'flush': lambda: _flushed(),
    'send to a group without members': lambda: Layer().send_group('g', {'n': 1}),
    'discard from nothing': lambda: Layer().group_discard('g', 'x'),
    'receive_many': lambda: received_many(), 'alias': lambda: channel_layers['default'].alias,
    'expiry': lambda: [Layer().expiry, Layer().group_expiry],
})


def received_many():
    layer = Layer()
    layer.send('a', {'n': 1})
    return layer.receive_many(['a'])


def _group_channels():
    layer = Layer()
    layer.group_add('g', 'a')
    layer.group_add('g', 'b')
    return sorted(layer.group_channels('g'))


def _flushed():
    layer = Layer()
    layer.send('a', {'n': 1})
    layer.flush()
    return layer.receive(['a'])


@case('layer: first in, first out')
def fifo():
    layer = Layer()
    for n in range(3):
        layer.send('a', {'n': n})
    return [layer.receive(['a'])[1]['n'] for _ in range(3)]


@case('layer: full')
def full():
    layer = Layer(capacity=2)
    return [attempt(layer.send, 'a', {'n': n}) for n in range(3)]


@case('layer: a full member of a group')
def full_member():
    layer = Layer(capacity=1)
    layer.group_add('g', 'a')
    return [attempt(layer.send_group, 'g', {'n': n}) for n in range(2)]


@case('layer: the default capacity')
def default_capacity():
    layer = Layer()
    return sum('raised' not in attempt(layer.send, 'a', {'n': n}) for n in range(120))


def with_options(**options):
    """Return whether the Redis layer takes the options; it connects only when there is something to say."""
    return isinstance(RedisLayer(**options), RedisLayer)


REDIS_OPTIONS = {
    'none': {}, 'hosts': {'hosts': ['redis://127.0.0.1:1/0']}, 'hosts as pairs': {'hosts': [('127.0.0.1', 1)]},
    'two hosts': {'hosts': [('127.0.0.1', 1), 'redis://127.0.0.1:2/5']}, 'hosts as text': {'hosts': 'localhost'},
    'expiry': {'expiry': 5}, 'group_expiry': {'group_expiry': 5}, 'capacity': {'capacity': 5},
    'channel_capacity': {'channel_capacity': {'x*': 5}}, 'prefix': {'prefix': 'mine:'},
    'keys as text': {'symmetric_encryption_keys': 'secret'}, 'no keys': {'symmetric_encryption_keys': None},
    'connection_kwargs': {'connection_kwargs': {'socket_timeout': 60}}, 'stats_prefix': {'stats_prefix': 'mine:'},
    'unknown option': {'nothing': 1},
}
cases('Redis', {name: lambda options=options: with_options(**options) for name, options in REDIS_OPTIONS.items()})
cases('Redis', {
    'channel capacity': lambda: RedisLayer(capacity=3, channel_capacity={'x*': 5}).get_capacity('x1'),
    'blpop_timeout': lambda: RedisLayer.blpop_timeout > 0,
    'class for Sentinels': lambda: _beside('RedisSentinelChannelLayer'),
    'class for one machine': lambda: _beside('RedisLocalChannelLayer'),
    'extensions': lambda: sorted(set(RedisLayer().extensions) & {'groups', 'flush', 'statistics'}),
})


def _beside(name):
    return hasattr(importlib.import_module(settings.REDIS.rpartition('.')[0]), name)
