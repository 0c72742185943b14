"""
A program in another language, written from docs/standards/ alone, before our
workers: tests/interop/, on Node.js.
"""
import hashlib
import json
import os
import queue
import subprocess
import threading

import browser
import pytest
import subject
from programs import PATIENCE, Unexpected, free_port
from redis_server import RedisServer

pytestmark = pytest.mark.both_eras

INTEROP = os.path.join(subject.CHECKOUT, 'tests', 'interop')
PREFIX = 'system-tests:'
#: Of Base64 in a message that goes in pieces; three bytes each four.
LARGE = '\uffffb' + 'AP+A' * 1000000


def node_environment():
    """Return what node needs to find its modules; skip without them."""
    modules = os.environ.get('CHANNELS_NODE_MODULES') or os.path.join(INTEROP, 'node_modules')
    if not os.path.isdir(os.path.join(modules, 'ioredis')):
        pytest.skip('There are no modules for node: install nodejs and npm, and run "npm ci" in tests/interop.')
    return dict(os.environ, NODE_PATH=modules)


class Peer:
    """The program: Peer.do('send', channel=..., message=...) has it send."""

    def __init__(self, **settings):
        self.process = subprocess.Popen(
            ['node', os.path.join(INTEROP, 'peer.js')], env=node_environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        if settings:
            self.do('open', settings=settings)

    def _read(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put({'error': 'ended'})

    def do(self, name, **options):
        """Have it do something, and return what it says of it."""
        self.process.stdin.write(json.dumps(dict(options, do=name)).encode() + b'\n')
        self.process.stdin.flush()
        try:
            answer = self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise Unexpected('node did not %s %.200r' % (name, options))
        assert 'ok' in answer, answer
        return answer['ok']

    def report(self):
        """Return what a worker tells next: (channel, message)."""
        channel, content = self.until_received('interop.reports')
        assert channel == 'interop.reports'
        return content['channel'], json.loads(content['json'])

    def until_received(self, channel):
        """Return [channel, message] once something comes."""
        for _ in range(10):
            found = self.do('receive', channels=[channel])
            if found:
                return found
        raise Unexpected('nothing came on %s' % channel)

    def tell_worker(self, what, message=None, **options):
        """Have a worker do something: say a message, for one."""
        if message is not None:
            options['json'] = json.dumps(message)
        self.do('send', channel='interop.' + what, message=options)

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def standard_messages():
    """Return (channel, message) of each message that keeps the standard."""
    path = os.path.join(subject.CHECKOUT, 'docs', 'standards', 'vectors', 'messages.json')
    with open(path, encoding='utf-8') as file:
        return [(vector['channel'], vector['message']) for vector in json.load(file)['vectors'] if vector['valid']]


class Setting:
    """Some servers, a worker, and the program."""

    def __init__(self, folder, servers, secrets):
        self.servers = [RedisServer().start() for _ in range(servers)]
        urls = [server.url for server in self.servers]
        self.subject = subject.site(
            folder, SUT_LAYERS='redis', SUT_REDIS=','.join(urls), SUT_SECRETS=','.join(secrets), SUT_ROUTING='interop',
        )
        self.settings = {'servers': urls, 'prefix': PREFIX, 'secrets': secrets}
        self.peer = None

    def start(self):
        self.subject.manage('runworker')
        self.peer = Peer(**self.settings)

    def stop(self):
        if self.peer is not None:
            self.peer.close()
        self.subject.stop()
        for server in self.servers:
            server.stop()


@pytest.fixture(scope='module', params=['one server', 'four shards', 'four shards, encrypted'])
def setting(request, tmp_path_factory):
    node_environment()
    secrets = ['new secret', 'old secret'] if 'encrypted' in request.param else []
    made = Setting(tmp_path_factory.mktemp('interop'), 4 if 'four' in request.param else 1, secrets)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def peer(setting):
    return setting.peer


def test_the_vectors_of_both_standards_are_understood():
    peer = Peer()
    assert peer.do('vectors') == []
    peer.close()


def test_the_scripts_do_what_their_vectors_say():
    server = RedisServer().start()
    peer = Peer()
    try:
        assert peer.do('scripts', url=server.url) == []
    finally:
        peer.close()
        server.stop()


def test_every_message_to_workers_arrives_as_it_was_sent(peer):
    for channel, message in standard_messages():
        if '?' not in channel and '!' not in channel:
            peer.do('send', channel=channel, message=message)
            # What workers tell each other, and the kind of data that a frame
            # doesn't have, consumers don't see.
            hidden = {'__retries__'} | {kind for kind in ('bytes', 'text') if message.get(kind, '') is None}
            assert peer.report() == (channel, {key: message[key] for key in set(message) - hidden})


def test_every_message_from_workers_arrives_as_it_was_sent(peer):
    queues = set()
    for channel, message in standard_messages():
        if '!' not in channel:
            continue
        name = channel[:channel.index('!') + 1]
        if name not in queues:
            queues.add(name)
            peer.do('read', queue=name)
        peer.tell_worker('say', message, channel=channel)
        assert peer.do('take', queue=name, count=1) == [[[channel], message]]


def test_single_reader_channels_work_both_ways(peer):
    for channel, message in standard_messages():
        if '?' not in channel:
            continue
        peer.tell_worker('say', message, channel=channel)
        assert peer.until_received(channel) == [channel, message]
        peer.do('send', channel=channel + '1', message=message)
        peer.tell_worker('take', **{'from': channel + '1', 'count': 1})
        assert peer.report() == (channel + '1', message)


def test_large_messages_work_both_ways(peer):
    message = {'body': LARGE, 'n': 1}
    peer.do('send', channel='task', message=message)
    assert peer.report() == ('task', message)
    peer.do('read', queue='large.node!')
    peer.tell_worker('say', message, channel='large.node!client')
    assert peer.do('take', queue='large.node!', count=1) == [[['large.node!client'], message]]


def test_a_group_of_workers_clients_and_ours(peer):
    ours = ['node.%d!%s' % (process, client) for process in range(5) for client in 'abc']
    theirs = ['python.%d!%s' % (process, client) for process in range(5) for client in 'xyz']
    for process in range(5):
        peer.do('read', queue='node.%d!' % process)
    for channel in ours:
        peer.do('add', group='mixed', channel=channel)
    peer.tell_worker('add', group='mixed', channels=theirs + ['interop.member'])
    assert peer.report()[0] == 'interop.add'
    assert sorted(peer.do('groupChannels', group='mixed')) == sorted(ours + theirs + ['interop.member'])

    def check(message, members):
        got = [peer.do('take', queue='node.%d!' % process, count=1)[0] for process in range(5)]
        for process in range(5):
            peer.tell_worker('take', **{'from': 'python.%d!' % process, 'count': 1})
        reports = [peer.report() for _ in range(6)]
        assert [content for _, content in got + reports] == [message] * 11
        names = [name for channels, _ in got for name in channels]
        assert sorted(names + [name for channels, _ in reports for name in channels.split(' ')]) == sorted(members)
    members = ours + theirs + ['interop.member']
    peer.do('sendGroup', group='mixed', message={'n': 1})
    check({'n': 1}, members)
    peer.tell_worker('say-to-group', {'n': 2}, group='mixed')
    check({'n': 2}, members)
    # Who comes and goes is told by what changed.
    for channel in ('node.0!a', 'python.1!x'):
        peer.do('discard', group='mixed', channel=channel)
        members.remove(channel)
    peer.do('add', group='mixed', channel='node.1!new')
    members.append('node.1!new')
    peer.do('sendGroup', group='mixed', message={'n': 3})
    check({'n': 3}, members)
    peer.tell_worker('say-to-group', {'body': LARGE}, group='mixed')
    check({'body': LARGE}, members)
    peer.do('sendGroup', group='mixed', message={'body': LARGE, 'n': 4})
    check({'body': LARGE, 'n': 4}, members)


def test_nothing_is_left_but_the_statistics_and_who_is_there(setting):
    import redis
    for name in ('discard',):
        for channel in setting.peer.do('groupChannels', group='mixed'):
            setting.peer.do(name, group='mixed', channel=channel)
    for server in setting.servers:
        client = redis.Redis.from_url(server.url)
        keys = [key.decode() for key in client.keys('*')]
        client.close()
        assert [key for key in keys if not key.endswith((':statistics', ':processes', ':facts'))] == []


def test_it_serves_a_browser_as_an_interface_server(scratch, sites, redis):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    site.run('migrate', '-v', '0')
    site.manage('runworker')
    port = free_port()
    server = site.start(
        'node server.js', 'node', os.path.join(INTEROP, 'server.js'), port, redis.url,
        NODE_PATH=node_environment().get('NODE_PATH', ''), INTEROP_SETTINGS=json.dumps({'prefix': PREFIX}),
    )
    server.wait_for('Listening on port')
    page = browser.Browser()
    try:
        page.driver.get('http://127.0.0.1:%d/hello/?name=J%%C3%%B6rg' % port)
        assert page.texts('body') == ['Hello, Jörg!']
        form = page.driver.execute_async_script('''
            const done = arguments[arguments.length - 1];
            const body = new URLSearchParams([['word', 'één'], ['word', 'two']]);
            fetch('/form/', {method: 'POST', body}).then((answer) => answer.json()).then(
                done, (error) => done(String(error)),
            );
        ''')
        assert form == {'method': 'POST', 'fields': {'word': ['één', 'two']}}
        upload = page.driver.execute_async_script('''
            const done = arguments[arguments.length - 1];
            const body = new FormData();
            body.append('file', new Blob(['0123456789'.repeat(50000)]), 'digits.txt');
            fetch('/upload/', {method: 'POST', body}).then((answer) => answer.json()).then(
                done, (error) => done(String(error)),
            );
        ''')
        assert (upload['size'], upload['sha256']) == (
            500000, hashlib.sha256(b'0123456789' * 50000).hexdigest())
        frames = page.driver.execute_async_script('''
            const done = arguments[arguments.length - 1];
            const frames = [];
            const socket = new WebSocket(`ws://${location.host}/echo/`);
            socket.binaryType = 'arraybuffer';
            socket.onopen = () => { socket.send('zwölf 😀'); socket.send(new Uint8Array([0, 255, 128])); };
            socket.onmessage = ({data}) => {
                frames.push(typeof data === 'string' ? data : Array.from(new Uint8Array(data)));
                if (frames.length === 2) { socket.close(); done(frames); }
            };
            socket.onerror = () => done('error');
        ''')
        assert frames == ['zwölf \U0001f600', [0, 255, 128]]
        assert page.driver.execute_async_script('''
            const done = arguments[arguments.length - 1];
            const socket = new WebSocket(`ws://${location.host}/no/such/socket/`);
            socket.onclose = ({code}) => done(code);
            socket.onopen = () => done('it opened');
        ''') == 1006
    finally:
        page.close()
