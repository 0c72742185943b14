"""
Behind nginx and HAProxy, with the configurations of the documentation: they end
TLS, nginx serves the static files, and the rest comes to the interface server.
"""
import contextlib
import http.client
import json
import os
import re
import socket
import ssl
import textwrap

import certificates
import pytest
import websocket
from clients import TIMEOUT, Answer
from needs import program
from programs import free_port
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
    ssl_certificate %(certificate)s;
    ssl_certificate_key %(key)s;
    %(documented)s
}
"""
#: Two clients, so that none can be mistaken for nginx.
CLIENT, OTHER_CLIENT = '127.0.0.5', '127.0.0.6'


def documented(language, **replacements):
    """Return the first configuration in that language in the documentation, made fit for here."""
    with open(os.path.join(CHECKOUT, 'docs', 'deployment.txt')) as file:
        block = re.search(r'\.\. code-block:: %s\n\n((?:(?:    .*)?\n)+)' % language, file.read()).group(1)
    for old, new in replacements.values():
        assert old in block, old
        block = block.replace(old, new)
    return textwrap.dedent(block)


class Behind:
    """The site, served through nginx."""

    def __init__(self, site, folder):
        self.site = site
        site.run('migrate', '-v', '0')
        self.server, server_port = site.server('--trusted-proxy', '127.0.0.1')
        site.manage('runworker')
        self.port = free_port()
        self.certificate, key = certificates.make(folder)
        self.proxy = self.start(folder, server_port, key)
        self.proxy.wait_for_port(self.port)

    def start(self, folder, server_port, key):
        """Start nginx."""
        nginx = program('nginx', 'nginx-light')
        site = self.site
        static = os.path.join(site.project, 'site_under_test', 'static', '')
        path = os.path.join(folder, 'nginx.conf')
        with open(path, 'w') as file:
            file.write(FRAME % {
                'folder': folder, 'certificate': self.certificate, 'key': key,
                'user': 'user root;' if os.getuid() == 0 else '',
                'documented': documented(
                    'nginx',
                    port=('listen 443 ssl', 'listen 127.0.0.1:%d ssl' % self.port),
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


@pytest.fixture(params=[Behind, BehindHaproxy], ids=['nginx', 'HAProxy'])
def behind(request, sites, redis, scratch):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    if not site.has_interface_server:
        pytest.skip('daphne 1.4.2 stands here for the interface server')
    return request.param(site, scratch)


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
