"""
Tests of the Redis channel layer with many messages, and with huge ones.

With CHANNELS_LONG_TESTS set they are a million, and of 256 MB.
"""
from __future__ import absolute_import, unicode_literals

import os
import resource
import sys
import time
import unittest

from django.channels.layers.redis import RedisChannelLayer

from .redis_case import RedisTestCase
from .redis_server import RedisServer

LONG = bool(os.environ.get('CHANNELS_LONG_TESTS'))


@unittest.skipUnless(hasattr(os, 'fork'), 'this system cannot fork')
class VolumeTests(RedisTestCase):

    def fork(self, function, *args):
        """Call a function in a child; calling the answer waits for it."""
        child = os.fork()
        if not child:
            try:
                function(*args)
                os._exit(0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(1)
        return lambda: self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_many_processes_over_four_shards_lose_and_double_nothing(self):
        servers = [self.server] + [RedisServer().start() for _ in range(3)]
        for server in servers[1:]:
            self.addCleanup(server.stop)
        total, count = 1000000 if LONG else 20000, 4
        folder = servers[1].folder

        def layer():
            return self.new_layer(hosts=[server.url for server in servers], capacity=20000)

        def produce(number):
            sender = layer()
            for start in range(number, total, count * 200):
                pairs = [('job', {'n': n}) for n in range(start, min(total, start + count * 200), count)]
                deadline = time.time() + 60
                while pairs:
                    pairs = sender.send_many(pairs)
                    if pairs and time.time() > deadline:
                        raise RuntimeError('there was no room for a minute')

        def consume(number):
            reader, seen = layer(), bytearray(total)
            while True:
                batch = reader.receive_batch(['job'], 200, 3)
                if not batch:
                    break
                for channel, message in batch:
                    seen[message['n']] += 1
            with open(os.path.join(folder, 'seen%d' % number), 'wb') as file:
                file.write(seen)
        joins = [self.fork(consume, number) for number in range(count)]
        joins += [self.fork(produce, number) for number in range(count)]
        for join in joins:
            join()
        seen = []
        for number in range(count):
            with open(os.path.join(folder, 'seen%d' % number), 'rb') as file:
                seen.append(bytearray(file.read()))
        self.assertEqual({sum(flags) for flags in zip(*seen)}, {1})
        for server in servers:
            keys = self.connect(server.url).keys('*')
            self.assertEqual([key for key in keys if not key.endswith(b':statistics')], [])

    def test_ten_thousand_members_in_four_processes_get_all_in_order(self):
        names = ['p.%d!' % number for number in range(4)]

        def hold(name):
            layer, expected = self.new_layer(), tuple(sorted('%s%d' % (name, client) for client in range(2500)))
            for channel in expected:
                layer.group_add('g', channel)
            layer.send('ready', {})
            for number in range(100):
                found = []
                while not found:
                    found = layer.receive_deliveries([name], 1, 5)
                (channels, message), = found
                if message != {'n': number} or tuple(sorted(channels)) != expected:
                    raise RuntimeError('%r came for %d clients, not message %d' % (message, len(channels), number))
            if layer.receive_deliveries([name], 1):
                raise RuntimeError('more than a hundred messages came')

        joins = [self.fork(hold, name) for name in names]
        for _ in joins:
            while self.layer.receive(['ready'], block=True)[0] is None:
                pass
        for number in range(100):
            self.layer.send_group('g', {'n': number})
        for join in joins:
            join()
        # One write for each process, whatever the number of its clients.
        counted = self.redis.hgetall(self.prefix + '{0}:statistics')
        self.assertEqual(int(counted[b'sent:p!']), 400)

    def new_layer(self, **options):
        """Return a layer of a child's own, which no clean-up needs."""
        options.setdefault('hosts', [self.server.url])
        return RedisChannelLayer(prefix=self.prefix, **options)

    def test_a_huge_message_needs_about_twice_its_size(self):
        size = (256 if LONG else 32) << 20
        # Python 2 has no msgpack in C, and makes two copies more.
        limit = size * (4.2 if sys.version_info[0] < 3 else 2.2) + (20 << 20)

        def grown(before):
            return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024

        def run(step):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            step(self.new_layer())
            self.assertLess(grown(before), limit)

        def send(layer):
            layer.send('a', {'body': b'x' * size})

        def receive(layer):
            channel, message = layer.receive(['a'], block=True)
            self.assertEqual(len(message['body']), size)
            self.assertEqual(message['body'].count(b'x'), size)
        self.fork(run, send)()
        self.fork(run, receive)()
        self.assertEqual(self.keys(), set())
