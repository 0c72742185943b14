"""Tests of messages as msgpack and as JSON, by the standard's vectors."""
from __future__ import absolute_import, unicode_literals

import binascii
import datetime
import json
import unittest

import msgpack
from django.channels.compat import six
from django.channels.compat.packing import MSGPACK_REQUIREMENT, is_simple
from django.channels.compat.text import joined
from django.channels.exceptions import MalformedMessage
from django.channels.layers import codec
from django.channels.layers.validation import MAX_DEPTH
from django.channels.layers.viewing import Parted, decode_parted, decode_viewing, find_content
from django.test import SimpleTestCase
from django.utils.safestring import mark_safe

from .standards import vectors


class VectorTests(SimpleTestCase):

    def setUp(self):
        self.vectors = vectors('json.json')

    def test_every_message_is_the_same_in_both_encodings(self):
        for vector in self.vectors['encodings']:
            packed = binascii.unhexlify(vector['msgpack'])
            message = codec.decode(packed)
            self.assertEqual(codec.from_json(vector['json']), message, vector['name'])
            self.assertEqual(json.loads(codec.to_json(message)), json.loads(vector['json']), vector['name'])
            self.assertEqual(codec.decode(codec.encode(message)), message, vector['name'])
            self.assertEqual(len(codec.encode(message)), len(packed), vector['name'])

    def test_what_other_encoders_write_is_read(self):
        for vector in self.vectors['read_only']:
            message = codec.decode(binascii.unhexlify(vector['msgpack']))
            self.assertEqual(message, codec.from_json(vector['json']), vector['name'])

    def test_malformed_json_is_refused(self):
        for vector in self.vectors['malformed_json']:
            try:
                message = codec.from_json(vector['json'])
            except MalformedMessage:
                continue
            self.fail('%s was read as %r' % (vector['name'], message))

    def test_malformed_msgpack_is_refused(self):
        for vector in self.vectors['malformed_msgpack']:
            if six.PY2 and 'surrogate' in vector['name']:
                # Its UTF-8 has surrogates, and is not to be taught otherwise.
                continue
            try:
                message = codec.decode(binascii.unhexlify(vector['msgpack']))
            except MalformedMessage:
                continue
            self.fail('%s was read as %r' % (vector['name'], message))


class EncodeTests(SimpleTestCase):

    def test_types_survive(self):
        message = {
            'bytes': b'\x00\xff', 'text': 'caf\xe9', 'int': 2 ** 40, 'float': 1.0, 'true': True, 'none': None,
            'list': [b'a', 'a', [1]], 'dict': {'a': {}},
        }
        decoded = codec.decode(codec.encode(message))
        self.assertEqual(decoded, message)
        for key, value in message.items():
            self.assertIs(type(decoded[key]), type(value), key)

    def test_tuples_and_subclasses_arrive_as_what_they_stand_for(self):
        decoded = codec.decode(codec.encode({'tuple': (1, (2,)), 'safe': mark_safe('<b>'), 'array': bytearray(b'a')}))
        self.assertEqual(decoded, {'tuple': [1, [2]], 'safe': '<b>', 'array': b'a'})

    def test_a_value_that_cannot_travel_is_named_with_its_place(self):
        cases = [
            ({'when': datetime.date(2016, 1, 1)}, "message['when']"),
            ({'a': {'b': [1, object()]}}, "message['a']['b'][1]"),
            ({'a': [{'b': {1: 2}}]}, "message['a'][0]['b']"),
            ({'a': {1, 2}}, "message['a']"),
        ]
        for message, place in cases:
            for encode in (codec.encode, codec.to_json):
                with self.assertRaisesMessage(TypeError, place):
                    encode(message)

    def test_what_no_other_language_reads_is_refused(self):
        for value in (2 ** 64, 2 ** 63, -2 ** 63 - 1):
            for message in ({'a': value}, {'a': [value]}, {'a': [1, value]}, {'a': ['b', {'c': value}]}):
                for encode in (codec.encode, codec.to_json):
                    with self.assertRaisesMessage(TypeError, "can't hold"):
                        encode(message)
        with self.assertRaisesMessage(TypeError, "can't hold"):
            codec.to_json({'a': float('nan')})
        # The next message has a packer that works.
        self.assertEqual(codec.decode(codec.encode({'a': 1})), {'a': 1})

    def test_what_surely_is_good_is_known_by_its_bytes(self):
        deep = []
        for _ in range(200):
            deep = [deep]
        for message, expected in [
            ({'path': '/', 'headers': [[b'host', b'a']], 'client': ['::1', 80], 'order': -5, 'late': None}, True),
            ({'text': 'x' * 300, 'is': True, 'at': 1.5, 'large': 2 ** 32 - 1, 'bytes': b'y' * 70000}, True),
            ({'status': 200, 'headers': [[b'a', b'b']], 'content': b'c'}, True),
            ({'a': {}}, False), ({'a': [{}]}, False), ({'a': 2 ** 63}, False), ({'a': deep}, False),
            ({'a': msgpack.ExtType(5, b'x')}, False), ({'a': msgpack.ExtType(5, b'x' * 3)}, False),
        ]:
            self.assertIs(is_simple(msgpack.packb(message, use_bin_type=True)), expected)

    def test_a_time_is_refused_however_it_is_written(self):
        seconds = b'\x00\x00\x00\x01'
        for start, size in (
            (b'\xd6\xff', 4), (b'\xd7\xff', 8), (b'\xc7\x0c\xff', 12), (b'\xc7\x04\xff', 4),
            (b'\xc8\x00\x0c\xff', 12), (b'\xc8\x00\x04\xff', 4), (b'\xc9\x00\x00\x00\x08\xff', 8),
        ):
            data = b'\x81\xa1a' + start + (b'\x00' * 12 + seconds)[-size:]
            self.assertIs(is_simple(data), False)
            with self.assertRaises(MalformedMessage):
                codec.decode(data)

    def test_half_a_surrogate_pair_is_refused(self):
        with self.assertRaisesMessage(TypeError, "can't hold"):
            codec.encode({'a': '\ud800'})

    def test_nesting_has_a_limit(self):
        def nested(depth):
            value = []
            for _ in range(depth):
                value = [value]
            return {'a': value}
        codec.encode(nested(MAX_DEPTH - 2))
        with self.assertRaisesMessage(TypeError, 'nested deeper'):
            codec.encode(nested(MAX_DEPTH + 1))
        with self.assertRaises(MalformedMessage):
            codec.decode(b'\x81\xa1a' + b'\x91' * 100000 + b'\xc0')

    @unittest.skipUnless(six.PY2, 'Python 3 tells text from bytes')
    def test_native_strings_of_python_2_are_text_as_keys_and_bytes_as_values(self):
        message = {str('key'): str('value'), 'dict': {str('a'): [str('b')]}}
        for encode, decode in ((codec.encode, codec.decode), (codec.to_json, codec.from_json)):
            decoded = decode(encode(message))
            self.assertEqual({type(key) for key in decoded}, {six.text_type})
            self.assertIs(type(decoded['key']), bytes)
            self.assertEqual(decoded['dict'], {'a': [b'b']})

    def test_a_large_message_leaves_no_large_buffer(self):
        self.assertEqual(len(codec.encode({'a': b'x' * 2000000})), 2000000 + 8)
        self.assertFalse(hasattr(codec._local, 'packer'))

    def test_missing_msgpack_is_an_error_with_advice(self):
        msgpack, codec.msgpack = codec.msgpack, None
        try:
            with self.assertRaisesMessage(ImportError, MSGPACK_REQUIREMENT):
                codec.require_msgpack()
        finally:
            codec.msgpack = msgpack

    @unittest.skipIf(six.PY2, 'Python 2 copies bytes, which are its native strings.')
    def test_a_large_content_is_not_copied(self):
        for name, content in (('content', b'x' * 200000), ('body', b'x' * 200000)):
            message = {'before': [1], name: content, 'after': 'z', 'more': None}
            body = codec.encode(message)
            self.assertIs(body.buffers[1], content)
            self.assertEqual(codec.whole(body), msgpack.packb(message, use_bin_type=True))
            self.assertEqual(len(body), len(codec.whole(body)))
            self.assertEqual(codec.decode(codec.whole(body)), message)

    @unittest.skipIf(six.PY2, 'Python 2 looks at each message, for texts.')
    def test_what_was_read_to_where_it_stays_is_looked_through_no_more_than_bytes(self):
        message = {'content': b'x' * 200000, 'n': 1}
        self.addCleanup(setattr, codec, 'check_values', codec.check_values)
        data, codec.check_values = codec.whole(codec.encode(message)), None
        for kind in (bytes, bytearray):
            self.assertEqual(codec.decode(kind(data)), message)

    def test_a_large_message_is_as_msgpack_has_it(self):
        for message in (
            {'content': '\xe4' * 200000, 'n': 2 ** 63 - 1}, {'n': -1, 'content': b'\xcf' * 98305},
            {'content': b'x' * 98304}, {'content': b'y' * 3000000, 'same': b'y' * 10}, {'other': b'z' * 3000000},
        ):
            body = codec.encode(message)
            self.assertEqual(codec.whole(body), msgpack.packb(message, use_bin_type=True))
            self.assertEqual(codec.decode(codec.whole(body)), message)

    def test_a_value_is_told_apart_from_the_same_large_one(self):
        content = b'x' * 100000
        message = {'content': content, 'copy': content}
        self.assertEqual(codec.decode(codec.whole(codec.encode(message))), message)

    def test_a_large_message_is_checked_as_a_small_one(self):
        for key, value in (('n', 2 ** 63), ('text', '\ud800')):
            with self.assertRaisesMessage(TypeError, key):
                codec.encode({'content': b'x' * 200000, key: value})
        with self.assertRaises(TypeError):
            codec.encode({'content': 'x' * 200000 + '\ud800'})

    def test_slices_of_a_large_message_are_all_of_it(self):
        body = codec.encode({'content': b'0123456789' * 200000, 'n': 1})
        parts = []
        for start in range(0, len(body), 700001):
            parts += body.slice(start, start + 700001)
        self.assertEqual(joined(parts), codec.whole(body))


@unittest.skipIf(six.PY2, 'only the interface server has views, which needs Python 3')
class ViewingTests(SimpleTestCase):
    """Messages whose large content stays where it came in."""

    def test_a_view_is_what_decode_has_as_bytes(self):
        content = b'x' * 100000
        for message in (
            {'content': content, 'more_content': True}, {'status': 200, 'headers': [[b'a', b'b']], 'content': content},
            # What only looks like a large content is the client's.
            {'path': b'\xa7content\xc6\x00\x02\x00\x00'.decode('latin-1'), 'content': content},
            {'headers': [[b'\xa7content\xc6\x00\x02\x00\x00', b'y' * 90]], 'content': content, 'last': 1},
        ):
            for kind in (bytes, bytearray, memoryview):
                data = kind(msgpack.packb(message))
                found = decode_viewing(data)
                self.assertIs(type(found['content']), memoryview)
                self.assertEqual(found, codec.decode(data))
                self.assertEqual(found, message)

    def test_everything_else_is_as_decode_has_it(self):
        large = b'x' * 200000
        for message in (
            {}, {'content': b'x' * 98304}, {'content': 'x' * 100000}, {'body': large}, {'content': None},
            {'before': large, 'content': large}, {'content': {'content': large}}, {'text': {'content': large}},
        ):
            data = msgpack.packb(message)
            found = decode_viewing(data)
            self.assertEqual(found, message)
            self.assertNotIn(memoryview, map(type, found.values()))

    def test_what_is_malformed_is_refused(self):
        content = msgpack.packb(b'x' * 100000)
        key, other = msgpack.packb('content'), msgpack.packb('other')
        for data in (
            b'', b'\x93' + key + content, b'\x81' + key + content[:-1], b'\x81' + key + content + b'\x00',
            b'\x81' + other + b'\x01' + key + content, b'\x82' + b'\x01\x01' + key + content,
            b'\x82' + key + content, b'\x82' + other + b'\xcf' + b'\xff' * 8 + key + content,
        ):
            with self.assertRaises(MalformedMessage):
                decode_viewing(data)

    def test_parts_of_a_message_are_what_decode_has(self):
        content = b'x' * 100000
        for message in (
            {'body': content, 'path': '/'}, {'headers': [[b'a', b'b' * 9000]], 'content': content, 'n': 1},
        ):
            for data in (msgpack.packb(message), msgpack.packb(dict(message, last=2))):
                number, key, head, first, last = find_content(memoryview(data), len(data))
                parted = Parted(number, key, data[:head], data[first:last], data[last:])
                self.assertEqual((len(parted), parted.whole()), (len(data), data))
                for decode in (decode_parted, decode_viewing):
                    found = decode(parted)
                    self.assertEqual(found, codec.decode(data))
                    self.assertIs(found[key], parted.content)

    def test_parts_are_found_in_nothing_else(self):
        large = b'x' * 200000
        for message in ({}, {'body': b'x' * 98304}, {'body': 'x' * 100000}, {'before': large, 'body': large}):
            data = msgpack.packb(message)
            self.assertIsNone(find_content(memoryview(data), len(data)))
        data = msgpack.packb({'body': large})
        self.assertIsNotNone(find_content(memoryview(data[:100]), len(data)))
        # It is to end within the message.
        self.assertIsNone(find_content(memoryview(data[:100]), len(data) - 1))
        for start in (b'', data[:9], b'\x01' + data, b'\xff' * 100):
            self.assertIsNone(find_content(memoryview(start), len(data)))

    def test_malformed_parts_are_refused(self):
        content, key = b'x' * 100000, msgpack.packb('body')
        for number, before, after in (
            (1, b'\x81' + key, b'\x00'), (2, b'\x82' + key, b''), (2, b'\x82\x01\x01' + key, b''),
            (2, b'\x82' + key, msgpack.packb('n') + b'\xcf' + b'\xff' * 8),
        ):
            with self.assertRaises(MalformedMessage):
                decode_parted(Parted(number, 'body', before, content, after))
        twice = Parted(2, 'body', b'\x82' + key, content, key + b'\x01')
        self.assertEqual(decode_parted(twice), {'body': 1})

    def test_of_a_key_that_comes_twice_the_last_counts(self):
        content, key = msgpack.packb(b'x' * 100000), msgpack.packb('content')
        self.assertEqual(decode_viewing(b'\x82' + key + content + key + b'\x01'), {'content': 1})
