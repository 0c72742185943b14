"""
Tests that all layers take the same messages, refuse the same messages with
the same words, and hand out the same.
"""
from __future__ import absolute_import, unicode_literals

import collections
import datetime
import decimal
import random

from django.channels.compat import six
from django.channels.layers import codec
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.validation import MAX_DEPTH, check_values, copy_message
from django.test import SimpleTestCase
from django.utils.safestring import SafeData, mark_safe

Pair = collections.namedtuple('Pair', 'first second')


class Number(six.integer_types[-1]):
    """An integer of a class of its own, as IntEnum makes them."""


class Real(float):
    """A float of a class of its own."""


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return {'a': value}


#: Values, and whether a message may hold them.
VALUES = [
    (None, True), (True, True), (0, True), (-1, True), (2 ** 63 - 1, True), (-2 ** 63, True), (1.5, True),
    (float('inf'), True), ('', True), ('caf\xe9 \u4e2d \U0001f600 \x00', True), (b'', True), (b'\x00\xff', True),
    (bytearray(b'ab'), True), (mark_safe('<b>'), True), (Number(5), True), (Real(0.5), True),
    (Pair(1, 'x'), True), ((), True), ([], True), ({}, True), (collections.OrderedDict([('b', 1), ('a', [2])]), True),
    (collections.defaultdict(list, a=[1]), True), ([1, 2, 3], True), ({mark_safe('<i>'): mark_safe('<b>')}, True),
    (2 ** 63, False), (-2 ** 63 - 1, False), (2 ** 64, False), (2 ** 200, False), (Number(2 ** 63), False),
    ([1, 2 ** 63], False), ([2 ** 64, 'x'], False),
    ('\ud800', False), ('a\udc00', False), (mark_safe('\udfff'), False), ({'\ud800': 1}, False),
    ({1: 2}, False), ({None: 1}, False), ({('a',): 1}, False), ({b'\xff': 1}, False),
    (object(), False), (set(), False), (frozenset([1]), False), (datetime.date(2016, 1, 1), False),
    (decimal.Decimal('1.5'), False), (1j, False), (iter([]), False), (Exception('x'), False), (len, False),
    (nested(MAX_DEPTH - 1)['a'], True), (nested(MAX_DEPTH)['a'], True), (nested(MAX_DEPTH + 1)['a'], False),
]


def through_memory(message):
    layer = InMemoryChannelLayer()
    layer.send('a', message)
    return layer.receive(['a'])[1]


def through_redis(message):
    """As RedisChannelLayer does, but for the bytes' way to the server and back."""
    body = codec.encode(message)
    return codec.decode(codec.whole(body))


def outcome(way, message):
    """Return ('ok', message received) or ('refused', class and words)."""
    try:
        return 'ok', way(message)
    except Exception as error:
        return 'refused', (type(error), str(error))


class SameMessagesTests(SimpleTestCase):

    def assertSame(self, message):
        first, second = outcome(through_memory, message), outcome(through_redis, message)
        self.assertEqual(first, second, '%r' % (message,))
        if first[0] == 'ok':
            self.assertEqual(self.types(first[1]), self.types(second[1]), '%r' % (message,))
        return first[0] == 'ok'

    def types(self, value):
        """Return the types of all that is in a message, in its shape."""
        if type(value) is dict:
            # Of the in-memory layer's keys, too.
            return {key: (type(key), self.types(item)) for key, item in value.items()}
        if type(value) is list:
            return [self.types(item) for item in value]
        # Python 2 has two types of integers.
        return int if type(value) in six.integer_types else type(value)

    def test_each_value_is_taken_by_all_or_refused_by_all(self):
        for value, is_good in VALUES:
            self.assertEqual(self.assertSame({'a': value}), is_good, '%r' % (value,))
            if not isinstance(value, (dict, list, tuple)):
                for content in ([value], ['x', value], {'b': (1, value)}, [[value], 1]):
                    message = {'a': content}
                    self.assertEqual(self.assertSame(message), is_good, '%r' % (message,))

    def test_messages_made_at_random_are_treated_alike(self):
        randomness = random.Random(20161109)
        good = 0
        for _ in range(2000):
            good += self.assertSame(self.random_dict(randomness, 0))
        # Neither kind was a mere exception.
        self.assertTrue(300 < good < 1900, good)

    def random_value(self, randomness, depth):
        kind = randomness.random()
        if depth < 4 and kind < 0.15:
            return [self.random_value(randomness, depth + 1) for _ in range(randomness.randrange(4))]
        if depth < 4 and kind < 0.2:
            return tuple(self.random_value(randomness, depth + 1) for _ in range(randomness.randrange(3)))
        if depth < 4 and kind < 0.35:
            return self.random_dict(randomness, depth + 1)
        if kind < 0.5:
            return randomness.choice([-1, 1]) * randomness.getrandbits(randomness.choice([1, 8, 62, 63, 64]))
        if kind < 0.7:
            # Of all characters, and so of surrogates now and then.
            return ''.join(six.unichr(randomness.randrange(0xffff)) for _ in range(randomness.randrange(4)))
        return randomness.choice([value for value, is_good in VALUES if is_good or randomness.random() < 0.01])

    def random_dict(self, randomness, depth):
        return {
            'k%d' % number: self.random_value(randomness, depth) for number in range(randomness.randrange(5))
        }

    def test_a_safe_string_arrives_as_plain_text(self):
        for way in (through_memory, through_redis):
            received = way({'a': mark_safe('<b>'), mark_safe('k'): [mark_safe('<i>')]})
            self.assertEqual(received, {'a': '<b>', 'k': ['<i>']})
            for text in [received['a'], received['k'][0]] + list(received):
                self.assertNotIsInstance(text, SafeData)

    def test_what_contains_itself_is_nested_too_deep(self):
        message = {'a': []}
        message['a'].append(message['a'])
        for way in (through_memory, through_redis, codec.to_json):
            with self.assertRaisesMessage(TypeError, 'nested deeper than 100 levels'):
                way(message)

    def test_the_first_mistake_is_told_whatever_finds_it(self):
        message = collections.OrderedDict([('a', ['\ud800']), ('b', 2 ** 64), ('c', object())])
        for way in (through_memory, through_redis, codec.to_json, check_values):
            with self.assertRaisesMessage(TypeError, "half of a surrogate pair"):
                way(message)
            with self.assertRaisesMessage(TypeError, "at message['a'][0]"):
                way(message)

    def test_a_mistake_below_a_native_key_beyond_ascii_is_told(self):
        key = '\xe4'.encode('utf-8') if six.PY2 else '\xe4'
        with self.assertRaises(TypeError) as caught:
            codec.encode({'a': {key: {'b': object()}}})
        self.assertIn("at message['a']['\xe4']['b']", caught.exception.args[0])

    def test_a_copy_shares_nothing_that_can_be_changed(self):
        message = {'a': [1, {'b': [2]}], 'c': bytearray(b'x')}
        copy = copy_message(message)
        message['a'][1]['b'].append(3)
        message['c'].extend(b'y')
        self.assertEqual(copy, {'a': [1, {'b': [2]}], 'c': b'x'})
