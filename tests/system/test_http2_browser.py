"""Chromium over TLS: its requests and its sockets share a connection of HTTP/2."""
import contextlib
import urllib.request

import certificates
import pytest
from browser import Browser
from programs import free_port

pytestmark = pytest.mark.once

ECHO = """
const done = arguments[0];
const socket = new WebSocket('wss://' + location.host + '/echo/');
socket.onopen = () => socket.send('over HTTP/2');
socket.onmessage = event => { window.kept = socket; done(event.data); };
socket.onclose = event => done('closed with ' + event.code);
"""


def test_page_and_socket_come_over_one_connection(sites, redis, scratch):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    if not site.has_interface_server:
        pytest.skip('daphne 1.4.2 stands here for the interface server')
    site.run('migrate', '-v', '0')
    certificate, key = certificates.make(scratch)
    management = free_port()
    server, port = site.server('--certificate', certificate, '--private-key', key, '--management', management)
    site.manage('runworker')

    def metric(name):
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % management, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        [value] = [line.rpartition(' ')[2] for line in lines if line.startswith('interface_server_' + name + ' ')]
        return int(value)

    with contextlib.closing(Browser('--ignore-certificate-errors')) as page:
        page.driver.get('https://localhost:%d/hello/?name=you' % port)
        assert 'Hello, you!' in page.driver.page_source
        protocol = 'return performance.getEntriesByType("navigation")[0].nextHopProtocol'
        assert page.driver.execute_script(protocol) == 'h2'
        page.driver.set_script_timeout(30)
        assert page.driver.execute_async_script(ECHO) == 'over HTTP/2'
        assert metric('clients{protocol="websocket"}') == 1
        assert metric('sockets_over_http2_total') == 1
