"""Tests of large messages on the Redis channel layer, against a real server."""
from __future__ import absolute_import, unicode_literals

import os

from django.channels.exceptions import ChannelFull, LayerUnavailable, MessageTooLarge
from django.channels.layers.transport import large
from django.channels.layers.transport.envelope import Entry, unpack_reference

from .redis_case import Records, RedisTestCase


class LargeMessageTests(RedisTestCase):

    def test_sizes_from_one_byte_up_arrive_whole(self):
        edge = 1 << 20
        for size in (1, 255, 65536, 98000, 98304, 98400, edge - 100, edge, edge + 1, 3 * edge + 17, 20 * edge):
            body = os.urandom(4096) * (size // 4096 + 1)
            message = {'body': body[:size], 'n': size}
            for name in ('a', 'p!a'):
                self.layer.send(name, message)
                self.assertTrue(self.layer.receive([name.rstrip('a') or 'a'], block=True)[1] == message)
        self.received('p!')
        self.assertEqual(self.keys(), set())

    def test_members_of_a_group_get_a_large_message_each(self):
        message = {'body': b'x' * 5000000}
        for name in ('p.1!a', 'p.1!b', 'p.2!a', 'normal'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', message)
        got = self.received('p.1!', 'p.2!', 'normal')
        self.assertEqual(sorted(name for name, content in got), ['normal', 'p.1!a', 'p.1!b', 'p.2!a'])
        self.assertTrue(all(content == message for name, content in got))
        self.assertFalse(self.redis.keys('*:b:*'))

    def test_a_full_channel_refuses_a_large_message_before_it_is_carried(self):
        layer = self.make_layer(capacity=1)
        for name in ('a', 'p!a'):
            layer.send(name, {})
            self.calls()
            with self.assertRaises(ChannelFull):
                layer.send(name, {'body': b'x' * 3000000})
            self.assertNotIn('hset', self.calls())
            self.make_old(name.rstrip('a') or 'a')
            layer.send(name, {'body': b'x' * 3000000})
        self.assertEqual(len(self.redis.keys('*:b:*')), 2)

    def test_a_message_with_a_missing_piece_is_dropped_and_counted(self):
        self.layer.send('a', {'body': b'x' * 3000000})
        self.layer.send('a', {'n': 1})
        pieces = self.redis.keys('*:b:*')[0]
        self.assertEqual([len(self.redis.hget(pieces, number)) for number in (0, 1)], [1 << 20] * 2)
        self.redis.hdel(pieces, 1)
        with Records() as records:
            self.assertEqual(self.received('a'), [('a', {'n': 1})])
        self.assertIn('a piece is missing', records.lines[0])
        self.assertEqual(self.layer.global_statistics()['lost_count'], 1)

    def test_more_than_the_largest_size_is_refused_before_anything_is_sent(self):
        self.addCleanup(setattr, large, 'MAX_SIZE', large.MAX_SIZE)
        self.assertEqual(large.MAX_SIZE, 1 << 30)
        large.MAX_SIZE = 2000000
        self.layer.group_add('room', 'a')
        self.layer.send('a', {'body': b'x' * 1999980})
        self.received('a')
        before = self.keys()
        for send in (self.layer.send, self.layer.send_group):
            with self.assertRaises(MessageTooLarge):
                send({self.layer.send: 'a'}.get(send, 'room'), {'body': b'x' * 2000000})
        self.assertEqual(self.keys(), before)

    def test_large_messages_keep_their_place_in_send_many(self):
        large = {'body': b'x' * 2000000}
        self.layer.send_many([('a', {'n': 0}), ('a', large), ('a', {'n': 1})])
        self.assertEqual([message.get('n') for channel, message in self.received('a')], [0, None, 1])

    def test_what_a_full_channel_refused_leaves_nothing_behind(self):
        layer = self.make_layer(capacity=1)
        for name in ('a', 'p!a'):
            layer.send(name, {})
            with self.assertRaises(ChannelFull):
                layer.send(name, {'body': b'x' * 200000})
        self.assertFalse(self.redis.keys('*:b:*'))

    def test_a_server_that_cannot_store_the_bytes_is_an_error_of_the_sender(self):
        self.layer.send('a', {})
        self.redis.config_set('maxmemory', self.redis.info('memory')['used_memory'] + 50000)
        self.addCleanup(self.redis.config_set, 'maxmemory', 0)
        with self.assertRaises(LayerUnavailable):
            for _ in range(20):
                self.layer.send('b', {'body': b'x' * 200000})
        self.redis.config_set('maxmemory', 0)
        self.layer.send('b', {'n': 1})
        with Records():
            self.assertEqual(self.received('b')[-1], ('b', {'n': 1}))

    def test_a_piece_that_is_not_as_long_as_it_was_to_be_costs_its_message_alone(self):
        for number in range(3):
            self.layer.send('a', {'body': b'x' * 200000, 'n': number})
        second = Entry(self.redis.lindex(self.key('q', 'a'), 1))
        identifier = unpack_reference(second.body)[0]
        self.redis.hset('test:{0}:b:' + identifier, 0, b'short')
        with Records() as records:
            self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 2])
        self.assertIn('less than it claims', records.lines[0])
        self.assertFalse(self.redis.keys('*:b:*'))
