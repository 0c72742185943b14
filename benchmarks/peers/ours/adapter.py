"""Our layers, at their defaults: Redis, or memory if there is no URL."""
from __future__ import unicode_literals

import time

from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.redis import RedisChannelLayer


class Layer(object):
    #: Messages that one call of the batched variant sends or takes.
    BATCH = 100

    def __init__(self, urls, config):
        self.layer = RedisChannelLayer(hosts=urls, **config) if urls else InMemoryChannelLayer(**config)

    # One message a call

    def produce(self, channel, message, until):
        send, sent = self.layer.send, 0
        while not until():
            try:
                send(channel, message)
            except self.layer.ChannelFull:
                # At the default capacity a faster producer has to wait.
                self.layer.send_blocking(channel, message, 30)
            sent += 1
        # On several shards it may come before others.
        self.layer.send_blocking(channel, {'last': sent + 1}, 30)
        return sent + 1

    def consume(self, channel):
        receive, channels, received, expected = self.layer.receive, [channel], 0, None
        while expected is None or received < expected:
            name, message = receive(channels, block=True)
            if name is not None:
                received += 1
                if 'last' in message:
                    expected = message['last']
        return received

    # Batches

    def produce_batches(self, channel, message, until):
        batch, sent = [(channel, message)] * self.BATCH, 0
        while not until():
            sent += self.BATCH
            refused = self.layer.send_many(batch)
            while refused:
                # One that waits for room, and then what fits.
                self.layer.send_blocking(refused[0][0], refused[0][1], 30)
                refused = self.layer.send_many(refused[1:])
        # On several shards it may come before others.
        self.layer.send_blocking(channel, {'last': sent + 1}, 30)
        return sent + 1

    def consume_batches(self, channel):
        received, expected = 0, None
        while expected is None or received < expected:
            batch = self.layer.receive_batch([channel], self.BATCH, 5)
            received += len(batch)
            for name, message in batch:
                if 'last' in message:
                    expected = message['last']
        return received

    # Groups: one process holds all members

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
            deliveries = self.layer.receive_deliveries([self.process], 1000, 0.5)
            received += sum(len(channels) for channels, message in deliveries)

    # In one process

    def pass_on(self, message, until):
        passed, send, receive, channels = 0, self.layer.send, self.layer.receive, ['bench']
        while not until():
            for _ in range(100):
                send('bench', message)
                receive(channels)
            passed += 100
        return passed

    def send_and_drop(self, group, message, until):
        """Return how often was sent, and the seconds that the sending took; what arrived is dropped in between."""
        sends, seconds = 0, 0.0
        while not until():
            begin = time.time()
            for _ in range(10):
                self.layer.send_group(group, message)
            seconds += time.time() - begin
            sends += 10
            while self.layer.receive_deliveries([self.process], 1000):
                pass
        return sends, seconds
