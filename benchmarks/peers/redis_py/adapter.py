"""
Bytes through a Redis list: RPUSH to send, BLPOP to receive, and nothing else.

The variant "script" sends by the smallest script that has a capacity and an
expiry, as a layer needs them.
"""
import json

import redis

SEND = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], 60)
return 1
"""


class Layer(object):
    #: Commands of one pipeline, in the variant "pipelined".
    BATCH = 100

    def __init__(self, urls, config):
        self.client = redis.Redis.from_url(urls[0])
        self.script = self.client.script_load(SEND)
        self.send = self.send_by_script if config.get('kind') == 'script' else self.client.rpush

    def send_by_script(self, channel, body):
        return self.client.evalsha(self.script, 1, channel, body, 100000)

    def produce(self, channel, message, until):
        body, sent = json.dumps(message).encode(), 0
        while not until():
            self.send(channel, body)
            sent += 1
        self.send(channel, b'last')
        return sent + 1

    def consume(self, channel):
        received = 0
        while True:
            received += 1
            if self.client.blpop([channel], 5)[1] == b'last':
                return received

    def produce_batches(self, channel, message, until):
        body, sent = json.dumps(message).encode(), 0
        while not until():
            pipeline = self.client.pipeline(transaction=False)
            for _ in range(self.BATCH):
                pipeline.rpush(channel, body)
            pipeline.execute()
            sent += self.BATCH
        self.client.rpush(channel, b'last')
        return sent + 1

    def consume_batches(self, channel):
        received = 0
        while True:
            bodies = self.client.blmpop(5, 1, channel, direction='LEFT', count=self.BATCH)[1]
            received += len(bodies)
            if bodies[-1] == b'last':
                return received
