"""
Rows for a reader of acknowledged channels: this program is the sender, and
the one that reads what comes of it.
"""
import json
import struct

import msgpack
from django.channels.acknowledged_options import ChannelOptions
from peers import BasePeer
from table import Rows, Skip

rows = Rows()
JOBS = 'conformance.jobs'
OPTIONS = '100 0 3 10'


class Peer(BasePeer):
    """A sender, and a process that results are sent to."""

    def __init__(self, options):
        super().__init__(options)
        self.layer.declare({JOBS: ChannelOptions(100, None, 3, 10)})
        self.results = 'conformance.%s!' % self.token
        self.number = 0

    def job(self, **keys):
        """Return a message whose result is awaited by done()."""
        self.number += 1
        return dict({'n': self.number, 'to': self.results + 'c'}, **keys)

    def done(self, message):
        """Wait until `message` is done and acknowledged."""
        channel, result = self.receive(self.results)
        assert (channel, result) == (message['to'], {'n': message['n']}), (channel, result)
        self.until(lambda: not self.held(), 'that nothing is held')

    def base(self, shard):
        return '%s{%d}:' % (self.prefix, shard)

    def held(self):
        """Return the keys of what is held, on all shards."""
        return [key for number, shard in enumerate(self.shards)
                for key in shard.keys(self.base(number) + 't:%s:*' % JOBS)]

    def letters(self):
        """Return the records and stories of dead letters, on all shards; and delete them."""
        found = {}
        for number, shard in enumerate(self.shards):
            for key, value in shard.hgetall(self.key(number, 'y', JOBS)).items():
                found[key.decode('ascii')] = value
            shard.delete(self.key(number, 'y', JOBS), self.key(number, 'x', JOBS))
        return found

    def dead(self, number):
        """Wait for `number` dead letters; return their stories."""
        self.until(lambda: sum(
            shard.zcard(self.key(index, 'x', JOBS)) for index, shard in enumerate(self.shards)
        ) == number, '%d dead letters' % number)
        letters = self.letters()
        stories = [json.loads(value.decode('utf-8')) for key, value in letters.items() if key.endswith(':s')]
        assert len(stories) == number and len(letters) == 2 * number, letters
        assert all(isinstance(story.get('error'), str) for story in stories), stories
        return stories


@rows('transport 17.2', 'a message in the line is done and acknowledged')
def in_line(peer):
    message = peer.job()
    peer.layer.send(JOBS, message)
    peer.done(message)
    for shard in range(len(peer.shards)):
        assert not peer.shards[shard].exists(peer.key(shard, 'a', JOBS))


@rows('transport 17.1', 'the reader is listed, and the channel declared, on every shard')
def listed(peer):
    for number, shard in enumerate(peer.shards):
        peer.until(lambda: shard.zcard(peer.base(number) + 'processes'), 'that a process is listed')
        assert shard.hget(peer.base(number) + 'acknowledged', JOBS) == OPTIONS.encode()
        for text in shard.hgetall(peer.base(number) + 'facts').values():
            facts = json.loads(text.decode('utf-8'))
            assert {'name', 'kind', 'host', 'pid', 'version', 'started', 'facts'} <= set(facts), facts


@rows('transport 17.2', 'messages on every shard are done')
def every_shard(peer):
    if len(peer.shards) == 1:
        raise Skip('there is one shard')
    for shard in range(len(peer.shards)):
        message = peer.job()
        peer.push(JOBS, peer.entry(msgpack.packb(message)), shard)
        peer.done(message)


@rows('transport 17.2', 'what comes of a message may be for another shard')
def elsewhere(peer):
    for _ in range(8):
        peer.results = 'conformance.%s.%d!' % (peer.token, peer.number)
        message = peer.job()
        peer.layer.send(JOBS, message)
        peer.done(message)


@rows('transport 17.2', 'a job that is due later is received then')
def later(peer):
    message = peer.job()
    begun = peer.shards[0].time()
    peer.layer.send_job(JOBS, message, delay=0.7, priority=5)
    peer.done(message)
    ended = peer.shards[0].time()
    assert ended[0] + ended[1] / 1e6 - begun[0] - begun[1] / 1e6 >= 0.69, 'it came too early'


@rows('transport 17.2', 'a unique key is free once its job is done')
def unique(peer):
    for _ in range(2):
        message = peer.job()
        peer.layer.send_job(JOBS, message, unique='key ' + peer.token)
        peer.done(message)
    assert not any(shard.exists(peer.key(number, 'u', JOBS)) for number, shard in enumerate(peer.shards))


@rows('transport 17.2', 'what has expired by its sender is received, and done')
def old_sender(peer):
    message = peer.job()
    if peer.layer.transport_options.sealer.flags:
        raise Skip('the deadline is sealed')
    peer.push(JOBS, peer.entry(msgpack.packb(message), ms=-5000), 0)
    peer.done(message)


@rows('transport 10', 'a large message is done, and its pieces are gone')
def large(peer):
    message = peer.job(data=b'\0\xff' * 1500000)
    peer.layer.send_job(JOBS, message)
    peer.done(message)
    for number, shard in enumerate(peer.shards):
        assert not shard.keys(peer.base(number) + '[bk]:*')


@rows('transport 17.2', 'what can not be read is a dead letter, and costs no other')
def unreadable(peer):
    before = peer.job()
    for entry in (b'garbage', peer.entry(b'\xc1'), peer.entry(b'\x80', version=3), peer.entry(b'\x80', 'label')):
        peer.shards[0].rpush(peer.key(0, 'a', JOBS), entry)
    peer.layer.send(JOBS, before)
    peer.done(before)
    peer.dead(4)


@rows('transport 17.3', 'what fails is tried as often as the options say, and is a dead letter then')
def failing(peer):
    before = peer.statistic('retried:' + JOBS)
    peer.layer.send(JOBS, peer.job(fail=True))
    peer.dead(1)
    assert peer.statistic('retried:' + JOBS) - before == 2
    peer.until(lambda: not peer.held(), 'that nothing is held')


@rows('transport 17.4', 'what a process held that is no more comes again')
def recovered(peer):
    message = peer.job()
    entry = peer.entry(msgpack.packb(message))
    shard = 0
    if peer.layer.transport_options.sealer.flags:
        raise Skip('the entry is sealed')
    record = struct.pack('>HBQH', 0, 128, 0, 0) + entry
    holder = 'nobody-%s~0' % peer.token
    peer.shards[shard].pipeline().hset(
        peer.key(shard, 't', JOBS) + ':' + holder, '05420d5a448000%s:0' % peer.token, record,
    ).sadd(peer.key(shard, 'o', JOBS), holder).execute()
    peer.done(message)


@rows('transport 6', 'scripts that the server forgot are loaded again')
def forgotten(peer):
    for shard in peer.shards:
        shard.script_flush()
    message = peer.job()
    peer.layer.send(JOBS, message)
    peer.done(message)


@rows('transport 17.2', 'a reader whose connection was cut holds nothing that it doesn\'t know')
def cut(peer):
    for shard in peer.shards:
        shard.client_kill_filter(_type='normal', skipme=True)
    for _ in range(3):
        message = peer.job()
        peer.layer.send_job(JOBS, message)
        peer.done(message)


@rows('transport 4', 'no counter is kept without an expiry')
def counters(peer):
    for number, shard in enumerate(peer.shards):
        assert shard.pttl(peer.base(number) + 'statistics') != -1
