"""
What both kinds of tests need: a layer, raw connections, time limits.
"""
import binascii
import collections
import json
import os
import struct
import time

import msgpack
import redis
from django.channels.exceptions import MalformedMessage
from django.channels.layers import codec
from django.channels.layers.redis import RedisChannelLayer
from django.channels.layers.transport.envelope import IN_PIECES, MESSAGE, WHOLE, Entry, pack_header
from django.channels.names import non_local_name, random_token
from django.channels.test import lint
from table import Skip

STANDARDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'standards')
#: Seconds until something that should come doesn't.
PATIENCE = 20


def vectors(name):
    """Return the content of a file of test vectors."""
    with open(os.path.join(STANDARDS, 'vectors', name), encoding='utf-8') as file:
        return json.load(file)


def unboxed(value):
    """Return a value of a vector, its byte strings being bytes."""
    return codec.from_json(json.dumps({'value': value}))['value']


def unhex(text):
    """Return the bytes that hexadecimal digits stand for."""
    return binascii.unhexlify(text)


#: Where something is kept: the number of a shard, the name of a key.
Key = collections.namedtuple('Key', 'shard name')


class BasePeer:
    """One side of the layer; `options` are those of the command line."""

    def __init__(self, options):
        self.prefix = options.prefix
        self.layer = RedisChannelLayer(
            hosts=options.redis, prefix=options.prefix, symmetric_encryption_keys=options.secret,
        )
        self.shards = [redis.Redis.from_url(url, socket_timeout=30) for url in options.redis]
        self.token = random_token(20)

    def close(self):
        self.layer.close()
        for shard in self.shards:
            shard.close()

    def key(self, shard, kind, name):
        """Return the key of a queue, of counts, ..."""
        return '%s{%d}:%s:%s' % (self.prefix, shard, kind, name)

    def statistic(self, field):
        """Return a counter, of all shards together."""
        found = [shard.hget('%s{%d}:statistics' % (self.prefix, number), field)
                 for number, shard in enumerate(self.shards)]
        return sum(int(value) for value in found if value)

    def shard_of(self, queue):
        """Return the number of the shard of a ! or ? queue."""
        return self.layer.transport_options.keys.shard_of(queue)

    def entry(self, body, label='', kind=1, ms=60000, version=1):
        """Return the bytes of an entry that expires in some ms."""
        seconds, microseconds = self.shards[0].time()
        deadline = seconds * 1000 + microseconds // 1000 + ms
        return struct.pack('>BBQH', version, kind, deadline, len(label)) + label.encode() + body

    def push(self, queue, entry, shard=None):
        """Put raw bytes into a queue; what can be read is encrypted, if there are secrets."""
        shard = self.shard_of(queue) if shard is None else shard
        key = self.key(shard, 'q', queue)
        entry = self._sealed(queue, entry, shard)
        self.shards[shard].pipeline().rpush(key, entry).pexpire(key, 60000).execute()

    def push_string(self, channel, message, shard=None):
        """Send a message whose body is a string beside its queue; return the Key of that."""
        queue = non_local_name(channel)
        shard = self.shard_of(queue) if shard is None else shard
        if self.reads(shard) < 2:
            raise Skip('somebody reads version 1 only')
        body, identifier, sealer = msgpack.packb(message), random_token(16), self.layer.transport_options.sealer
        flags = IN_PIECES | WHOLE | sealer.flags
        deadline = int.from_bytes(self.entry(b'')[2:10], 'big')
        reference, seal = sealer.split(shard, MESSAGE | flags, channel, deadline, identifier, len(body))
        key = Key(shard, self.key(shard, 'b', identifier))
        self.shards[shard].set(key.name, seal(0, body), px=120000)
        header = pack_header(MESSAGE | flags, deadline, channel[len(queue):])
        self.push(queue, header + reference, shard)
        return key

    def reads(self, shard):
        """Return the lowest version that somebody has said to read; 0 if nobody has."""
        fields = self.shards[shard].hkeys('%s{%d}:statistics' % (self.prefix, shard))
        return min([int(field[6:]) for field in fields if field.startswith(b'reads:')] or [0])

    def _sealed(self, queue, entry, shard):
        sealer = self.layer.transport_options.sealer
        try:
            parsed = Entry(entry)
        except MalformedMessage:
            return entry
        if not sealer.flags or parsed.flags:
            return entry
        name = queue + parsed.label if parsed.kind == MESSAGE else parsed.label
        body = sealer.seal(shard, parsed.kind, name, parsed.deadline, parsed.body)
        return entry[:1] + bytes([parsed.kind | sealer.flags]) + entry[2:len(entry) - len(parsed.body)] + body

    def until(self, condition, what):
        """Return what `condition()` returns once that is true."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            # Each look asks a server, which takes its time.
            time.sleep(0.01)
        raise AssertionError('%s did not come true' % what)

    def receive(self, channel, timeout=PATIENCE):
        """Return (channel, message), or fail."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for channels, message in self.layer.receive_deliveries([channel], 1, min(timeout, 1)):
                return channels[0], message
        raise AssertionError('nothing came on %s' % channel)

    def linted(self, channel, message):
        """Return a message that keeps the standard."""
        found = lint.problems(channel, message)
        assert not found, '%r on %s: %s' % (message, channel, found)
        return message
