"""
Rows for a worker: this program is the server.
"""
import msgpack
from peers import BasePeer, unboxed, unhex, vectors
from table import Rows, Skip

rows = Rows()


class Peer(BasePeer):
    """A server with one process and as many clients as are asked for."""

    def __init__(self, options):
        super().__init__(options)
        self.responses = 'http.response.%s!' % self.token
        self.sockets = 'websocket.send.%s!' % self.token
        self.number = 0
        self.early = {}

    def new_channel(self, queue):
        self.number += 1
        return queue + '%x' % self.number

    def request_message(self, path='/mirror', **keys):
        return dict({
            'reply_channel': self.new_channel(self.responses), 'http_version': '1.1', 'method': 'POST', 'path': path,
            'headers': [[b'host', b'localhost']], 'body': b'',
        }, **keys)

    def request(self, path='/mirror', **keys):
        """Send a request; return its reply channel."""
        message = self.request_message(path, **keys)
        if isinstance(message['body'], bytes) and 'body_channel' not in keys:
            message['headers'] = message['headers'] + [[b'content-length', b'%d' % len(message['body'])]]
        self.layer.send('http.request', message)
        return message['reply_channel']

    def next_reply(self, channel):
        """Return the next message for a client."""
        queue = channel.partition('!')[0] + '!'
        while not self.early.get(channel):
            found, message = self.receive(queue)
            self.early.setdefault(found, []).append(self.linted(found, message))
        return self.early[channel].pop(0)

    def answer(self, channel):
        """Return (status, headers, content, number of messages)."""
        first = self.next_reply(channel)
        assert 'status' in first, first
        content, number, message = first.get('content') or b'', 1, first
        while message.get('more_content'):
            message = self.next_reply(channel)
            assert not message.get('closed'), 'it broke the response off'
            content += message.get('content') or b''
            number += 1
        return first['status'], first.get('headers') or [], content, number

    def check(self, channel, content):
        status, headers, found, number = self.answer(channel)
        assert (status, found) == (200, content), (status, found[:100], len(found))
        return number

    def connect(self):
        """Return the channel of a socket that was accepted."""
        channel = self.new_channel(self.sockets)
        self.layer.send('websocket.connect', {
            'reply_channel': channel, 'path': '/echo/', 'headers': [[b'host', b'localhost']], 'order': 0,
        })
        reply = self.next_reply(channel)
        assert reply.get('accept') is True, reply
        return channel


@rows('messages 5.1', 'a request of required keys only is answered')
def minimal(peer):
    message = peer.request_message(method='GET')
    del message['body']
    peer.layer.send('http.request', message)
    peer.check(message['reply_channel'], b'')


@rows('messages 5.1', 'a request with all keys is answered')
def all_keys(peer):
    peer.check(peer.request(
        body=b'\0\xff', query_string=b'a=1', scheme='https', root_path='', client=['127.0.0.1', 5],
        server=['example.com', 443], cgi={'REMOTE_USER': 'anna'}, version=1, body_channel=None,
    ), b'\0\xff')


@rows('messages 5.2', 'a body in chunks arrives whole')
def body_in_chunks(peer):
    body = 'http.request.body?%s' % peer.token
    channel = peer.request(body=b'one ', body_channel=body)
    peer.layer.send(body, {'content': b'two ', 'more_content': True})
    peer.layer.send(body, {'content': b'three'})
    peer.check(channel, b'one two three')


@rows('messages 5.2', 'an abandoned request costs no other')
def abandoned(peer):
    body = 'http.request.body?%s' % peer.token
    peer.request(body=b'one ', body_channel=body)
    peer.layer.send(body, {'closed': True})
    peer.check(peer.request(body=b'next'), b'next')


@rows('messages 5.3', 'a response in chunks')
def response_in_chunks(peer):
    content = b'0123456789' * 30000
    assert peer.check(peer.request('/mirror/stream', body=content), content) > 1


@rows('messages 4.2', 'unknown keys and later versions are taken')
def unknown_keys(peer):
    message = peer.request_message(body=b'a', later={'x': [1]}, version=2)
    peer.layer.send('http.request', message)
    peer.check(message['reply_channel'], b'a')


@rows('messages 2.1', 'byte strings are taken for text')
def bytes_for_text(peer):
    message = peer.request_message(body=b'a')
    for key in ('reply_channel', 'http_version', 'method', 'path'):
        message[key] = message[key].encode()
    peer.layer.send('http.request', message)
    peer.check(message['reply_channel'].decode(), b'a')


@rows('messages 5.3', 'a worker waits for room in a full reply channel')
def full(peer):
    message = peer.request_message('/mirror/stream', body=b'x' * 3000000)
    peer.layer.throttle(message['reply_channel'])
    peer.layer.send('http.request', message)
    peer.until(lambda: peer.statistic('full:http.response!'), 'a refusal')
    peer.layer.unthrottle(message['reply_channel'])
    peer.check(message['reply_channel'], message['body'])


@rows('messages 6.4', 'a handshake is accepted, and messages are echoed')
def socket(peer):
    channel = peer.connect()
    for order, data in enumerate([{'text': 'h\xe9 \U0001f600'}, {'bytes': b'\0\xff'}, {'text': 'x' * 70000}], 1):
        peer.layer.send('websocket.receive', dict(data, reply_channel=channel, path='/echo/', order=order))
        reply = peer.next_reply(channel)
        assert {key: reply.get(key) for key in data} == data, reply
    peer.layer.send('websocket.disconnect', {
        'reply_channel': channel, 'path': '/echo/', 'code': 1000, 'order': 4,
    })
    names = [peer.key(number, 'q', 'websocket.disconnect') for number in range(len(peer.shards))]
    peer.until(
        lambda: not any(shard.exists(name) for shard, name in zip(peer.shards, names)), 'that the end is received',
    )


@rows('messages 6.4', 'twenty sockets, a hundred messages')
def sockets(peer):
    channels = [peer.connect() for _ in range(20)]
    for order in range(1, 6):
        for channel in channels:
            peer.layer.send('websocket.receive', {
                'reply_channel': channel, 'path': '/echo/', 'order': order, 'text': '%s %d' % (channel, order),
            })
    for channel in channels:
        found = {peer.next_reply(channel)['text'] for _ in range(5)}
        # Readers of a normal channel have no order among them.
        assert found == {'%s %d' % (channel, order) for order in range(1, 6)}, found


@rows('transport 10', 'large messages both ways')
def large(peer):
    content = b'\0\xff' * 1000000
    peer.check(peer.request(body=content), content)


@rows('transport 5.2', 'other forms of msgpack are read')
def other_forms(peer):
    message = peer.request_message(body=b'abc')
    packed = msgpack.packb(message)
    short, long = b'\xc4\x03abc', b'\xc6\0\0\0\x03abc'
    assert short in packed
    queue = 'http.request'
    for shard in range(len(peer.shards)):
        message['reply_channel'] = peer.new_channel(peer.responses)
        body = msgpack.packb(message).replace(short, long)
        # A map of 16 or 32 bits, one key that isn't known with a float of 32.
        body = b'\xdf' + (len(message) + 1).to_bytes(4, 'big') + body[1:] + b'\xa1x\xca\x3f\0\0\0'
        peer.push(queue, peer.entry(body), shard)
        peer.check(message['reply_channel'], b'abc')


@rows('transport 5.4', 'malformed entries are dropped and counted, and cost no other')
def malformed(peer):
    before = peer.statistic('malformed:http.request') + peer.statistic('expired:http.request')
    entries = [unhex(vector['entry']) for vector in vectors('transport.json')['malformed_entries']
               if vector.get('queue') == 'n']
    soon = peer.entry(b'')[2:10]
    for entry in entries:
        peer.push('http.request', entry[:2] + soon + entry[10:] if len(entry) >= 10 else entry, 0)
    for body in (b'', b'\x90', b'\x80\x80', b'\x81\xa1a\xcf\xff\xff\xff\xff\xff\xff\xff\xff', b'\x81\xa1a\xa1\xff'):
        peer.push('http.request', peer.entry(body), 0)
    peer.push('http.request', peer.entry(b'x', kind=33), 0)
    peer.check(peer.request(body=b'good'), b'good')
    peer.until(
        lambda: peer.statistic('malformed:http.request') + peer.statistic('expired:http.request') - before >=
        len(entries) + 6, 'that each is counted',
    )


@rows('transport 5.4', 'entries of later versions are dropped and counted apart')
def unsupported(peer):
    before = peer.statistic('unsupported:http.request')
    body = msgpack.packb(peer.request_message(body=b'never'))
    peer.push('http.request', peer.entry(body, version=3), 0)
    peer.push('http.request', peer.entry(body, kind=1 + 128), 0)
    peer.push('http.request', peer.entry(body, kind=7), 0)
    peer.check(peer.request(body=b'good'), b'good')
    peer.until(lambda: peer.statistic('unsupported:http.request') - before == 3, 'that each is counted')


@rows('transport 8.3', 'expired entries are not delivered, and counted')
def expired(peer):
    before = peer.statistic('expired:http.request')
    message = peer.request_message(body=b'late')
    peer.push('http.request', peer.entry(msgpack.packb(message), ms=0), 0)
    channel = peer.request(body=b'in time')
    peer.check(channel, b'in time')
    assert message['reply_channel'] not in peer.early
    peer.until(lambda: peer.statistic('expired:http.request') - before == 1, 'that it is counted')


@rows('transport 7', 'a reply is an entry of version 1 with a right deadline, and is counted')
def bytes_of_a_reply(peer):
    channel = peer.request(body=b'abc')
    shard = peer.shard_of(peer.responses)
    key = peer.key(shard, 'q', peer.responses)
    entry = peer.until(lambda: peer.shards[shard].lindex(key, 0), 'a reply')
    label = channel.partition('!')[2].encode()
    kind = 1 | peer.layer.transport_options.sealer.flags
    assert entry[:2] == bytes([1, kind]), entry[:40]
    assert entry[10:12 + len(label)] == len(label).to_bytes(2, 'big') + label, entry[:40]
    now = peer.entry(b'', ms=0)
    left = int.from_bytes(entry[2:10], 'big') - int.from_bytes(now[2:10], 'big')
    assert 50000 < left <= 60100, left
    pending = peer.shards[shard].hgetall(peer.key(shard, 'p', peer.responses))
    assert pending == {label: b'1'}, pending
    assert 0 < peer.shards[shard].pttl(key) <= 60000
    peer.check(channel, b'abc')


@rows('transport 15.1', 'the worker says which version it reads')
def says_hello(peer):
    peer.check(peer.request(body=b'a'), b'a')
    for number in range(len(peer.shards)):
        assert peer.reads(number), 'nobody said hello'


@rows('transport 10.3', 'a request whose body is one string, and nothing stays of it')
def request_in_one_string(peer):
    content = b'0123456789' * 30000
    message = peer.request_message(body=content)
    key = peer.push_string('http.request', message, 0)
    peer.check(message['reply_channel'], content)
    # A worker whose messages others put back frees it in the write that asks for its next ones.
    peer.until(lambda: not peer.shards[key.shard].exists(key.name), 'that the string is deleted')


@rows('transport 8.2', 'requests on every shard are answered')
def every_shard(peer):
    if len(peer.shards) == 1:
        raise Skip('there is one shard')
    for shard in range(len(peer.shards)):
        message = peer.request_message(body=b'%d' % shard)
        peer.push('http.request', peer.entry(msgpack.packb(message)), shard)
        peer.check(message['reply_channel'], b'%d' % shard)


@rows('transport 6', 'scripts that the server forgot are loaded again')
def forgotten_scripts(peer):
    for shard in peer.shards:
        shard.script_flush()
    for _ in range(3):
        peer.check(peer.request(body=b'a'), b'a')


@rows('transport 13', 'a connection that is cut is made again')
def cut(peer):
    peer.check(peer.request(body=b'a'), b'a')
    for shard in peer.shards:
        shard.client_kill_filter(_type='normal', skipme=True)
    for shard in peer.shards:
        peer.until(lambda: shard.info('clients')['blocked_clients'], 'that the worker waits again')
    peer.check(peer.request(body=b'b'), b'b')


@rows('transport 4', 'every key has an expiry, and nothing is left but statistics')
def keys(peer):
    peer.check(peer.request(body=b'a' * 2000000), b'a' * 2000000)
    peer.layer.receive([peer.responses])

    def left():
        found = {}
        for shard in peer.shards:
            for key in shard.keys(peer.prefix + '*'):
                found[key] = shard.pttl(key)
        # Which channels are acknowledged stays known (section 17.1).
        assert all(ms != -1 for key, ms in found.items() if not key.endswith(b'}:acknowledged')), found
        # Of rows before, counts may be left that nobody reported.
        return not any(b':b:' in key or peer.token.encode() in key for key in found)
    peer.until(left, 'that all is gone')


@rows('messages 2.1', 'what is malformed as a message costs no other')
def malformed_messages(peer):
    for name in ('a request without path', 'a request without reply_channel'):
        for vector in vectors('messages.json')['vectors']:
            if vector['name'] == name:
                peer.layer.send('http.request', unboxed(vector['message']))
    peer.check(peer.request(body=b'a'), b'a')
