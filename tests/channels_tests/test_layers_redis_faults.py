"""Tests of the Redis channel layer when its server is in trouble."""
from __future__ import absolute_import, unicode_literals

import os

from django.channels import route
from django.channels.exceptions import LayerUnavailable
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.late_answers import LATE_ANSWERS
from django.channels.layers.redis import RedisChannelLayer
from django.channels.prefetch.coalescer import Coalescer
from django.channels.worker import FAILED, Worker

from .redis_case import Records, RedisTestCase
from .redis_server import RedisServer, free_port


class FaultTests(RedisTestCase):

    def setUp(self):
        self.server = RedisServer().start()
        self.addCleanup(self.server.stop)
        super(FaultTests, self).setUp()

    def test_a_server_that_is_away_is_told_at_once_with_its_address(self):
        layer = RedisChannelLayer(hosts=['redis://127.0.0.1:%d' % free_port()])
        for call in (lambda: layer.send('a', {}), lambda: layer.send_group('g', {}), lambda: layer.receive(['a']),
                     lambda: layer.group_add('g', 'a'), lambda: layer.global_statistics()):
            with self.assertRaisesMessage(LayerUnavailable, "Redis at 127.0.0.1:"):
                call()

    def test_a_send_raises_while_the_server_is_away_and_works_after(self):
        self.layer.send('a', {'n': 0})
        self.server.kill()
        for number in (1, 2):
            with self.assertRaises(LayerUnavailable) as caught:
                self.layer.send('a', {'n': number})
            self.assertIsNotNone(caught.exception.__cause__)
        self.server.start()
        self.layer.send('a', {'n': 3})
        self.assertEqual(self.received('a'), [('a', {'n': 3})])

    def test_an_idle_connection_that_the_server_closed_costs_no_message(self):
        self.layer.send('a', {})
        self.server.restart()
        # The pool still has the connection; it was idle all the while.
        self.layer.send('a', {'n': 1})
        self.assertEqual(self.received('a'), [('a', {'n': 1})])

    def test_a_waiting_reader_survives_a_restart_and_says_it_once(self):
        self.layer.receive(['a'])
        told = []
        self.layer.on_lost_state = told.append
        with Records() as records:
            join = self.in_thread(self.layer.receive_batch, ['a'], 10, 30)
            client = self.connect(self.server.url)
            self.wait_until(lambda: client.info('clients')['blocked_clients'] == 1)
            self.server.kill()
            self.wait_until(lambda: records.lines)
            self.server.start()
            self.make_layer().send('a', {'n': 1})
            self.assertEqual(join(), [('a', {'n': 1})])
        [line] = [line for line in records.lines if 'trying until it can' in line]
        self.assertNotIn('.;', line)
        self.assertEqual(len([line for line in records.lines if 'can be reached again' in line]), 1)
        self.assertEqual(len([line for line in records.lines if 'has lost what it held' in line]), 1)
        self.assertEqual(told, [0])

    def test_what_was_received_does_not_come_again_from_an_older_dump(self):
        self.layer.send('a', {'n': 1})
        self.redis.save()
        self.assertEqual(self.received('a'), [('a', {'n': 1})])
        with Records() as records:
            self.server.restart()
            self.assertEqual(self.received('a'), [])
            self.layer.send('a', {'n': 2})
            self.assertEqual(self.received('a'), [('a', {'n': 2})])
        self.assertEqual(len([line for line in records.lines if 'has lost what it held' in line]), 1)

    def test_a_member_that_an_older_dump_lacks_is_told_by_who_added_it(self):
        process = self.make_layer()
        process.group_add('room', 'x!1')
        self.redis.save()
        process.group_discard('room', 'x!1')
        self.layer.group_add('room', 'x!2')
        with Records() as records:
            self.server.restart()
            self.layer.receive(['a'])
            # What the dump has, and all are told, so that clients come again.
            self.assertEqual(self.layer.group_channels('room'), ['x!1'])
            process.receive(['x!'])
        self.assertEqual(len([line for line in records.lines if 'has lost what it held' in line]), 2)

    def test_a_lost_receipt_costs_what_could_come_twice_and_nothing_else(self):
        self.layer.group_add('room', 'x!1')
        for number in range(3):
            self.layer.send('a', {'n': number})
            # Queues are in the order of deadlines, which are in milliseconds.
            self.wait_until(lambda before=self.redis.time(): self.redis.time() > (before[0], before[1] + 2000))
        self.layer.send('x!1', {'n': 3})
        self.redis.save()
        self.assertEqual(self.layer.receive(['a']), ('a', {'n': 0}))
        self.assertEqual(self.layer.receive(['x!']), ('x!1', {'n': 3}))
        self.layer.receive(['a'])
        with Records() as records:
            self.server.restart()
            self.assertEqual(self.received('a'), [('a', {'n': 2})])
            self.assertEqual(self.received('x!'), [])
            self.assertEqual(self.layer.group_channels('room'), ['x!1'])
            self.layer.send_group('room', {})
            self.assertEqual(self.received('x!'), [('x!1', {})])
        self.assertEqual(len([line for line in records.lines if 'what it held last' in line]), 1)
        self.assertEqual(len([line for line in records.lines if 'in which group' in line]), 0)
        self.assertNotIn(self.key('p', 'x!'), self.keys())

    def test_who_comes_back_late_is_told_that_the_server_went_back(self):
        other = self.make_layer()
        other.receive(['b'])
        self.layer.send('a', {'n': 1})
        self.redis.save()
        self.assertEqual(self.received('a'), [('a', {'n': 1})])
        self.layer.group_add('room', 'x!1')
        with Records() as records:
            self.server.restart()
            # Its marks are later than any that were lost.
            other.group_add('room', 'x!2')
            self.assertEqual(self.received('a'), [])
            other.receive(['b'])
        self.assertEqual(len([line for line in records.lines if 'in which group' in line]), 1)

    def test_a_server_that_restarts_with_all_its_data_has_lost_nothing(self):
        self.layer.group_add('room', 'x!1')
        self.layer.send('a', {'n': 1})
        self.layer.send('b', {'n': 2})
        self.received('b')
        self.redis.save()
        with Records() as records:
            self.server.restart()
            self.assertEqual(self.layer.group_channels('room'), ['x!1'])
            self.assertEqual(self.received('a'), [('a', {'n': 1})])
        self.assertEqual([line for line in records.lines if 'has lost' in line], [])

    def test_a_channel_whose_server_is_away_can_not_be_heard_until_it_is_back(self):
        self.assertTrue(self.layer.can_hear('x!1'))
        self.server.kill()
        with Records():
            self.layer.receive_batch(['x!'], 1, 0.01)
            self.layer._pools[0].next_try = 0.0
            self.assertFalse(self.layer.can_hear('x!1'))
            self.assertFalse(self.layer.can_hear('x!1'))
            self.server.start()
            self.layer._pools[0].next_try = 0.0
            self.assertTrue(self.layer.can_hear('x!1'))

    def test_a_connection_cut_in_the_middle_of_a_receive_is_survived(self):
        self.layer.receive(['a'])
        client = self.connect(self.server.url)
        with Records():
            join = self.in_thread(self.layer.receive_batch, ['a'], 10, 30)
            self.wait_until(lambda: client.info('clients')['blocked_clients'] == 1)
            client.execute_command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
            self.wait_until(lambda: client.info('clients')['blocked_clients'] == 1)
            self.make_layer().send('a', {'n': 1})
            self.assertEqual(join(), [('a', {'n': 1})])

    def test_interrupt_ends_a_wait_for_a_server_that_is_away(self):
        self.server.kill()
        with Records() as records:
            join = self.in_thread(self.layer.receive_batch, ['a'], 10, 600)
            self.wait_until(lambda: records.lines)
            self.layer.interrupt()
            self.assertEqual(join(), [])

    def test_garbage_in_a_queue_is_dropped_counted_and_logged_once(self):
        client = self.connect(self.server.url)
        self.layer.send('p.1!a', {'n': 0})
        good = client.lindex(self.key('q', 'p.1!'), 0)
        garbage = [
            b'', b'x', b'\0' * 50, bytes(bytearray(range(56, 256))), good[:11], good[:14], good[:-1], good + b'x',
            b'\x03' + good[1:], good[:1] + b'\x07' + good[2:], good[:1] + b'\x02' + good[2:],
            good[:1] + b'\x11' + good[2:], good[:1] + b'\x21' + good[2:],
            good[:12] + b'\xff' + good[13:], good[:-5] + b'\xd4\x01\x00\x00\x00',
            # Changes of a group with two spaces between them.
            good[:1] + b'\x02' + good[2:13] + b'\0' * 15 + b'\1' + b'\0\0\0\6+1  +2\x80',
        ]
        for entry in garbage:
            client.rpush(self.key('q', 'p.1!'), entry)
        self.layer.send('p.1!a', {'n': 1})
        with Records() as records:
            self.assertEqual([m['n'] for c, m in self.received('p.1!')], [0, 1])
        self.layer.receive(['p.1!'])
        # One for what is malformed, one for what a later version may have sent.
        dropped = [line for line in records.lines if 'was dropped' in line]
        self.assertEqual(len(dropped), 2, records.lines)
        statistics = self.layer.global_statistics()
        self.assertGreaterEqual(statistics['unsupported_count'], 2)
        dropped = [statistics[counter + '_count'] for counter in ('malformed', 'unsupported', 'expired')]
        self.assertEqual(sum(dropped), len(garbage))

    def test_what_a_reader_counts_expires_even_if_the_server_lost_the_counters(self):
        client = self.connect(self.server.url)
        self.layer.receive(['a'])
        client.delete(self.prefix + '{0}:statistics')
        client.rpush(self.key('q', 'a'), b'garbage')
        self.layer.receive(['a'])
        self.assertEqual(client.hgetall(self.prefix + '{0}:statistics'), {b'malformed:a': b'1'})
        self.assertGreater(client.pttl(self.prefix + '{0}:statistics'), 0)

    def test_garbage_at_the_head_of_a_full_queue_makes_room(self):
        client = self.connect(self.server.url)
        layer = self.make_layer(capacity=2)
        for entry in (b'x', b'\0' * 30):
            client.rpush(self.key('q', 'a'), entry)
        layer.send('a', {'n': 1})
        self.assertEqual(self.received('a'), [('a', {'n': 1})])

    def test_a_server_without_memory_refuses_and_recovers(self):
        client = self.connect(self.server.url)
        self.layer.send('a', {'n': 0})
        self.layer.send('p!a', {'n': 0})
        self.layer.group_add('g', 'x!b')
        self.layer.send_group('g', {})
        client.config_set('maxmemory', 1)
        for call in (lambda: self.layer.send('a', {}), lambda: self.layer.send_group('g', {}),
                     lambda: self.layer.group_add('g', 'a')):
            with self.assertRaisesMessage(LayerUnavailable, 'Redis refused a command: OOM'):
                call()
        # Reading goes on.
        self.assertEqual(sorted(channel for channel, message in self.received('a', 'p!')), ['a', 'p!a'])
        client.config_set('maxmemory', 0)
        self.layer.send('a', {'n': 1})
        self.assertEqual(self.received('a', 'p!'), [('a', {'n': 1})])
        self.assertEqual(self.layer.channel_statistics('a')['messages_count'], 2)

    def test_clients_of_a_server_without_memory_are_answered_once_it_has_some(self):
        def consumer(message):
            raise ValueError('x')

        client = self.connect(self.server.url)
        worker = Worker(ChannelLayerWrapper(self.layer, 'test', [route('http.request', consumer)]))
        done = {'status': 200, 'headers': [], 'content': b'done', 'more_content': False}
        coalescer = Coalescer()
        coalescer.add([(self.layer, 'send', 'p!%s' % name, dict(content), None) for name, content in (
            ('b', done), ('c', done), ('d', {'text': 'lost'}), ('e', dict(done, more_content=True)))])
        client.config_set('maxmemory', 1)
        self.addCleanup(client.config_set, 'maxmemory', 0)
        self.assertEqual(worker.handle('http.request', {'reply_channel': 'p!a'}), FAILED)
        coalescer.deliver()
        client.config_set('maxmemory', 0)
        LATE_ANSWERS.finish(30)
        self.assertEqual(sorted((channel, message['status']) for channel, message in self.received('p!')), [
            ('p!a', 500), ('p!b', 200), ('p!c', 200),
        ])

    def test_a_server_that_becomes_a_replica_refuses_and_recovers(self):
        client = self.connect(self.server.url)
        self.addCleanup(client.execute_command, 'REPLICAOF', 'NO', 'ONE')
        self.layer.send('a', {'n': 0})
        client.execute_command('REPLICAOF', '127.0.0.1', '1')
        for call in (lambda: self.layer.send('a', {}), lambda: self.layer.receive(['a']),
                     lambda: self.layer.send_group('g', {})):
            with self.assertRaisesMessage(LayerUnavailable, 'READONLY'):
                call()
        client.execute_command('REPLICAOF', 'NO', 'ONE')
        self.layer.send('a', {'n': 1})
        self.assertEqual(self.received('a'), [('a', {'n': 0}), ('a', {'n': 1})])

    def test_a_server_whose_disk_is_full_refuses_and_recovers(self):
        self.layer.send('a', {'n': 0})
        self.layer.group_add('g', 'b')
        client = self.connect(self.server.url)
        # A folder where the file is to be makes saving fail, as a full disk does.
        obstacle = os.path.join(self.server.folder, 'dump.rdb')
        os.mkdir(obstacle)
        client.config_set('save', '3600 1')
        self.addCleanup(client.config_set, 'save', '')
        client.bgsave()
        self.wait_until(lambda: client.info('persistence')['rdb_last_bgsave_status'] == 'err')
        for call in (lambda: self.layer.send('a', {}), lambda: self.layer.receive(['a']),
                     lambda: self.layer.send_group('g', {})):
            with self.assertRaisesMessage(LayerUnavailable, 'MISCONF'):
                call()
        with Records() as records:
            join = self.in_thread(self.layer.receive_batch, ['a'], 1, 30)
            self.wait_until(lambda: records.lines)
            os.rmdir(obstacle)
            client.bgsave()
            # Nothing that it had is lost, and the reader comes back by itself.
            self.assertEqual(join(), [('a', {'n': 0})])
        # Threads that other tests have left may say something, too.
        lines = [line for line in records.lines if line.startswith('Redis at')]
        self.assertEqual(len(lines), 2, lines)

    def test_a_server_that_refuses_a_waiting_reader_is_not_asked_all_the_time(self):
        self.assertEqual(self.received('a'), [])
        client = self.connect(self.server.url)
        # It has no replica, so it takes no write, and popping is one.
        client.config_set('min-replicas-to-write', 1)
        self.addCleanup(client.config_set, 'min-replicas-to-write', 0)
        before = client.info('stats')['total_error_replies']
        with Records() as records:
            self.assertEqual(self.layer.receive_batch(['a'], 1, 0.3), [])
        # A thread that other tests have left may log, too, that it can't look.
        self.assertEqual(len([line for line in records.lines if line.startswith('Redis')]), 1, records.lines)
        self.assertLess(client.info('stats')['total_error_replies'] - before, 20)

    def test_the_timeouts_of_redis_py_are_not_ours(self):
        layer = RedisChannelLayer(hosts=[self.server.url + '?socket_timeout=0.2'], prefix=self.prefix)
        self.addCleanup(layer.close)
        join = self.in_thread(layer.receive_batch, ['a'], 1, 30)
        client = self.connect(self.server.url)
        self.wait_until(lambda: client.info('clients')['blocked_clients'] == 1)
        client.blpop(['nothing'], 1)
        layer.send('a', {'n': 1})
        self.assertEqual(join(), [('a', {'n': 1})])
