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
            return RedisChannelLayer(
                hosts=[server.url for server in servers], prefix=self.prefix, capacity=20000,
            )

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

    def test_a_huge_message_needs_about_twice_its_size(self):
        size = (256 if LONG else 32) << 20
        # Python 2 has no msgpack in C, and makes two copies more.
        limit = size * (4.2 if sys.version_info[0] < 3 else 2.2) + (20 << 20)

        def grown(before):
            return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024

        def run(step):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            step(RedisChannelLayer(hosts=[self.server.url], prefix=self.prefix))
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
