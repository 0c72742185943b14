"""
300 clients at once, with everything at its defaults: a burst is no overload.

No worker takes anything until all of them have asked, so that most find the
channel full: where daphne 1.4.2 serves as behind our own server.
"""
import contextlib
import http.client
import signal

import pytest
import redis as redis_py
from clients import TIMEOUT, get, socket_to
from programs import eventually

CLIENTS = 300


@pytest.fixture
def busy(site, redis):
    """A function that returns once a channel is as full as it gets."""
    def wait(channel):
        with redis_py.Redis.from_url(redis.url) as client:
            def is_full():
                return any(client.llen(key) == 100 for key in client.scan_iter('*%s*' % channel, _type='list'))

            eventually(is_full, 'the full channel')
    return wait


def test_all_requests_of_a_burst_are_answered(site, busy):
    server, port = site.server()
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(CLIENTS):
            client = http.client.HTTPConnection('127.0.0.1', port, timeout=TIMEOUT)
            stack.callback(client.close)
            client.connect()
            clients.append(client)
        for number, client in enumerate(clients):
            client.request('GET', '/hello/?name=%d' % number)
        busy('http.request')
        site.manage('runworker')
        for number, client in enumerate(clients):
            response = client.getresponse()
            assert (response.status, response.read()) == (200, b'Hello, %d!' % number)


def test_all_frames_of_a_burst_are_echoed(site, busy):
    server, port = site.server()
    worker = site.manage('runworker')
    # It has started: what daphne is built on gives a handshake no more than five seconds.
    assert get(port, '/hello/').status == 200
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(contextlib.closing(socket_to(port, '/echo/'))) for _ in range(CLIENTS)]
        worker.signal(signal.SIGSTOP)
        try:
            for number, connection in enumerate(sockets):
                connection.send('frame %d' % number)
                connection.send('and another')
            busy('websocket.receive')
        finally:
            worker.signal(signal.SIGCONT)
        for number, connection in enumerate(sockets):
            assert [connection.recv(), connection.recv()] == ['frame %d' % number, 'and another']
