"""
Behind nginx, HAProxy and Apache, with the configurations of the documentation:
they end TLS, nginx serves the static files, and the rest comes to the interface
server.
"""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import tempfile
import textwrap

import certificates
import pytest
import subject
import websocket
from clients import TIMEOUT, Answer
from needs import program
from programs import PATIENCE, eventually, free_port
from redis_server import RedisServer
from subject import CHECKOUT

pytestmark = pytest.mark.once

#: Around what the documentation says.
FRAME = """
%(user)s
daemon off;
pid %(folder)s/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    types { text/css css; }
    %(documented)s
}
"""
APACHE_FRAME = """
ServerRoot /usr/lib/apache2
DefaultRuntimeDir %(folder)s
PidFile %(folder)s/apache.pid
ErrorLog /dev/stderr
ServerName localhost
%(user)s
%(modules)s
Listen 127.0.0.1:%(port)d
%(documented)s
"""
#: What `a2enmod headers proxy_http ssl` switches on, and what Debian does.
APACHE_MODULES = 'mpm_event', 'authz_core', 'headers', 'proxy', 'proxy_http', 'socache_shmcb', 'ssl'
#: Two clients, so that none can be mistaken for nginx.
CLIENT, OTHER_CLIENT = '127.0.0.5', '127.0.0.6'


def documented(language, **replacements):
    """Return the configuration in that language in the documentation, made fit for here."""
    with open(os.path.join(CHECKOUT, 'docs', 'deployment.txt')) as file:
        blocks = re.findall(r'\.\. code-block:: %s\n\n((?:(?:    .*)?\n)+)' % language, file.read())
    block, = [block for block in blocks if all(old in block for old, new in replacements.values())]
    for old, new in replacements.values():
        block = block.replace(old, new)
    return textwrap.dedent(block)


def documented_options():
    """Return the options of the interface server in the unit of the documentation, but where it listens."""
    with open(os.path.join(CHECKOUT, 'docs', 'deployment.txt')) as file:
        found = re.search(r'ExecStart=\S+/interface-server -b \S+ -p \S+ (.*) mysite.asgi:channel_layer', file.read())
    return found.group(1).split()


class Behind:
    """The site, served through nginx."""

    def __init__(self, site, folder):
        self.site = self.subject = site
        site.run('migrate', '-v', '0')
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.server = self.start_server()
        site.manage('runworker')
        self.port = free_port()
        self.certificate, key = certificates.make(folder)
        self.proxy = self.start(folder, self.listener.getsockname()[1], key)
        self.proxy.wait_for_port(self.port)

    def start_server(self):
        """Start an interface server whose listening socket somebody else keeps, as systemd does."""
        fd = self.listener.fileno()
        return self.site.start(
            'interface-server', os.path.join(os.path.dirname(self.site.python), 'interface-server'), '--fd', fd,
            *documented_options(), '--websocket-handshake-timeout', PATIENCE, self.site.asgi, pass_fds=[fd],
        )

    def start(self, folder, server_port, key):
        """Start nginx."""
        nginx = program('nginx', 'nginx-light')
        site = self.site
        static = os.path.join(site.project, 'site_under_test', 'static', '')
        path = os.path.join(folder, 'nginx.conf')
        with open(path, 'w') as file:
            file.write(FRAME % {
                'folder': folder,
                'user': 'user root;' if os.getuid() == 0 else '',
                'documented': documented(
                    'nginx',
                    port=('listen 443 ssl', 'listen 127.0.0.1:%d ssl' % self.port),
                    certificate=('/etc/ssl/certs/www.example.com.pem', self.certificate),
                    key=('/etc/ssl/private/www.example.com.key', key),
                    name=('www.example.com', 'localhost'), static=('/srv/mysite/static/', static),
                    server=('127.0.0.1:8000', '127.0.0.1:%d' % server_port),
                ),
            })
        return site.start('nginx', nginx, '-c', path, '-p', folder, '-e', 'stderr')

    def connect(self, client):
        """Return a TLS connection to the proxy from an address of ours."""
        context = ssl.create_default_context(cafile=self.certificate)
        plain = socket.create_connection(('127.0.0.1', self.port), timeout=TIMEOUT, source_address=(client, 0))
        return context.wrap_socket(plain, server_hostname='localhost')

    def get(self, path, client, **headers):
        """GET a path through the proxy; return the Answer."""
        with contextlib.closing(http.client.HTTPConnection('localhost', self.port)) as connection:
            connection.sock = self.connect(client)
            connection.request('GET', path, headers=headers)
            return Answer(connection.getresponse())


class BehindHaproxy(Behind):
    """The site, served through HAProxy."""

    def start(self, folder, server_port, key):
        haproxy = program('haproxy', 'haproxy')
        both = os.path.join(folder, 'both.pem')
        with open(both, 'w') as file:
            for path in self.certificate, key:
                with open(path) as part:
                    file.write(part.read())
        path = os.path.join(folder, 'haproxy.cfg')
        with open(path, 'w') as file:
            file.write(documented(
                'text', port=('bind :443', 'bind 127.0.0.1:%d' % self.port),
                certificate=('/etc/haproxy/www.example.com.pem', both),
                server=('127.0.0.1:8000', '127.0.0.1:%d' % server_port),
            ))
        return self.site.start('haproxy', haproxy, '-db', '-f', path)


class BehindApache(Behind):
    """The site, served through Apache."""

    def start(self, folder, server_port, key):
        apache = program('apache2', 'apache2-bin')
        path = os.path.join(folder, 'apache.conf')
        with open(path, 'w') as file:
            file.write(APACHE_FRAME % {
                'folder': folder, 'port': self.port,
                'user': 'User www-data\nGroup www-data' if os.getuid() == 0 else '',
                'modules': '\n'.join(
                    'LoadModule %s_module modules/mod_%s.so' % (name, name) for name in APACHE_MODULES),
                'documented': documented(
                    'apache', port=('*:443', '*:%d' % self.port),
                    certificate=('/etc/ssl/certs/www.example.com.pem', self.certificate),
                    key=('/etc/ssl/private/www.example.com.key', key), name=('www.example.com', 'localhost'),
                    server=('127.0.0.1:8000', '127.0.0.1:%d' % server_port),
                ),
            })
        return self.site.start('apache2', apache, '-D', 'FOREGROUND', '-f', path)


@pytest.fixture(scope='module', params=[Behind, BehindHaproxy, BehindApache], ids=['nginx', 'HAProxy', 'Apache'])
def behind(request):
    """The site behind one of them, for all tests: it takes some seconds to start."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        redis = RedisServer()
        stack.callback(redis.stop)
        redis.start()
        site = subject.site(folder, SUT_LAYERS='redis', SUT_REDIS=redis.url)
        if not site.has_interface_server:
            pytest.skip('daphne 1.4.2 stands here for the interface server')
        stack.callback(site.stop)
        proxied = request.param(site, folder)
        stack.enter_context(proxied.listener)
        yield proxied


def test_everything_through_a_proxy(behind):
    meta = behind.get('/meta/', CLIENT).json()
    assert meta['REMOTE_ADDR'] == 'str ' + CLIENT
    assert meta['wsgi.url_scheme'] == 'str https'
    assert meta['HTTP_HOST'] == 'str localhost:%d' % behind.port
    # What a client claims comes before what the proxy says, which is what counts.
    meta = behind.get('/meta/', OTHER_CLIENT, **{
        'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'http', 'Forwarded': 'for=192.0.2.1;proto=http',
    }).json()
    assert meta['REMOTE_ADDR'] == 'str ' + OTHER_CLIENT
    assert meta['wsgi.url_scheme'] == 'str https'
    assert 'HTTP_FORWARDED' not in meta

    if type(behind) is Behind:
        answer = behind.get('/static/some.css', CLIENT)
        assert (answer.status, answer.body) == (200, b'/* A static file. */\n')
        assert answer.header('Server').startswith('nginx')

    for client in (CLIENT, OTHER_CLIENT):
        connection = websocket.create_connection(
            'wss://localhost:%d/who/' % behind.port, timeout=TIMEOUT, socket=behind.connect(client),
        )
        with contextlib.closing(connection):
            told = json.loads(connection.recv())
        assert told['client'][0] == client and told['scheme'] == 'wss'

    connection = websocket.create_connection(
        'wss://localhost:%d/echo/' % behind.port, timeout=TIMEOUT, socket=behind.connect(CLIENT),
    )
    with contextlib.closing(connection):
        connection.send('x' * 70000)
        assert connection.recv() == 'x' * 70000


def read_answer(connection, method='GET'):
    """Read one response from a socket; return the Answer."""
    with http.client.HTTPResponse(connection, method=method) as response:
        response.begin()
        return Answer(response)


def read_next(connection):
    """Return the body of one of several answers, whose length is said, and nothing of the next."""
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    left, body = int(re.search(br'(?i)\r\ncontent-length: *(\d+)', head).group(1)), b''
    while len(body) < left:
        body += connection.recv(left - len(body))
    return body


#: Requests whose body is sent back: headers of the framing, what follows them,
#: and the body, None where it is what follows.
POSTS = {
    'length': ('Content-Length: 5', 'hello', b'hello'),
    'chunks': ('Transfer-Encoding: chunked', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n', b'hello'),
    'trailers': ('Trailer: X-Sum\r\nTransfer-Encoding: chunked', '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n', b'hello'),
    'extension of a chunk': ('Transfer-Encoding: chunked', '5;a=b\r\nhello\r\n0\r\n\r\n', b'hello'),
    'zeros before a size': ('Transfer-Encoding: Chunked', '0005\r\nhello\r\n0000\r\n\r\n', b'hello'),
    'a request as body': ('Content-Length: 31', 'GET /big/ HTTP/1.1\r\nHost: a\r\n\r\n', None),
    'empty': ('Content-Length: 0', '', b''),
    'length and spaces': ('Content-Length:   5  ', 'hello', b'hello'),
    'more than the server waits for': ('Content-Length: 300000', 'x' * 300000, b'x' * 300000),
    'digits of either case': ('Transfer-Encoding: chunked', 'A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n',
                              b'0123456789' * 2),
    'an extension in quotes': ('Transfer-Encoding: chunked', '5;a="b;c"\r\nhello\r\n0;d\r\n\r\n', b'hello'),
    'an empty header': ('X-Empty:\r\nX-Spaces:   \r\nContent-Length: 5', 'hello', b'hello'),
    'no space before a value': ('Content-Length:5', 'hello', b'hello'),
    'zeros before a length': ('Content-Length: 0005', 'hello', b'hello'),
    'a body with GET': ('Content-Length: 5', 'hello', b'hello'),
}
#: Framing that a proxy may refuse, or hand on as one thing that both read alike.
#: What follows the headers would be one more request to who reads it otherwise.
INSIDE = 'GET /hello/?name=inside HTTP/1.1\r\nHost: localhost\r\n\r\n'
LENGTH = 'Content-Length: %d' % len(INSIDE)
CHUNKED = 'Transfer-Encoding: chunked'
CHUNK = '%x\r\n%s\r\n0\r\n\r\n' % (len(INSIDE), INSIDE)
EITHER = {
    'two equal lengths': (LENGTH + '\r\n' + LENGTH, INSIDE),
    'two equal lengths in one': (LENGTH + ', %d' % len(INSIDE), INSIDE),
    'two lengths': (LENGTH + '\r\nContent-Length: 0', INSIDE),
    'a length and chunks': (LENGTH + '\r\n' + CHUNKED, CHUNK),
    'chunks and a length': (CHUNKED + '\r\nContent-Length: %d' % len(CHUNK), CHUNK),
    'chunks twice': (CHUNKED + '\r\n' + CHUNKED, CHUNK),
    'another coding': ('Transfer-Encoding: gzip, chunked', CHUNK),
    'an unknown coding': ('Transfer-Encoding: unknown', INSIDE),
    'a space before the colon': (LENGTH.replace(':', ' :'), INSIDE),
    'a space before the colon of chunks': (CHUNKED.replace(':', ' :'), CHUNK),
    'a folded header': ('X-Folded: a\r\n b\r\n' + LENGTH, INSIDE),
    'a sign': (LENGTH.replace(': ', ': +'), INSIDE),
    'no number': ('Content-Length: some', INSIDE),
    'no length': ('Content-Length:', INSIDE),
    'two hosts': ('Host: other.example\r\n' + LENGTH, INSIDE),
    'a size that is none': (CHUNKED, 'g\r\nhello\r\n0\r\n\r\n'),
    'a tab before a value': (LENGTH.replace(' ', '\t'), INSIDE),
    'an underscore': ('Content_Length: 0\r\n' + LENGTH, INSIDE),
}


def test_requests_are_the_same_to_a_proxy_and_to_the_server(behind):
    host = 'localhost:%d' % behind.port
    post = 'POST /mirror HTTP/1.1\r\nHost: %s\r\n' % host
    hello = 'GET /hello/?name=next HTTP/1.1\r\nHost: %s\r\n\r\n' % host

    def connection():
        return contextlib.closing(behind.connect(CLIENT))

    def say(client, text):
        client.sendall(text.encode('ascii'))

    def is_usable(client):
        say(client, hello)
        return read_answer(client).body == b'Hello, next!'

    with connection() as client:
        for name, (headers, body, expected) in POSTS.items():
            say(client, post + headers + '\r\n\r\n' + body)
            answer = read_answer(client, 'POST')
            assert (answer.status, answer.body) == (200, body.encode('ascii') if expected is None else expected), name
            # Nothing was left over that the server took for another request.
            assert is_usable(client), name

        say(client, post + 'Expect: 100-continue\r\nContent-Length: 5\r\n\r\n')
        interim = b''
        while not interim.endswith(b'\r\n\r\n'):
            interim += client.recv(1)
        assert interim.startswith(b'HTTP/1.1 100 ')
        say(client, 'hello')
        assert read_answer(client, 'POST').body == b'hello'

        # The view answers without having read the body.
        say(client, 'POST /hello/?name=early HTTP/1.1\r\nHost: %s\r\nContent-Length: 200000\r\n\r\n' % host)
        say(client, 'x' * 200000)
        assert read_answer(client, 'POST').body == b'Hello, early!'
        assert is_usable(client)

        say(client, 'GET https://%s/hello/?name=absolute HTTP/1.1\r\nHost: %s\r\n\r\n' % (host, host))
        assert read_answer(client).body == b'Hello, absolute!'

        say(client, 'GET /meta/%%2F%%c3%%a9//x HTTP/1.1\r\nHost: %s\r\nX-Long: %s\r\nX-A: 1\r\nx-a: 2\r\n\r\n' % (
            host, 'l' * 6000))
        meta = read_answer(client).json()
        assert meta['HTTP_X_LONG'] == 'str ' + 'l' * 6000
        assert meta['HTTP_X_A'].replace(' ', '') == 'str1,2'
        assert meta['PATH_INFO'] == 'str /meta//\xe9//x'

        say(client, 'HEAD /stream/ HTTP/1.1\r\nHost: %s\r\n\r\n' % host)
        assert read_answer(client, 'HEAD').body == b''
        say(client, hello.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
        assert read_answer(client).body == b'Hello, next!'
        assert client.recv(1) == b''

    with connection() as client:
        # Pipelined, and once more over HTTP/1.0.
        say(client, hello + hello.replace('next', 'second'))
        assert read_next(client) == b'Hello, next!' and read_next(client) == b'Hello, second!'

    with connection() as client:
        for _ in range(2):
            say(client, hello.replace('1.1\r\n', '1.0\r\nConnection: keep-alive\r\n'))
            assert read_answer(client).body == b'Hello, next!'

    with connection() as client:
        # Where there are no chunks: the end of the connection is that of the body.
        say(client, 'GET /stream/ HTTP/1.0\r\nHost: %s\r\n\r\n' % host)
        answer = read_answer(client)
        assert (answer.status, len(answer.body)) == (200, 2000000)
        assert answer.header('Transfer-Encoding') is None
        assert client.recv(1) == b''


@pytest.mark.parametrize('name', EITHER)
def test_framing_is_refused_or_read_alike(behind, name):
    """The inside of a body is never answered as a request, to its client or to the next one."""
    headers, body = EITHER[name]
    host = 'localhost:%d' % behind.port
    with contextlib.closing(behind.connect(CLIENT)) as client:
        request = 'POST /mirror HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n%s' % (host, headers, body)
        client.sendall(request.encode('ascii'))
        answer = read_answer(client, 'POST')
        if answer.status == 200:
            assert answer.body == INSIDE.encode('ascii')
        else:
            # What RFC 9112 asks for, and what HAProxy and Apache say of encodings.
            assert answer.status in (400, 422, 500, 501)
        client.settimeout(TIMEOUT if answer.status == 200 else 0.3)
        with contextlib.suppress(ConnectionError, socket.timeout, ssl.SSLError):
            client.sendall(b'GET /hello/?name=next HTTP/1.1\r\nHost: localhost\r\n\r\n')
            rest = client.recv(65536)
            assert b'inside' not in rest
            # Whoever goes on reads the next request, and who doesn't ends.
            assert answer.status != 200 or not rest or rest.startswith(b'HTTP/1.1 200 ')
    assert behind.get('/hello/?name=another', OTHER_CLIENT).body == b'Hello, another!'


def test_streams_go_through_a_proxy_as_they_come(behind, scratch):
    ended = os.path.join(scratch, 'ended')
    with contextlib.closing(behind.connect(CLIENT)) as client:
        client.sendall(b'GET /endless/?file=%s HTTP/1.1\r\nHost: localhost\r\n\r\n' % ended.encode('ascii'))
        with http.client.HTTPResponse(client) as response:
            response.begin()
            assert response.status == 200
            # It has no end that a proxy could wait for.
            assert response.read(3000) == b'x' * 3000
            assert not os.path.exists(ended)
    eventually(lambda: os.path.exists(ended), 'the end of the stream that nobody reads')


def test_no_request_fails_while_the_server_restarts(behind):
    ask = b'GET /hello/?name=again HTTP/1.1\r\nHost: localhost\r\n\r\n'
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(behind.connect(CLIENT))) for _ in range(3)]
        for client in clients[:2]:
            # The proxy may keep its connections for the next request.
            client.sendall(ask)
            assert read_answer(client).status == 200
        behind.server.signal(signal.SIGTERM)
        assert behind.server.wait_for_exit() == 0
        for client in clients:
            client.sendall(ask)
        # Their requests wait in the listening socket.
        behind.server = behind.start_server()
        assert [read_answer(client).body for client in clients] == [b'Hello, again!'] * 3
