"""Tests of capacity, expiry and statistics of the Redis channel layer."""
from __future__ import absolute_import, unicode_literals

import re
import struct

from django.channels.exceptions import ChannelFull
from django.channels.interfaces.replies import ReplyReader
from django.channels.layers.redis import RedisChannelLayer

from .redis_case import Records, RedisTestCase


class CapacityTests(RedisTestCase):

    def test_a_full_channel_refuses_at_the_sender(self):
        layer = self.make_layer(capacity=3)
        for number in range(3):
            layer.send('a', {'n': number})
        with self.assertRaisesMessage(ChannelFull, 'The channel a is full: 3 messages'):
            layer.send('a', {'n': 3})
        self.assertEqual([message['n'] for channel, message in self.received('a')], [0, 1, 2])
        layer.send('a', {'n': 4})

    def test_capacities_are_by_glob_or_regex_and_the_first_counts(self):
        layer = self.make_layer(channel_capacity={'mail.*': 1, re.compile('^job'): 2})
        for name, capacity in (('mail.send', 1), ('job.start', 2)):
            for _ in range(capacity):
                layer.send(name, {})
            with self.assertRaises(ChannelFull):
                layer.send(name, {})

    def test_a_regex_of_bytes_is_refused_where_it_would_match_no_name(self):
        try:
            re.match(b'a', str('a'))
        except TypeError:
            with self.assertRaisesMessage(TypeError, 'maps globs or compiled regular expressions to numbers'):
                self.make_layer(channel_capacity={re.compile(b'^job'): 2})
        else:
            self.make_layer(channel_capacity={re.compile(b'^job'): 2})

    def test_a_client_at_its_capacity_leaves_room_for_the_others(self):
        layer = self.make_layer(capacity=2)
        for _ in range(2):
            layer.send('p.1!slow', {})
        with self.assertRaisesMessage(ChannelFull, 'p.1!slow is full: 2 messages'):
            layer.send('p.1!slow', {})
        for number in range(50):
            layer.send('p.1!client%d' % number, {})
        # Taken, and so told by the next receive.
        layer.receive_batch(['p.1!'], 100)
        layer.receive_batch(['p.1!'], 100)
        layer.send('p.1!slow', {})

    def test_a_process_has_a_bound_of_its_own(self):
        layer = self.make_layer(process_capacity=5)
        for number in range(5):
            layer.send('p.1!%d' % number, {})
        with self.assertRaises(ChannelFull):
            layer.send('p.1!5', {})
        layer.send('p.2!5', {})
        self.assertEqual(self.make_layer(capacity=7).get_process_capacity('p!'), 700)

    def test_expired_messages_make_room(self):
        layer = self.make_layer(capacity=2)
        for name in ('a', 'p.1!a'):
            layer.send(name, {'n': 0})
            layer.send(name, {'n': 1})
            self.make_old(name.rstrip('a') or 'a')
            layer.send(name, {'n': 2})
            self.assertEqual([m['n'] for c, m in self.received(name.rstrip('a') or 'a', layer=layer)], [2])
        self.assertEqual(layer.global_statistics()['expired_count'], 4)

    def test_send_many_gives_back_what_was_refused_and_keeps_the_order(self):
        layer = self.make_layer(capacity=2)
        pairs = [('a', {'n': number}) for number in range(4)] + [('b', {'n': 4}), ('p!c', {'n': 5})]
        self.assertEqual(layer.send_many(pairs), pairs[2:4])
        self.assertEqual(len(self.received('a')), 2)
        self.assertEqual(len(self.received('b', 'p!')), 2)

    def test_send_blocking_waits_for_room(self):
        layer = self.make_layer(capacity=1)
        layer.send('a', {'n': 0})
        join = self.in_thread(layer.send_blocking, 'a', {'n': 1}, 20)
        self.wait_until(lambda: self.layer.channel_statistics('a')['channel_full_count'] > 1)
        self.assertEqual(layer.receive(['a'])[1], {'n': 0})
        join()
        self.assertEqual(layer.receive(['a'])[1], {'n': 1})


class ExpiryTests(RedisTestCase):

    def test_an_expired_message_is_never_delivered(self):
        for name in ('a', 'p.1!'):
            self.layer.send(name, {'n': 0})
            self.make_old(name)
            # More traffic keeps the queue alive, but not what is in it.
            self.layer.send(name, {'n': 1})
            self.assertEqual([m['n'] for c, m in self.received(name)], [1])
        self.assertEqual(self.layer.channel_statistics('a')['expired_count'], 1)

    def send_unread(self, layer, channel, number):
        """Send `number` messages, and return once all have expired."""
        for _ in range(number):
            layer.send(channel, {})
        seconds, microseconds = self.redis.time()
        # A sender's deadline is up to 0.1 s off.
        end = seconds + microseconds / 1e6 + layer.expiry + 0.2

        def is_over():
            seconds, microseconds = self.redis.time()
            return seconds + microseconds / 1e6 > end
        self.wait_until(is_over)

    def test_a_reader_that_was_away_counts_and_logs_what_expired(self):
        layer = self.make_layer(expiry=0.05)
        self.send_unread(layer, 'a', 3)
        with Records() as records:
            self.assertEqual(layer.receive_batch(['a'], 10), [])
            self.assertEqual(layer.receive_batch(['a'], 10), [])
        self.assertEqual(
            [line for line in records.lines if 'expired' in line],
            ['Messages for a expired (3): nobody received them within 0.05 s, the "expiry" of the layer. '
             'An acknowledged channel keeps what waits.'],
        )
        self.assertEqual(layer.channel_statistics('a')['expired_count'], 3)

    def test_who_looks_counts_and_logs_what_expired(self):
        layer = self.make_layer(expiry=0.05)
        for look in (
            lambda: layer.channel_statistics('a'), layer.global_statistics, lambda: layer.inspect_channels()['a'],
        ):
            self.redis.flushall()
            self.send_unread(layer, 'a', 2)
            for _ in range(2):
                numbers = look()
                self.assertEqual((numbers['expired_count'], numbers['messages_pending']), (2, 0))
            self.assertEqual(self.keys(), set())
        # Of other queues it tells that nobody reads there.
        self.make_layer().send('p!1', {})
        self.make_old('p!')
        layer.global_statistics()
        layer.inspect_channels()
        self.assertEqual(self.redis.llen(self.key('q', 'p!')), 1)
        self.send_unread(layer, 'a', 1)
        layer = self.make_layer()
        layer.send('a', {'n': 1})
        with Records() as records:
            self.assertEqual([message for _, _, message in layer.peek('a', 5)], [{'n': 1}])
        self.assertIn('Messages for a expired (1)', ' '.join(records.lines))

    def test_whoever_looks_drops_no_more_at_once_than_redis_can_in_a_moment(self):
        layer = self.make_layer(capacity=5000)
        layer.send_many([('a', {})] * 2500)
        self.make_old('a')
        layer.send('a', {})
        self.calls()
        numbers = layer.channel_statistics('a')
        self.assertEqual((numbers['expired_count'], numbers['messages_pending']), (2500, 1))
        self.assertEqual(self.calls()['evalsha'], 3)

    def test_what_was_requeued_is_counted_too(self):
        layer = self.make_layer(expiry=0.05)
        layer.requeue([('a', {})])
        self.send_unread(layer, 'b', 1)
        self.assertEqual(layer.channel_statistics('a')['expired_count'], 1)

    def test_a_sender_whose_clock_is_wrong_is_corrected(self):
        for wrong in (-3600, 3600):
            self.layer.receive(['a'])
            self.layer._transport.clocks[0]._offset += wrong
            self.layer.send('a', {'n': 0})
            self.layer.send_many([('a', {'n': 1})])
            self.layer._transport.clocks[0]._offset -= wrong
            now = int(self.redis.time()[0]) * 1000
            for entry in self.redis.lrange(self.key('q', 'a'), 0, -1):
                self.assertTrue(58000 < struct.unpack_from(str('>Q'), entry, 2)[0] - now < 62000)
            self.assertEqual(len(self.received('a')), 2)

    def test_a_message_that_expires_in_the_hands_of_its_process_is_not_delivered(self):
        for number in range(2):
            self.layer.send('p.1!a', {'n': number})
        self.assertEqual(self.layer.receive(['p.1!'])[1], {'n': 0})
        inbox = self.layer._transport.inbox('p.1!')
        deadline, channels, message = inbox.waiting.pop()
        inbox.waiting.append((deadline - 3600000, channels, message))
        self.assertEqual(self.layer.receive(['p.1!']), (None, None))

    def test_every_key_has_an_end(self):
        self.layer.send('a', {})
        self.layer.send('p.1!a', {})
        self.layer.send('x?y', {})
        for name in ('a', 'p.1!a', 'p.1!b', 'x?y'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', {})
        self.layer.group_add('g', 'p.1!c')
        self.layer.group_discard('g', 'p.1!a')
        self.layer.send('big', {'b': b'x' * 3000000})
        self.layer.send_group('g', {'b': b'x' * 3000000})
        keys = self.redis.keys('*')
        # The list of groups is one of them.
        self.assertEqual(len(keys), 11, keys)
        for key in keys:
            self.assertGreater(self.redis.pttl(key), 0, key)

    def test_nothing_is_left_but_the_statistics(self):
        names = ['a', 'x?y', 'p.1!', 'p.2!']
        for name in names:
            for _ in range(3):
                self.layer.send(name, {})
            self.layer.group_add('g', name + ('c' if name.endswith('!') else ''))
        self.layer.send_group('g', {})
        self.layer.send('a', {'b': b'x' * 2000000})
        self.layer.send_group('g', {'b': b'x' * 2000000})
        self.assertEqual(len(self.received(*names)), 21)
        for name in names:
            self.layer.group_discard('g', name + ('c' if name.endswith('!') else ''))
        self.received(*names)
        self.assertEqual(self.keys(), set())

    def test_a_lifetime_is_the_layers(self):
        layer = self.make_layer(expiry=7, group_expiry=100)
        for name in ('a?b', 'p!a', 'a'):
            layer.send(name, {})
        layer.group_add('g', 'p!a')
        for name in ('a?b', 'p!'):
            self.assertTrue(6000 < self.redis.pttl(self.key('q', name)) <= 7000)
        # What expires on a normal channel stays for whoever counts it.
        self.assertTrue(86390000 < self.redis.pttl(self.key('q', 'a')) <= 86400000)
        self.assertTrue(99000 < self.redis.pttl(self.key('g', 'g')) <= 100000)


class StatisticsTests(RedisTestCase):

    def test_counts_and_what_waits(self):
        layer = self.make_layer(capacity=2)
        for name in ('a', 'a', 'b', 'p.1!x'):
            layer.send(name, {})
        with self.assertRaises(ChannelFull):
            layer.send('a', {})
        self.make_old('a', 10000)
        statistics = layer.channel_statistics('a')
        self.assertTrue(10 <= statistics.pop('messages_max_age') < 40)
        self.assertEqual(statistics, {
            'messages_count': 2, 'messages_pending': 2, 'channel_full_count': 1, 'dropped_count': 0,
            'expired_count': 0, 'malformed_count': 0, 'unsupported_count': 0, 'lost_count': 0,
        })
        statistics = layer.global_statistics()
        self.assertEqual((statistics['messages_count'], statistics['messages_pending']), (4, 4))

    def test_processes_and_single_readers_are_counted_by_their_kind(self):
        for number in range(3):
            self.layer.send('http.response.%d!x' % number, {})
            self.layer.send(self.layer.new_channel('body?'), {})
        fields = set(self.redis.hkeys(self.prefix + '{0}:statistics'))
        # What processes read stands there, too; see "versions" in the standard.
        self.assertEqual(fields - {b'reads:2'}, {b'epoch', b'mark', b'run', b'sent:http.response!', b'sent:body?'})
        self.assertEqual(self.layer.channel_statistics('http.response.1!')['messages_count'], 3)
        self.assertEqual(self.layer.channel_statistics('http.response.1!')['messages_pending'], 1)

    def test_flush_deletes_what_is_ours_and_nothing_else(self):
        self.redis.set('other', 1)
        self.redis.set('test:x', 1)
        for number in range(30):
            self.layer.send('a.%d' % number, {})
            self.layer.group_add('g', 'p!%d' % number)
        self.layer.flush()
        self.assertEqual(self.keys(), {'other', 'test:x'})
        self.assertEqual(self.layer.group_channels('g'), [])
        self.assertEqual(self.layer.global_statistics()['messages_count'], 0)


class ThrottlingTests(RedisTestCase):

    def test_a_client_that_is_slow_makes_its_worker_wait(self):
        # WSGIInterface(response_buffer=...) rests on it: what its thread has
        # not taken yet stays below the limit, whatever the worker sends.
        replies = ReplyReader(self.layer, lambda name: None, limit=1 << 20)
        slow, other = replies.open(), replies.open()
        refused = 0
        for _ in range(60):
            try:
                self.layer.send(slow.name, {'content': b'x' * 262144, 'more_content': True})
            except ChannelFull:
                refused += 1
            # Reads for both, as the thread of another request does.
            replies.has_mail(other)
        self.assertLessEqual(slow.size, 2 << 20)
        self.assertEqual(slow.size, (60 - refused) * 262144)
        while slow.messages:
            replies.get(slow, 0)
        self.layer.send(slow.name, {'content': b'last'})
        self.assertEqual(replies.get(slow, 30), {'content': b'last'})
        replies.close(slow)

    def test_a_subclass_has_it_too(self):
        class Mine(RedisChannelLayer):
            pass

        layer = Mine(hosts=[self.server.url], prefix=self.prefix)
        self.addCleanup(layer.close)
        self.assertTrue(layer.supports_throttling)
        layer.throttle('p!slow')
        with self.assertRaises(ChannelFull):
            self.layer.send('p!slow', {})
        layer.unthrottle('p!slow')
        self.layer.send('p!slow', {})
