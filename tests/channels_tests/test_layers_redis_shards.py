"""Tests of the Redis channel layer on four independent servers."""
from __future__ import absolute_import, unicode_literals

import threading
import time

from django.channels.exceptions import ChannelFull, LayerUnavailable
from django.channels.layers.acknowledgement import receipt_of
from django.channels.layers.presence import WORKER, this_process
from django.channels.layers.transport.operations import Result
from django.channels.names import process_channel

from .redis_case import Records, RedisTestCase
from .redis_server import RedisServer


class AddedShardTests(RedisTestCase):
    """A second server is added, while processes know it, or as one that joins, or not yet."""

    @classmethod
    def setUpClass(cls):
        super(AddedShardTests, cls).setUpClass()
        cls.other = RedisServer().start()

    @classmethod
    def tearDownClass(cls):
        cls.other.stop()
        super(AddedShardTests, cls).tearDownClass()

    def setUp(self):
        super(AddedShardTests, self).setUp()
        self.connect(self.other.url).flushall()
        joining = {'address': self.other.url, 'joining': True}
        self.stages = [self.make_layer(hosts=[self.server.url] + more) for more in ([], [joining], [self.other.url])]

    def pairs(self):
        """Return the pairs of processes that there are at one time."""
        before, joining, after = self.stages
        return [(before, joining), (joining, before), (joining, after), (after, joining)]

    def test_normal_channels_lose_nothing(self):
        for sender, reader in self.pairs():
            for number in range(20):
                sender.send('a', {'n': number})
            self.assertEqual(len(self.received('a', layer=reader)), 20)

    def test_names_that_were_made_up_are_found_by_all(self):
        for sender, reader in self.pairs():
            for number in range(20):
                queue = process_channel('p', reader.keeps_place)
                single = reader.new_channel('s?')
                sender.send(queue + '1', {'n': number})
                sender.send(single, {'n': number})
                self.assertEqual(reader.receive([queue]), (queue + '1', {'n': number}))
                self.assertEqual(reader.receive([single]), (single, {'n': number}))

    def test_groups_reach_all_members_and_forget_who_left(self):
        for sender, reader in self.pairs():
            queues = [process_channel('p', reader.keeps_place) for number in range(10)]
            for queue in queues:
                sender.group_add('room', queue + '1')
            sender.group_discard('room', queues[0] + '1')
            reader.send_group('room', {})
            for number, queue in enumerate(queues):
                expected = [(queue + '1', {})] if number else []
                self.assertEqual(self.received(queue, layer=reader), expected)
                reader.group_discard('room', queue + '1')

    def test_who_joins_comes_last(self):
        joining = {'address': self.other.url, 'joining': True}
        for hosts in ([joining], [joining, self.server.url]):
            with self.assertRaisesMessage(ValueError, "'joining' come last"):
                self.make_layer(hosts=hosts)


class ShardTests(RedisTestCase):
    shards = 4

    @classmethod
    def setUpClass(cls):
        super(ShardTests, cls).setUpClass()
        cls.servers = [cls.server] + [RedisServer().start() for _ in range(cls.shards - 1)]

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers[1:]:
            server.stop()
        super(ShardTests, cls).tearDownClass()

    def setUp(self):
        self.clients = [self.connect(server.url) for server in self.servers]
        for client in self.clients:
            client.flushall()
        super(ShardTests, self).setUp()

    def make_layer(self, **options):
        return super(ShardTests, self).make_layer(hosts=[server.url for server in self.servers], **options)

    def keys(self):
        return {
            key.decode('ascii') for client in self.clients for key in client.keys('*') if b'statistics' not in key
        }

    def one_on_each(self, pattern):
        """Return a channel name for each shard that lives there."""
        keys = self.layer._transport.options.keys
        names, number = {}, 0
        while len(names) < self.shards:
            name = pattern % number
            names.setdefault(keys.shard_of(name), name)
            number += 1
        return [names[shard] for shard in range(self.shards)]

    def wait_until_all_blocked(self):
        self.wait_until(lambda: all(client.info('clients')['blocked_clients'] for client in self.clients))

    def test_a_reader_holds_none_of_what_it_did_not_ask_for(self):
        # All shards answer at once if something comes between the look and the wait.
        layer = self.make_layer(acknowledged=['jobs'])
        process = this_process(WORKER, '1')
        layer.announce(process, {})
        layer.hold_as(process.name)
        reader = layer._reader(['jobs'])
        look, sends = reader._look, [0, 1]

        def look_before_they_come(*arguments):
            found = yield look(*arguments)
            if sends:
                for number in range(4):
                    layer.send('jobs', {'n': 4 * sends[0] + number})
                del sends[0]
            yield Result(found)

        reader._look = look_before_they_come
        received = [layer.receive(['jobs'], block=True)[1] for _ in range(8)]
        self.assertEqual(sorted(message['n'] for message in received), list(range(8)))
        self.assertEqual({receipt_of(message).attempt for message in received}, {1})
        self.assertEqual(layer.acknowledge([(receipt_of(message), ()) for message in received]), [])

    def test_normal_channels_spread_over_all_shards(self):
        for number in range(40):
            self.layer.send('a', {'n': number})
        lengths = [client.llen('test:{%d}:q:a' % number) for number, client in enumerate(self.clients)]
        self.assertEqual(lengths, [10] * 4)
        self.assertEqual(sorted(message['n'] for channel, message in self.received('a')), list(range(40)))

    def test_a_job_gives_way_to_one_with_its_id_wherever_it_waits(self):
        layer = self.make_layer(acknowledged={'jobs': {}})
        layer.hold_as('reader')
        for number in range(10):
            # Each unique key has its shard.
            unique = 'key %d' % number if number else None
            self.assertEqual(layer.send_job('jobs', {'n': number}, id='one', delay=60, unique=unique), 'one')
        job, = layer.jobs('jobs')
        self.assertEqual(job.message, {'n': 9})
        self.assertEqual(layer.acknowledged_statistics('jobs')['jobs']['cancelled'], 9)
        # One that is refused leaves it alone.
        other = layer.send_job('jobs', {}, delay=60, unique='key 5')
        self.assertEqual(layer.send_job('jobs', {}, id='one', unique='key 5'), other)
        self.assertEqual({job.id for job in layer.jobs('jobs')}, {'one', other})

    def test_other_channels_stay_on_their_shard_and_in_order(self):
        for names in (self.one_on_each('body?%d'), self.one_on_each('p.%d!')):
            for shard, name in enumerate(names):
                for number in range(5):
                    self.layer.send(name + 'x' * name.endswith('!'), {'n': number})
                self.assertEqual(self.clients[shard].llen('test:{%d}:q:%s' % (shard, name)), 5)
                self.assertEqual([message['n'] for channel, message in self.received(name)], list(range(5)))

    def test_a_message_on_any_shard_is_received_at_once(self):
        for shard, client in enumerate(self.clients):
            join = self.in_thread(self.layer.receive, ['a', 'b'], True)
            self.wait_until_all_blocked()
            other = self.make_layer()
            destination = other._transport.sender._destinations.find('a')[2]
            destination.shards = (shard,)
            started = time.time()
            other.send('a', {'n': shard})
            self.assertEqual(join(), ('a', {'n': shard}))
            # Far from the five seconds that a shard is waited for.
            self.assertLess(time.time() - started, 1)
            self.wait_until(lambda: not any(c.info('clients')['blocked_clients'] for c in self.clients))
        self.assertEqual(self.keys(), set())

    def test_two_messages_at_once_are_both_there_for_others(self):
        join = self.in_thread(self.layer.receive, ['a'], True)
        self.wait_until_all_blocked()
        other = self.make_layer()
        other.send_many([('a', {'n': 1})])
        other.send_many([('a', {'n': 2})])
        first = join()[1]['n']
        self.assertEqual([message['n'] for channel, message in self.received('a', layer=other)], [3 - first])

    def test_waiting_and_sending_loses_and_doubles_nothing(self):
        layer, got, ended = self.make_layer(), [], threading.Event()

        def read():
            while not ended.is_set():
                channel, message = layer.receive(['a', 'b'], block=True)
                if channel is not None:
                    got.append(message['n'])
        readers = [self.in_thread(read) for _ in range(3)]

        def write(start):
            for number in range(start, start + 300):
                self.layer.send_blocking('ab'[number % 2], {'n': number}, 30)
        for join in [self.in_thread(write, 0), self.in_thread(write, 300)]:
            join()
        self.wait_until(lambda: self.redis.ping() and len(got) >= 600)
        ended.set()
        layer.interrupt()
        for join in readers:
            join()
        self.assertEqual(sorted(got), list(range(600)))
        self.wait_until(lambda: not self.keys())

    def test_interrupt_ends_a_wait_on_all_shards(self):
        join = self.in_thread(self.layer.receive, ['a'], True)
        self.wait_until_all_blocked()
        started = time.time()
        self.layer.interrupt()
        self.assertEqual(join(), (None, None))
        self.assertLess(time.time() - started, 2)
        self.wait_until(lambda: not self.keys())

    def test_groups_reach_members_on_every_shard_in_order(self):
        names = [name + 'c' for name in self.one_on_each('p.%d!')] + self.one_on_each('body?%d') + ['normal']
        for name in names:
            self.layer.group_add('g', name)
        self.assertEqual(sorted(self.layer.group_channels('g')), sorted(names))
        for number in range(3):
            self.layer.send_group('g', {'n': number})
            for name in names:
                self.layer.send(name, {'n': 10 + number})
        for name in names[:-1]:
            queue = name[:-1] if '!' in name else name
            self.assertEqual([message['n'] for channel, message in self.received(queue)], [0, 10, 1, 11, 2, 12])
        self.assertEqual(len(self.received('normal')), 6)

    def test_capacity_is_that_of_each_shard_and_all_are_tried(self):
        layer = self.make_layer(capacity=2)
        for number in range(8):
            layer.send('a', {'n': number})
        with self.assertRaises(ChannelFull):
            layer.send('a', {})
        self.assertEqual(len(layer.send_many([('a', {})] * 3)), 3)
        self.assertEqual(len(self.received('a')), 8)

    def test_statistics_are_those_of_all_shards(self):
        for number in range(8):
            self.layer.send('a', {})
        for name in self.one_on_each('p.%d!'):
            self.layer.send(name + 'c', {})
        self.assertEqual(self.layer.channel_statistics('a')['messages_pending'], 8)
        statistics = self.layer.global_statistics()
        self.assertEqual((statistics['messages_count'], statistics['messages_pending']), (12, 12))
        self.layer.flush()
        self.assertEqual(self.keys(), set())

    def test_large_messages_lie_beside_their_queue(self):
        message = {'body': b'x' * 3000000}
        names = self.one_on_each('p.%d!')
        for name in names:
            self.layer.group_add('g', name + 'c')
            self.layer.send(name + 'c', message)
        self.layer.send_group('g', message)
        for name in names:
            self.assertTrue(all(content == message for channel, content in self.received(name)))

    def test_a_shard_that_is_away_stops_nobody(self):
        self.layer.send('a', {})
        self.received('a')
        away = self.servers[2]
        away.kill()
        try:
            with Records() as records:
                for number in range(6):
                    self.layer.send('a', {'n': number})
                got = [self.layer.receive(['a'], block=True)[1]['n'] for _ in range(6)]
                self.assertEqual(sorted(got), list(range(6)))
                name = self.one_on_each('p.%d!')[2]
                with self.assertRaises(LayerUnavailable):
                    self.layer.send(name + 'c', {})
                join = self.in_thread(self.layer.receive_batch, ['a', name], 1, 30)
                self.wait_until(lambda: records.lines)
                away.start()
                self.make_layer().send(name + 'c', {'n': 1})
                self.assertEqual(join(), [(name + 'c', {'n': 1})])
            self.assertEqual(len([line for line in records.lines if 'trying until' in line]), 1)
        finally:
            away.kill()
            away.start()

    def test_who_waits_for_room_on_others_is_not_told_of_a_shard_that_is_away(self):
        layer = self.make_layer(capacity=1)
        layer.send('a', {})
        self.received('a', layer=layer)
        away = self.servers[1]
        away.kill()
        try:
            for number in range(self.shards - 1):
                layer.send('a', {})
            # Each begins at another shard, and one of four with the one behind it.
            for _ in range(self.shards):
                pair = ('a', {})
                self.assertEqual(layer.send_many([pair]), [pair])
                for size in (1, 200000, 2000000):
                    with self.assertRaises(ChannelFull):
                        layer.send('a', {'body': b'x' * size})
        finally:
            away.start()
