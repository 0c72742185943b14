"""Tests of messages that a transaction puts on their queue, against a real server."""
from __future__ import absolute_import, unicode_literals

import os
import struct

import redis
from django.channels.exceptions import ChannelFull, LayerUnavailable
from django.channels.layers.redis import RedisChannelLayer
from django.channels.layers.transport import scripts
from django.channels.layers.transport.keeping import LEAST_SIZE
from django.channels.layers.transport.resp import ReplyError, pack
from django.test import SimpleTestCase

from .redis_case import RedisTestCase

MESSAGE = {'body': b'x' * 50000}


class TransactionTests(RedisTestCase):

    def setUp(self):
        super(TransactionTests, self).setUp()
        # What is done once for a server is not looked at.
        self.layer.send('other', MESSAGE)
        self.received('other')
        self.calls()

    def test_the_bytes_pass_through_no_script_and_are_in_the_queue(self):
        for name, queue, size in (
                ('a', 'a', LEAST_SIZE), ('a', 'a', 120000), ('a', 'a', 190000), ('p!a', 'p!', 95000)):
            message = {'body': os.urandom(1) * size}
            self.layer.send(name, message)
            calls = self.calls()
            self.assertEqual((calls['multi'], calls['rpush'], calls['rpop']), (1, 1, 1))
            self.assertNotIn('evalsha', calls)
            self.assertEqual(self.redis.llen(self.key('q', queue)), 1)
            self.assertTrue(self.layer.receive([queue], block=True) == (name, message))
            self.calls()
        self.received('p!')
        self.assertEqual(self.keys(), set())

    def test_other_sizes_go_as_before(self):
        for name, size in (('a', LEAST_SIZE - 100), ('a', 200000), ('p!a', 100000)):
            self.layer.send(name, {'body': b'x' * size})
            self.assertNotIn('multi', self.calls())

    def test_a_queue_expires_and_what_was_sent_is_counted(self):
        self.layer.send('a', MESSAGE)
        self.assertGreater(self.redis.pttl(self.key('q', 'a')), 86000000)
        self.layer.send('p!a', MESSAGE)
        for key in (self.key('q', 'p!'), self.key('p', 'p!')):
            self.assertTrue(0 < self.redis.pttl(key) <= 60000)
        statistics = self.redis.hgetall('test:{0}:statistics')
        self.assertEqual((statistics[b'sent:a'], statistics[b'sent:p!']), (b'1', b'1'))

    def test_a_full_channel_refuses_and_keeps_what_it_has(self):
        layer = self.make_layer(capacity=2)
        for name, queue in (('a', 'a'), ('p!a', 'p!')):
            for number in range(2):
                layer.send(name, dict(MESSAGE, n=number))
            for _ in range(2):
                with self.assertRaises(ChannelFull):
                    layer.send(name, MESSAGE)
            if name == 'p!a':
                # Another client of the process has room.
                layer.send('p!b', dict(MESSAGE, n=2))
            self.assertEqual([message['n'] for _, message in self.received(queue)][:2], [0, 1])
            layer.send(name, dict(MESSAGE, n=3))
            self.assertEqual(self.received(queue)[-1][1]['n'], 3)
        self.assertEqual(self.redis.hget('test:{0}:statistics', 'full:a'), b'2')

    def test_who_filled_a_channel_looks_before_it_carries_more(self):
        layer, message = self.make_layer(capacity=2), {'body': b'x' * 120000}
        for _ in range(2):
            layer.send('a', message)
        self.calls()
        for index in range(3):
            with self.assertRaises(ChannelFull):
                layer.send('a', message)
            calls = self.calls()
            # What waits at the head is large as well: it is looked at once.
            self.assertEqual(
                (calls['llen'], calls.get('lindex', 0), calls.get('rpush', 0)), (1, int(index == 0), 0))
        self.received('a')
        layer.send('a', message)
        self.assertEqual(len(self.received('a')), 1)

    def test_expired_messages_make_room(self):
        layer = self.make_layer(capacity=1)
        for name, queue in (('a', 'a'), ('p!a', 'p!')):
            layer.send(name, {'n': 1})
            self.make_old(queue)
            layer.send(name, MESSAGE)
            self.assertEqual(self.received(queue), [(name, MESSAGE)])
        self.assertEqual(self.redis.hget('test:{0}:statistics', 'expired:a'), b'1')

    def test_a_sender_with_a_wrong_clock_has_its_deadline_corrected(self):
        clock = self.layer._transport.clocks[0]
        clock._offset += 3600
        self.layer.send('a', MESSAGE)
        entry = self.redis.lindex(self.key('q', 'a'), 0)
        seconds = self.redis.time()[0]
        self.assertLess(abs(struct.unpack_from(str('>Q'), entry, 2)[0] / 1000 - seconds - 60), 30)

    def test_an_acknowledged_channel_that_the_sender_took_for_another_gets_it(self):
        other = RedisChannelLayer(hosts=[self.server.url], prefix='test:', acknowledged=['jobs'])
        self.addCleanup(other.close)
        other.send('jobs', {'n': 1})
        for number in (2, 3):
            self.layer.send('jobs', dict(MESSAGE, n=number))
        self.assertFalse(self.redis.exists(self.key('q', 'jobs')))
        self.assertEqual([message['n'] for _, message in other.receive_batch(['jobs'], 5)], [1, 2, 3])

    def test_order_is_that_of_sending_among_other_sizes(self):
        for number, size in enumerate((1, 50000, 300000, 120000, 10, 190000)):
            self.layer.send('a', {'body': b'x' * size, 'n': number})
        self.assertEqual([message['n'] for _, message in self.received('a')], list(range(6)))

    def test_a_waiting_reader_gets_nothing_that_is_taken_back(self):
        layer = self.make_layer()
        layer.send('other', MESSAGE)
        # So the script refuses the first, which is sent once more in another way.
        layer._transport.clocks[0]._offset += 3600
        got = self.in_thread(self.layer.receive, ['a'], True)
        self.wait_until_blocked()
        layer.send('a', MESSAGE)
        self.assertEqual(got(), ('a', MESSAGE))
        self.assertEqual(self.received('a'), [])

    def test_a_server_that_forgot_its_scripts_takes_it(self):
        self.redis.script_flush()
        self.layer.send('a', MESSAGE)
        self.assertEqual(self.received('a'), [('a', MESSAGE)])

    def test_a_key_of_another_type_is_an_error_and_stays(self):
        self.redis.set(self.key('q', 'a'), 'x')
        with self.assertRaises(LayerUnavailable):
            self.layer.send('a', MESSAGE)
        self.assertEqual(self.redis.get(self.key('q', 'a')), b'x')

    def test_a_server_without_memory_is_an_error_and_nothing_is_put(self):
        self.redis.config_set('maxmemory', 1)
        self.addCleanup(self.redis.config_set, 'maxmemory', 0)
        with self.assertRaises(LayerUnavailable) as raised:
            self.layer.send('a', MESSAGE)
        self.redis.config_set('maxmemory', 0)
        self.assertIn('OOM', str(raised.exception))
        self.assertFalse(self.redis.exists(self.key('q', 'a')))

    def test_who_may_not_use_transactions_sends_as_before(self):
        self.redis.execute_command(
            'ACL', 'SETUSER', 'plain', 'on', '>password', '~*', '+@all', '-@transaction')
        self.addCleanup(self.redis.execute_command, 'ACL', 'DELUSER', 'plain')
        layer = self.make_layer(hosts=[self.server.url.replace('redis://', 'redis://plain:password@')])
        for size in (50000, 120000):
            layer.send('a', {'body': b'x' * size})
        self.assertEqual([len(message['body']) for _, message in self.received('a')], [50000, 120000])

    def test_who_may_not_have_answers_left_out_sends_as_before(self):
        for forbidden in ('-client|reply', '-client'):
            name = 'plain' + forbidden.strip('-').replace('|', '')
            try:
                self.redis.execute_command('ACL', 'SETUSER', name, 'on', '>password', '~*', '+@all', forbidden)
            except redis.ResponseError:
                # Redis 6.2 can't take a part of a command away.
                continue
            self.addCleanup(self.redis.execute_command, 'ACL', 'DELUSER', name)
            layer = self.make_layer(hosts=[self.server.url.replace('redis://', 'redis://%s:password@' % name)])
            for number, size in enumerate((50000, 10, 120000, 60000)):
                layer.send('a', {'body': b'x' * size, 'n': number})
            self.assertEqual([message['n'] for _, message in self.received('a', layer=layer)], [0, 1, 2, 3])

    def test_a_server_that_takes_a_right_away_answers_nothing_that_is_left(self):
        self.redis.execute_command('ACL', 'SETUSER', 'plain', 'on', '>password', '~*', '+@all')
        self.addCleanup(self.redis.execute_command, 'ACL', 'DELUSER', 'plain')
        layer = self.make_layer(hosts=[self.server.url.replace('redis://', 'redis://plain:password@')])
        layer.send('a', dict(MESSAGE, n=0))
        self.redis.execute_command('ACL', 'SETUSER', 'plain', '-client')
        with self.assertRaises(LayerUnavailable) as raised:
            layer.send('a', dict(MESSAGE, n=1))
        self.assertIn('NOPERM', str(raised.exception))
        # It may be there: nobody says that it isn't.
        self.assertTrue(raised.exception.sent)
        for number in range(2, 5):
            layer.send('a', dict(MESSAGE, n=number))
        numbers = [message['n'] for _, message in self.received('a', layer=layer)]
        self.assertEqual([number for number in numbers if number != 1], [0, 2, 3, 4])

    def test_a_server_that_is_busy_answers_nothing_that_is_left(self):
        self.redis.config_set('lua-time-limit', 1)
        self.addCleanup(self.redis.config_set, 'lua-time-limit', 5000)
        other = self.connect(self.server.url)

        def run():
            try:
                other.eval('while true do end', 0)
            except redis.ResponseError as error:
                return str(error)

        ran = self.in_thread(run)
        try:
            self.wait_until(self.is_busy)
            for _ in range(2):
                with self.assertRaises(LayerUnavailable) as raised:
                    self.layer.send('a', MESSAGE)
                self.assertIn('BUSY', str(raised.exception))
        finally:
            self.redis.script_kill()
        self.assertIn('SCRIPT KILL', ran())
        for number in range(3):
            self.layer.send('a', dict(MESSAGE, n=number))
        self.assertEqual([message['n'] for _, message in self.received('a')], [0, 1, 2])
        # It was no reason to do without transactions.
        self.calls()
        self.layer.send('a', MESSAGE)
        self.assertIn('multi', self.calls())

    def is_busy(self):
        try:
            self.redis.ping()
        except redis.RedisError as error:
            return 'BUSY' in str(error)

    def test_encrypted_messages_are_bound_as_others(self):
        layer = self.make_layer(symmetric_encryption_keys=['secret'])
        for name, queue in (('a', 'a'), ('p!a', 'p!')):
            layer.send(name, MESSAGE)
            self.assertIn('rpop', self.calls())
            self.assertNotIn(b'x' * 100, self.redis.lindex(self.key('q', queue), 0))
            self.assertEqual(self.received(queue, layer=layer), [(name, MESSAGE)])

    def test_without_a_transaction_nothing_of_others_is_taken_back(self):
        self.redis.rpush(self.key('q', 'a'), 'of another sender')
        answer = self.redis.execute_command(
            'EVAL', scripts.KEEP.text.replace('return redis.error_reply(', 'return ('), 3,
            self.key('q', 'a'), 's', 'p', 60000, 100, 'a', 86400000, '', '', 5)
        self.assertIn(b'without a transaction', answer)
        self.assertEqual(self.redis.lrange(self.key('q', 'a'), 0, -1), [b'of another sender'])


class RepeatTests(SimpleTestCase):

    def test_a_transaction_that_is_done_elsewhere_is_repeated_as_a_whole(self):
        moved = ReplyError('MOVED 1 host:1')
        commands = (pack('CLIENT', 'REPLY', 'SKIP'), b'*1\r\n$1\r\nx\r\n', pack('EXEC'))
        replies = [moved, moved, ReplyError('EXECABORT')]
        self.assertEqual(scripts.to_repeat(commands, replies, {'MOVED'}), [0, 1, 2])
        self.assertEqual(scripts.to_repeat(commands, [b'QUEUED', b'QUEUED', [2, 1]], {'MOVED'}), [])
