"""A worker, a server process and a Redis that are killed while clients are served."""
import concurrent.futures
import contextlib
import os
import signal
import time
import urllib.error
import urllib.request

import pytest
import redis as redis_py
import websocket
from clients import get, socket_to
from programs import eventually, free_ports

pytestmark = pytest.mark.once


class Served:
    """The project behind a server of two processes, with two workers."""

    def __init__(self, sites, redis, **settings):
        self.redis = redis
        self.site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url, **settings)
        if not self.site.has_interface_server:
            pytest.skip('daphne 1.4.2 stands here for the interface server')
        self.site.run('migrate', '-v', '0')
        self.management = free_ports(2)
        self.server, self.port = self.site.server('--workers', '2', '--management', self.management)
        self.workers = [self.site.manage('runworker'), self.site.manage('runworker')]
        eventually(lambda: self.ready() == 200, 'readiness')
        # It is ready without workers, who start more slowly on a busy machine.
        eventually(self.works, 'serving')

    def ready(self):
        """Return the status that the first process answers a probe with."""
        try:
            with urllib.request.urlopen('http://127.0.0.1:%d/ready' % self.management, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return None

    def processes(self):
        """Return the process ids of the server's processes."""
        with open('/proc/%d/task/%d/children' % (self.server.pid, self.server.pid)) as file:
            return {int(pid) for pid in file.read().split()}

    def works(self):
        """Whether a request and a socket are served."""
        try:
            if get(self.port, '/hello/?name=you').text != 'Hello, you!':
                return False
            with contextlib.closing(socket_to(self.port, '/echo/')) as connection:
                connection.send('hello')
                return connection.recv() == 'hello'
        except (OSError, websocket.WebSocketException):
            return False


@pytest.fixture
def served(sites, redis):
    return Served(sites, redis)


def closed_with(connection):
    """Return the code that a socket is closed with; None for a cut."""
    try:
        while True:
            opcode, data = connection.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], 'big')
    except (OSError, websocket.WebSocketException):
        return None


def test_killed_worker(served):
    """All that comes after it is taken by the other; nobody notices."""
    with contextlib.closing(socket_to(served.port, '/echo/')) as connection:
        # A socket whose handshake is still in the worker's hands is closed.
        connection.send('first')
        assert connection.recv() == 'first'
        # It has the message for a moment after its answer is here.
        time.sleep(0.3)
        os.kill(served.workers[0].pid, signal.SIGKILL)
        served.workers[0].wait_for_exit()
        for number in range(20):
            connection.send(str(number))
            assert connection.recv() == str(number)
        assert all(get(served.port, '/hello/').status == 200 for _ in range(20))


def test_killed_worker_that_has_not_begun(served):
    """What Redis had sent it is done by the other."""
    with redis_py.Redis.from_url(served.redis.url) as client:
        def waiting():
            return client.info('clients')['blocked_clients']

        # Both workers, and each process of the server.
        eventually(lambda: waiting() >= 4, 'waiting')
        for worker in served.workers:
            os.kill(worker.pid, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = [pool.submit(get, served.port, '/hello/?name=%d' % number) for number in range(4)]
            handshake = pool.submit(socket_to, served.port, '/echo/')
            eventually(lambda: waiting() <= 2, 'both having something')
            os.kill(served.workers[0].pid, signal.SIGKILL)
            os.kill(served.workers[1].pid, signal.SIGCONT)
            assert [answer.result().text for answer in answers] == ['Hello, %d!' % number for number in range(4)]
            handshake.result().close()


def test_killed_server_process(served):
    """Its sockets are cut; those of the other live, and another takes its place."""
    before = served.processes()
    assert len(before) == 2
    # While it stands still, the other takes all that come.
    os.kill(min(before), signal.SIGSTOP)
    members = [socket_to(served.port, '/group/members/') for _ in range(3)]
    os.kill(min(before), signal.SIGCONT)
    members += [socket_to(served.port, '/group/members/') for _ in range(9)]
    os.kill(min(before), signal.SIGKILL)
    served.server.wait_for('another takes its place')
    eventually(lambda: len(served.processes()) == 2, 'two processes again')
    eventually(served.works, 'serving')

    living = []
    for member in members:
        member.settimeout(0.2)
        try:
            member.recv()
        except websocket.WebSocketTimeoutException:
            living.append(member)
        except (OSError, websocket.WebSocketException):
            member.close()
    assert len(living) >= 3
    # Who is left hears it, whatever the groups still hold of the dead one.
    living[0].send('to all')
    for member in living:
        member.settimeout(30)
        assert member.recv().endswith(': to all')
        member.close()


def test_killed_redis(served):
    """503 at once and not ready; back, everything goes on, but for the sockets: Redis has forgotten their groups."""
    connection = socket_to(served.port, '/echo/')
    served.redis.kill()
    eventually(lambda: served.ready() == 503, 'not ready')
    assert get(served.port, '/hello/').status == 503
    served.redis.start()
    assert closed_with(connection) == 1012
    eventually(lambda: served.ready() == 200, 'readiness')
    eventually(served.works, 'serving')
