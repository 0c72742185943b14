"""Tests of messages that a worker received and requeues, against a real server."""
from __future__ import absolute_import, unicode_literals

import struct

from .redis_case import RedisTestCase


class GivingBackTests(RedisTestCase):

    def send(self, *numbers):
        for number in numbers:
            self.layer.send('a', {'n': number})

    def numbers(self):
        return [message['n'] for channel, message in self.received('a')]

    def test_they_come_before_all_others_whatever_the_capacity(self):
        self.layer = self.make_layer(capacity=3)
        self.send(0, 1, 2)
        taken = self.layer.receive_batch(['a'], 2)
        self.send(3, 4)
        self.calls()
        self.assertEqual(self.layer.requeue(taken), [])
        self.assertEqual(self.calls()['evalsha'], 1)
        self.assertEqual(self.numbers(), [0, 1, 2, 3, 4])

    def test_they_expire_if_nobody_takes_them(self):
        self.send(0)
        self.layer.requeue(self.layer.receive_batch(['a'], 1))
        self.assertGreater(self.redis.pttl(self.key('q', 'a')), 0)
        self.make_old('a')
        self.assertEqual(self.numbers(), [])

    def test_they_live_as_long_as_a_new_message(self):
        self.send(0)
        self.make_old('a', 30000)
        self.layer.requeue(self.layer.receive_batch(['a'], 1))
        seconds, microseconds = self.redis.time()
        deadline, = struct.unpack_from(str('>Q'), self.redis.lindex(self.key('q', 'a'), 0), 2)
        self.assertGreater(deadline / 1000.0, seconds + 50)

    def test_a_reader_that_waits_gets_them(self):
        join = self.in_thread(self.layer.receive, ['a'], True)
        self.wait_until_blocked()
        self.layer.requeue([('a', {'n': 0})])
        self.assertEqual(join(), ('a', {'n': 0}))

    def test_they_are_encrypted_like_others(self):
        self.layer = self.make_layer(symmetric_encryption_keys=['secret'])
        self.layer.requeue([('a', {'n': 0, 'text': 'readable'})])
        self.assertNotIn(b'readable', self.redis.lindex(self.key('q', 'a'), 0))
        self.assertEqual(self.numbers(), [0])

    def test_what_cannot_go_back_is_kept_and_so_is_what_is_before_it(self):
        large = {'n': 1, 'body': b'x' * (2 << 20)}
        messages = [('a', {'n': 0}), ('a', large), ('a', {'n': 2}), ('p!1', {'n': 3}), ('b', {'n': 4})]
        kept = self.layer.requeue(messages)
        self.assertEqual([message['n'] for channel, message in kept], [0, 1, 3])
        self.assertEqual(self.numbers(), [2])
        self.assertEqual([message['n'] for channel, message in self.received('b', 'p!')], [4])

    def test_without_a_server_they_are_kept(self):
        layer = self.make_layer(hosts=['redis://127.0.0.1:1'])
        messages = [('a', {'n': 0}), ('a', {'n': 1})]
        self.assertEqual(layer.requeue(messages), messages)

    def test_what_redis_refuses_is_kept(self):
        messages = [('a', {'n': 0}), ('a', {'n': 1})]
        self.layer.receive(['a'])
        # As it says for a lack of memory: before anything is put.
        self.redis.set(self.key('q', 'a'), 'no list')
        self.assertEqual(self.layer.requeue(messages), messages)
