"""Tests of groups on the Redis channel layer, against a real server."""
from __future__ import absolute_import, unicode_literals

import struct

from .redis_case import RedisTestCase


class GroupTests(RedisTestCase):

    def received_by_group(self, *queues):
        return sorted((channel, message['n']) for channel, message in self.received(*queues))

    def test_members_of_all_kinds_get_the_message_once(self):
        names = ['p.1!a', 'p.1!b', 'p.2!a', 'normal', 'x?y']
        for name in names + names:
            self.layer.group_add('g', name)
        self.assertEqual(sorted(self.layer.group_channels('g')), sorted(names))
        self.layer.send_group('g', {'n': 1})
        self.assertEqual(
            self.received_by_group('p.1!', 'p.2!', 'normal', 'x?y'), [(name, 1) for name in sorted(names)],
        )

    def test_who_left_gets_nothing_and_who_came_does(self):
        for name in ('p!a', 'p!b'):
            self.layer.group_add('g', name)
        for number in range(3):
            self.layer.send_group('g', {'n': number})
            self.layer.group_discard('g', 'p!a')
            self.layer.group_add('g', 'p!c')
        self.assertEqual(self.received_by_group('p!'), [
            ('p!a', 0), ('p!b', 0), ('p!b', 1), ('p!b', 2), ('p!c', 1), ('p!c', 2),
        ])

    def test_the_members_are_sent_again_only_by_what_changed(self):
        for client in range(1000):
            self.layer.group_add('g', 'p!%04d' % client)
        sizes = []
        for change in (None, None, 'p!new', None):
            if change:
                self.layer.group_add('g', change)
                self.layer.group_discard('g', 'p!0007')
            self.layer.send_group('g', {})
            sizes.append(len(self.redis.lindex(self.key('q', 'p!'), -1)))
        self.assertGreater(sizes[0], 5000)
        self.assertEqual(sizes[2] - sizes[1], len('+new -0007'))
        self.assertEqual(sizes[1], sizes[3])
        counts = [len(channels) for channels, message in self.layer.receive_deliveries(['p!'], 10)]
        self.assertEqual(counts, [1000] * 4)

    def test_many_changes_come_as_a_whole_list(self):
        self.layer.group_add('g', 'p!0')
        self.layer.send_group('g', {'n': 0})
        for client in range(1, 200):
            self.layer.group_add('g', 'p!%d' % client)
            self.layer.group_discard('g', 'p!%d' % (client - 1))
        self.assertFalse(self.redis.exists(self.key('d', 'g:p!')))
        self.layer.send_group('g', {'n': 1})
        self.assertEqual(self.received_by_group('p!'), [('p!0', 0), ('p!199', 1)])

    def test_order_between_direct_and_group_sends_holds(self):
        self.layer.group_add('g', 'p!a')
        expected = []
        for number in range(20):
            if number % 3:
                self.layer.send('p!a', {'n': number})
            else:
                self.layer.send_group('g', {'n': number})
            expected.append(number)
        self.assertEqual([message['n'] for channel, message in self.received('p!')], expected)

    def test_a_reader_that_knows_nothing_asks_once(self):
        self.layer.group_add('g', 'p!a')
        self.layer.group_add('g', 'p!b')
        self.layer.send_group('g', {'n': 0})
        self.assertEqual(len(self.received('p!')), 2)
        other = self.make_layer()
        for number in (1, 2):
            other.send_group('g', {'n': number})
        self.calls()
        self.assertEqual(len(other.receive_deliveries(['p!'], 10)[1][0]), 2)
        # Where the server has no BLMPOP, reading is a script as well.
        self.assertEqual(self.calls()['evalsha'], 1 if self.has_blmpop() else 2)

    def test_a_lost_list_of_members_is_asked_for(self):
        self.layer.group_add('g', 'p!a')
        self.layer.send_group('g', {'n': 0})
        self.layer.group_add('g', 'p!b')
        self.redis.delete(self.key('q', 'p!'))
        self.layer.group_discard('g', 'p!a')
        self.layer.send_group('g', {'n': 1})
        self.layer.send_group('g', {'n': 2})
        self.assertEqual(self.received_by_group('p!'), [('p!b', 1), ('p!b', 2)])

    def test_a_group_that_was_lost_and_made_again_is_known_anew(self):
        self.layer.group_add('g', 'p!a')
        self.layer.send_group('g', {'n': 0})
        self.assertEqual(self.received_by_group('p!'), [('p!a', 0)])
        self.redis.flushall()
        self.layer.group_add('g', 'p!b')
        self.layer.send_group('g', {'n': 1})
        self.assertEqual(self.received_by_group('p!'), [('p!b', 1)])

    def test_members_whose_time_is_over_are_gone(self):
        for name in ('p!a', 'p!b', 'normal'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', {'n': 0})
        self.received('p!', 'normal')
        self.redis.zadd(self.key('m', 'g:p!'), {'a': 1})
        old = struct.pack(str('>QL'), 1, 100)
        self.redis.hset(self.key('g', 'g'), 'normal', old)
        self.assertEqual(self.layer.group_channels('g'), ['p!b'])
        self.layer.send_group('g', {'n': 1})
        self.assertEqual(self.received_by_group('p!', 'normal'), [('p!b', 1)])
        self.redis.zadd(self.key('m', 'g:p!'), {'b': 1})
        self.layer.send_group('g', {'n': 2})
        self.assertEqual(self.received('p!'), [])
        self.assertEqual(self.keys(), set())

    def test_members_leave_when_their_messages_expire_unread(self):
        for name in ('p.1!a', 'p.2!a', 'normal'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', {'n': 0})
        self.layer.receive(['p.2!'])
        self.make_old('p.1!')
        self.make_old('normal')
        self.layer.send_group('g', {'n': 1})
        self.assertEqual(self.layer.group_channels('g'), ['p.2!a'])
        self.assertEqual(self.received('p.1!', 'normal'), [])
        self.assertEqual(self.received('p.2!'), [('p.2!a', {'n': 1})])

    def test_what_a_group_send_could_not_deliver_is_counted(self):
        layer = self.make_layer(process_capacity=2, capacity=1)
        for name in ('web.1!a', 'web.1!b', 'web.2!a', 'normal'):
            layer.group_add('g', name)
        layer.send('normal', {'n': 0})
        for number in range(3):
            layer.send_group('g', {'n': number})
            self.assertEqual(len(layer.receive_deliveries(['web.2!'], 10)), 1)
        self.assertEqual(layer.channel_statistics('web.1!')['dropped_count'], 2)
        self.assertEqual(layer.channel_statistics('normal')['dropped_count'], 3)
        self.assertEqual(layer.global_statistics()['dropped_count'], 5)
        # Nothing of the list of members is missing after that.
        layer.group_add('g', 'web.1!c')
        self.assertEqual(self.received_by_group('web.1!'), [
            ('web.1!a', 0), ('web.1!a', 1), ('web.1!b', 0), ('web.1!b', 1),
        ])

    def test_a_slow_process_costs_its_neighbours_nothing(self):
        layer = self.make_layer(process_capacity=3)
        layer.group_add('g', 'slow!a')
        layer.group_add('g', 'quick!a')
        got = []
        for number in range(20):
            layer.send_group('g', {'n': number})
            got += [message['n'] for channel, message in self.received('quick!')]
        self.assertEqual(got, list(range(20)))

    def test_messages_to_several_clients_may_be_changed_by_each(self):
        for name in ('p!a', 'p!b'):
            self.layer.group_add('g', name)
        self.layer.send_group('g', {'list': []})
        for channel, message in self.layer.receive_batch(['p!'], 10):
            message['list'].append(1)
            self.assertEqual(message, {'list': [1]})
