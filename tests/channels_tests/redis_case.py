"""What the tests of the Redis channel layer share."""
from __future__ import absolute_import, unicode_literals

import logging
import struct
import threading
import time

import redis
from django.channels.layers.redis import RedisChannelLayer
from django.test import SimpleTestCase

from .redis_server import RedisServer


class Records(logging.Handler):
    """What is logged below django.channels while it is open."""

    def __init__(self):
        logging.Handler.__init__(self)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())

    def __enter__(self):
        logger = logging.getLogger('django.channels')
        logger.addHandler(self)
        # Django's own test runner lets errors through only.
        self._level = logger.level
        logger.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *error):
        logger = logging.getLogger('django.channels')
        logger.removeHandler(self)
        logger.setLevel(self._level)


class RedisTestCase(SimpleTestCase):
    """Has a Redis of the class's own, a client of it, and a layer."""
    prefix = 'test:'
    server = None

    @classmethod
    def setUpClass(cls):
        super(RedisTestCase, cls).setUpClass()
        cls.server = RedisServer().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        super(RedisTestCase, cls).tearDownClass()

    def setUp(self):
        self.redis = self.connect(self.server.url)
        self.redis.flushall()
        self.layer = self.make_layer()

    def connect(self, url):
        """Return a redis-py client that is closed after the test."""
        client = redis.StrictRedis.from_url(url, socket_timeout=30)
        self.addCleanup(client.connection_pool.disconnect)
        return client

    def make_layer(self, **options):
        options.setdefault('hosts', [self.server.url])
        layer = RedisChannelLayer(prefix=self.prefix, **options)
        self.addCleanup(layer.close)
        return layer

    def received(self, *channels, **options):
        layer = options.get('layer', self.layer)
        messages = []
        while True:
            channel, message = layer.receive(list(channels))
            if channel is None:
                return messages
            messages.append((channel, message))

    def key(self, kind, name):
        return '%s{0}:%s:%s' % (self.prefix, kind, name)

    def keys(self):
        return {key.decode('ascii') for key in self.redis.keys('*')} - {self.prefix + '{0}:statistics'}

    def make_old(self, queue, ms=3600000):
        """Have what waits in a queue be sent longer ago."""
        key = self.key('q', queue)
        for index in range(self.redis.llen(key)):
            entry = self.redis.lindex(key, index)
            deadline = struct.unpack_from(str('>Q'), entry, 2)[0] - ms
            self.redis.lset(key, index, entry[:2] + struct.pack(str('>Q'), deadline) + entry[10:])

    def calls(self, *commands):
        """Return how often each command was called since the last time."""
        calls = {
            key[len('cmdstat_'):]: value['calls'] for key, value in self.redis.info('commandstats').items()
        }
        self.redis.config_resetstat()
        return {
            name: number for name, number in calls.items()
            if name not in ('info', 'config|resetstat', 'config', 'keys', 'script|load', 'script')
        }

    def has_blmpop(self):
        """Whether the server has BLMPOP (Redis 7.0), with which a read is one call and no script."""
        # Valkey tells the version of Redis that it is compatible with.
        return int(self.redis.info('server')['redis_version'].split('.')[0]) >= 7

    def wait_until(self, condition):
        deadline = time.time() + 30
        while not condition():
            # Each look asks the server, which is pause enough.
            self.assertLess(time.time(), deadline, 'it never came true')

    def wait_until_blocked(self, number=1):
        self.wait_until(lambda: self.redis.info('clients')['blocked_clients'] == number)

    def in_thread(self, function, *args):
        """Call a function in a thread; calling the answer waits for it."""
        outcome = []
        thread = threading.Thread(target=lambda: outcome.append(function(*args)))
        thread.daemon = True
        thread.start()

        def join():
            thread.join(30)
            self.assertEqual(len(outcome), 1, 'the thread did not end')
            return outcome[0]
        return join
