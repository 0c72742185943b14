"""
Rows for a server: this program is the worker, and the client.
"""
import hashlib

import msgpack
from clients import Client
from peers import BasePeer, unboxed, unhex, vectors
from table import Rows

rows = Rows()
CHANNELS = ['http.request', 'http.disconnect', 'websocket.connect', 'websocket.receive', 'websocket.disconnect']
#: Headers that a server may add to a response.
OWN = {b'date', b'server', b'connection', b'keep-alive', b'transfer-encoding', b'content-length'}


class Peer(BasePeer):
    """All workers, and a client."""
    #: Of all rows, since the end of what was announced may come in a later one.
    announced = set()

    def __init__(self, options):
        super().__init__(options)
        self.address = options.address
        self.clients = []
        self.early = []
        # What a row before has left.
        for channel, message in iter(lambda: self.layer.receive(CHANNELS), (None, None)):
            self.announced.add(message.get('reply_channel'))

    def close(self):
        for client in self.clients:
            client.close()
        super().close()

    def client(self):
        self.clients.append(Client(self.address))
        return self.clients[-1]

    def check_announced(self, channel, message):
        if channel in ('http.request', 'websocket.connect'):
            self.announced.add(message.get('reply_channel'))
        elif channel in CHANNELS:
            assert message['reply_channel'] in self.announced, 'a message on %s for what was not sent' % channel

    def next(self, channel, reply_channel=None):
        """Return the next message on a channel, maybe of one client alone; it keeps the standard."""
        for index, (found, message) in enumerate(self.early):
            if found == channel and reply_channel in (None, message['reply_channel']):
                return self.early.pop(index)[1]
        while True:
            for found, message in self.layer.receive_deliveries(CHANNELS, 1, 20) or ():
                self.linted(found[0], message)
                self.check_announced(found[0], message)
                if found[0] == channel and reply_channel in (None, message['reply_channel']):
                    return message
                self.early.append((found[0], message))
                break
            else:
                raise AssertionError('nothing came on %s' % channel)

    def asked(self, method='GET', target='/', headers=(), body=b''):
        """Return (client, message) of a request."""
        client = self.client()
        client.request(method, target, headers, body)
        return client, self.next('http.request')

    def connected(self, **headers):
        """Return (client, message) of a handshake."""
        client = self.client()
        client.handshake('/chat', **headers)
        return client, self.next('websocket.connect')

    def opened(self):
        """Return (client, reply channel) of a socket that is open."""
        client, message = self.connected()
        self.layer.send(message['reply_channel'], {'accept': True})
        assert client.head()[0] == 101
        return client, message['reply_channel']


@rows('messages 5.1', 'a request is announced, and answered')
def request(peer):
    client, message = peer.asked('GET', '/a%20b?x=%20', [b'X-A: 1', b'x-a:  2 '])
    assert message['reply_channel'].startswith('http.response.'), message
    assert (message['path'], message.get('query_string')) == ('/a b', b'x=%20'), message
    assert [list(pair) for pair in message['headers'] if pair[0] == b'x-a'] == [[b'x-a', b'1'], [b'x-a', b'2']]
    peer.layer.send(message['reply_channel'], {'status': 200, 'content': b'hi'})
    status, headers, content, complete = client.response()
    assert (status, content, complete) == (200, b'hi', True)
    assert peer.next('http.disconnect', message['reply_channel'])['path'] == '/a b'


@rows('messages 4.2', 'the version is in a request and in a handshake')
def version(peer):
    assert peer.asked()[1].get('version') == 1
    assert peer.connected()[1].get('version') == 1


@rows('messages 3', 'reply channels are unguessable, and short enough')
def reply_channels(peer):
    found = {peer.asked()[1]['reply_channel'], peer.connected()[1]['reply_channel']}
    assert len(found) == 2
    for name in found:
        process = name.partition('!')[0].rpartition('.')[2]
        assert len(process) >= 14 and len(name) < 84, name


@rows('messages 5.1', 'paths are decoded as the vectors say')
def paths(peer):
    for vector in vectors('messages.json')['paths']:
        if vector['target'].isascii() and vector['target'].startswith('/') and '%00' not in vector['target']:
            message = peer.asked(target=vector['target'])[1]
            assert message['path'] == vector['path'], (vector, message['path'])


@rows('messages 5.1', 'the host of a target in absolute form is the one that counts')
def absolute_targets(peer):
    for vector in vectors('messages.json')['absolute_targets']:
        message = peer.asked(target=vector['target'])[1]
        hosts = [bytes(value) for name, value in message['headers'] if name == b'host']
        assert hosts == [vector['host'].encode()], (vector, hosts)
        found = message['path'], bytes(message.get('query_string') or b'')
        assert found == (vector['path'], vector['query_string'].encode()), (vector, found)


@rows('messages 5.1', 'headers with an underscore are left out')
def underscores(peer):
    message = peer.asked(headers=[b'X_A: 1', b'x_b: 2', b'X-C: 3', b'Remote-User: anna', b'REMOTE_USER: anna'])[1]
    assert not message.get('cgi'), message['cgi']
    names = [bytes(pair[0]) for pair in message['headers']]
    assert b'x-c' in names and not any(b'_' in name for name in names), names


@rows('messages 5.2', 'a body of 3 MB arrives whole')
def body(peer):
    sent = b'0123456789abcdef' * 190000
    client = peer.client()
    client.request('POST', '/upload', body=sent)
    message = peer.next('http.request')
    found, channel = message.get('body') or b'', message.get('body_channel')
    while channel:
        chunk = peer.linted(channel, peer.receive(channel)[1])
        found += chunk.get('content') or b''
        if not chunk.get('more_content'):
            break
    assert hashlib.sha256(found).digest() == hashlib.sha256(sent).digest(), len(found)


@rows('messages 5.3', 'each response of the vectors reaches the client as it should')
def responses(peer):
    for vector in vectors('messages.json')['responses']:
        client, message = peer.asked(vector['method'])
        for reply in vector['replies']:
            peer.layer.send(message['reply_channel'], unboxed(reply))
        if vector['end'] == 'goes on':
            assert client.head()[0] == vector['status']
            continue
        status, headers, content, complete = client.response(vector['method'])
        name = vector['name'], status, headers, content[:50]
        assert status == vector['status'], name
        if vector['end'] == 'error':
            continue
        assert complete == (vector['end'] == 'complete'), name
        found = [list(pair) for pair in headers if pair[0] not in OWN]
        # HTTP's names have no case.
        expected = [[pair[0].lower(), pair[1]] for pair in unboxed(vector['headers']) if pair[0].lower() not in OWN]
        assert found == expected, name
        lengths = [int(pair[1]) for pair in headers if pair[0] == b'content-length']
        expected = [] if vector['content_length'] is None else [vector['content_length']]
        assert lengths == expected, name
        if complete:
            assert content == unboxed(vector['content']), name


@rows('messages 5.3', 'what comes for clients that are not there is ignored')
def late(peer):
    client, message = peer.asked()
    process = message['reply_channel'].partition('!')[0] + '!'
    peer.layer.send(process + 'nobody', {'status': 200})
    peer.layer.send(message['reply_channel'], {'status': 200, 'content': b'a'})
    peer.layer.send(message['reply_channel'], {'content': b'late'})
    assert client.response()[2] == b'a'


@rows('messages 5.6', 'a worker learns that the client of its response went away')
def gone(peer):
    client, message = peer.asked()
    peer.layer.send(message['reply_channel'], {'status': 200, 'content': b'a', 'more_content': True})
    assert client.head()[0] == 200
    client.close()
    name = 'http.disconnect?' + message['reply_channel'].replace('!', '.')
    assert peer.receive(name)[1] == {'closed': True}
    peer.next('http.disconnect', message['reply_channel'])


@rows('messages 5.1', 'requests are answered with 503 while the channel is full, and not announced')
def full(peer):
    for shard in range(len(peer.shards)):
        for _ in range(100):
            peer.push('http.request', peer.entry(b'\x80'), shard)
    client = peer.client()
    client.request()
    assert client.response()[0] == 503
    while peer.layer.receive(['http.request'])[0]:
        pass
    client, message = peer.asked()
    peer.layer.send(message['reply_channel'], {'status': 200})
    assert client.response()[0] == 200
    peer.next('http.disconnect', message['reply_channel'])


@rows('messages 6.5', 'replies to a socket do what the vectors say')
def states(peer):
    for vector in vectors('messages.json')['sockets']:
        if vector.get('holds', True):
            check_states(peer, vector)


def check_states(peer, vector):
    client, message = peer.connected(offers=vector.get('offers', ()))
    for reply in vector['replies']:
        peer.layer.send(message['reply_channel'], unboxed(reply))
    events = [event for event in unboxed(vector['events']) if event != 'ignored']
    name = vector['name']
    if not events:
        # It is still in its handshake.
        peer.layer.send(message['reply_channel'], {'accept': True})
        assert client.head()[0] == 101, name
        return
    status, headers = client.head()
    first, rest = events[0], events[1:]
    if 'deny' in first:
        assert status == first['deny']['status'], (name, status)
        return
    assert status == 101, (name, status)
    chosen = [value.decode() for header, value in headers if header == b'sec-websocket-protocol']
    assert chosen == [value for value in [first['accept']['subprotocol']] if value], (name, chosen)
    assert len([1 for header, _ in headers if header == b'sec-websocket-accept']) == 1, name
    own = [list(pair) for pair in headers if pair[0] in (b'x-a', b'set-cookie')]
    assert own == [list(pair) for pair in first['accept']['headers']], (name, own)
    for event in rest:
        found = client.event()
        assert found == event, (name, found)


@rows('messages 6.2', 'messages of a socket are numbered, and its end comes last')
def numbers(peer):
    client, channel = peer.opened()
    client.frame(1, 'h\xe9'.encode())
    client.frame(2, b'\0\xff')
    found = sorted((peer.next('websocket.receive') for _ in range(2)), key=lambda message: message['order'])
    assert [message['order'] for message in found] == [1, 2]
    assert (found[0].get('text'), found[1].get('bytes')) == ('h\xe9', b'\0\xff'), found
    client.end(b'\x0f\xa1')
    end = peer.next('websocket.disconnect', channel)
    assert (end['code'], end['order']) == (4001, 3), end


@rows('messages 6.2', 'fragments are put together, and a ping is answered and not forwarded')
def pings(peer):
    client, channel = peer.opened()
    client.frame(1, b'in ', last=False)
    client.frame(9, b'ping')
    client.frame(0, b'parts')
    assert client.event() == {'pong': b'ping'}
    message = peer.next('websocket.receive', channel)
    assert (message.get('text'), message['order']) == ('in parts', 1), message
    client.end(b'')
    assert peer.next('websocket.disconnect', channel)['order'] == 2


@rows('messages 6.3', 'a client that breaks off has closed with 1006, one without a code with 1005')
def codes(peer):
    client, channel = peer.opened()
    client.close()
    assert peer.next('websocket.disconnect', channel)['code'] == 1006
    client, channel = peer.opened()
    client.end(b'')
    assert peer.next('websocket.disconnect', channel)['code'] == 1005


@rows('messages 6.3', 'the end of a handshake that was refused is told')
def refused(peer):
    client, message = peer.connected()
    peer.layer.send(message['reply_channel'], {'accept': False})
    assert client.head()[0] == 403
    end = peer.next('websocket.disconnect', message['reply_channel'])
    assert (end['code'], end['order']) == (1006, 1), end


@rows('messages 6.1', 'a bad handshake is refused by the server itself')
def bad_handshake(peer):
    client = peer.client()
    client.handshake(**{'Sec-WebSocket-Version': '12'})
    assert client.head()[0] in (400, 426)


@rows('transport 9', 'a group of two sockets gets one entry, and both its message')
def group(peer):
    (first, one), (second, two) = peer.opened(), peer.opened()
    name = 'g' + peer.token
    for channel in (one, two):
        peer.layer.group_add(name, channel)
    before = peer.statistic('sent:websocket.send!')
    peer.layer.send_group(name, {'text': 'both'})
    assert first.event() == second.event() == {'text': 'both'}
    assert peer.statistic('sent:websocket.send!') - before == 1
    peer.layer.group_discard(name, two)
    peer.layer.send_group(name, {'text': 'one'})
    peer.layer.send(two, {'text': 'two'})
    assert (first.event(), second.event()) == ({'text': 'one'}, {'text': 'two'})
    peer.layer.send_group(name, {'bytes': b'x' * 900000})
    assert first.event() == {'bytes': b'x' * 900000}
    peer.layer.group_discard(name, one)


@rows('transport 9.3', 'a reader follows a group as the vectors say')
def sequences(peer):
    client, channel = peer.opened()
    process, _, label = channel.partition('!')
    for number, vector in enumerate(vectors('transport.json')['groups']):
        if any('asked' in step for step in vector['steps']):
            continue
        name = 'v%d.%s' % (number, peer.token)
        for index, step in enumerate(vector['steps']):
            changes = ' '.join(step['changes'])
            # The vectors' a is the client here.
            changes = ' '.join(change[0] + label if change[1:] == 'a' else change for change in step['changes'])
            members = step['base'].to_bytes(8, 'big') + step['version'].to_bytes(8, 'big') + len(
                changes).to_bytes(4, 'big') + changes.encode()
            text = '%s %d' % (name, index)
            peer.push(process + '!', peer.entry(members + msgpack.packb({'text': text}), name, 2))
            if 'a' in step['members']:
                assert client.event() == {'text': text}, (vector['name'], index)
        peer.layer.send(channel, {'text': 'end'})
        assert client.event() == {'text': 'end'}, vector['name']


@rows('transport 5.4', 'malformed and unsupported entries cost no other')
def malformed(peer):
    client, channel = peer.opened()
    queue = channel.partition('!')[0] + '!'
    content = vectors('transport.json')
    soon = peer.entry(b'')[2:10]
    before = {counter: peer.statistic('%s:websocket.send!' % counter) for counter in ('malformed', 'unsupported')}
    for kind in ('malformed_entries', 'unsupported_entries'):
        for vector in content[kind]:
            if vector.get('queue', 'p!') == 'p!' and 'a name of 100' not in vector['name']:
                entry = unhex(vector['entry'])
                peer.push(queue, entry[:2] + soon + entry[10:] if len(entry) >= 10 else entry)
    peer.layer.send(channel, {'text': 'good'})
    assert client.event() == {'text': 'good'}
    peer.until(lambda: all(
        peer.statistic('%s:websocket.send!' % counter) > number for counter, number in before.items()
    ), 'that they are counted')


@rows('transport 8.4', 'what was received is taken from the counts')
def counts(peer):
    client, channel = peer.opened()
    queue, _, label = channel.partition('!')
    shard = peer.shard_of(queue + '!')
    key = peer.key(shard, 'p', queue + '!')
    for number in range(250):
        peer.layer.send_blocking(channel, {'text': str(number)}, 10)
    for number in range(250):
        assert client.event() == {'text': str(number)}
    peer.until(lambda: not peer.shards[shard].hget(key, label), 'that nothing is left')


@rows('transport 6', 'scripts that the server forgot are loaded again')
def forgotten(peer):
    for shard in peer.shards:
        shard.script_flush()
    request(peer)


@rows('transport 6', 'sockets are closed with 1012 when the server has lost its data')
def lost(peer):
    client, channel = peer.opened()
    waiting, _ = peer.connected()
    for number, shard in enumerate(peer.shards):
        shard.hdel('%s{%d}:statistics' % (peer.prefix, number), 'epoch')
        shard.client_kill_filter(_type='normal', skipme=True)
    assert client.event() == {'close': {'code': 1012, 'reason': ''}}
    assert waiting.head()[0] == 503


@rows('transport 15.1', 'the server says which version it reads')
def says_hello(peer):
    for number in range(len(peer.shards)):
        assert peer.reads(number), 'nobody said hello'


@rows('transport 10.3', 'a response whose body is one string, and nothing stays of it')
def response_in_one_string(peer):
    client, message = peer.asked()
    content = b'0123456789' * 30000
    key = peer.push_string(message['reply_channel'], {'status': 200, 'content': content})
    assert client.response()[2] == content
    assert not peer.shards[key.shard].exists(key.name)
