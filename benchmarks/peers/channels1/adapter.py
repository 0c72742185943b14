"""asgi_redis, its capacity raised."""
from __future__ import unicode_literals

import asgi_redis


class Layer(object):
    def __init__(self, urls, config):
        self.layer = asgi_redis.RedisChannelLayer(
            hosts=urls, **dict({'capacity': 1000000, 'prefix': 'asgi:'}, **config)
        )

    def produce(self, channel, message, until):
        sent = 0
        while not until():
            self.layer.send(channel, message)
            sent += 1
        # A shard is chosen by chance, so the last must be told from what may still wait on others.
        self.layer.send(channel, {'last': sent + 1})
        return sent + 1

    def consume(self, channel):
        received, expected = 0, None
        while expected is None or received < expected:
            name, message = self.layer.receive([channel], block=True)
            if name is not None:
                received += 1
                expected = message.get('last', expected)
        return received

    def join(self, group, members):
        self.process = 'bench.reader.%s!' % id(self)
        for number in range(members):
            self.layer.group_add(group, '%s%d' % (self.process, number))

    def send_groups(self, group, message, until):
        sent = 0
        while not until():
            self.layer.send_group(group, message)
            sent += 1
        return sent

    def consume_groups(self, done):
        received = 0
        while not done(received):
            name, message = self.layer.receive([self.process], block=True)
            received += name is not None
