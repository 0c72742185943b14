"""
Workers, server processes and Redis killed at random, while clients are served.

CHANNELS_CHAOS_SECONDS says for how long (60); CHANNELS_CHAOS_SEED repeats what
was killed when.
"""
import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid

import pytest
import redis as redis_py
import websocket
from clients import TIMEOUT, get, socket_to
from programs import eventually
from test_killed import Served

pytestmark = pytest.mark.once

SECONDS = float(os.environ.get('CHANNELS_CHAOS_SECONDS', 60))
NUMBERED_JOBS = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'benchmarks', 'numbered_jobs.py')
#: Seconds between two kills, on the average.
PAUSE = 2.5


class Clients:
    """
    Threads that ask and send until they are stopped, and what they saw.

    Each waits TIMEOUT seconds for an answer: 10, with threefold slack for slow
    machines.
    """

    def __init__(self, port):
        self.port = port
        self.stopping = threading.Event()
        self.answers = self.echoes = self.closed = self.lost = 0
        #: The longest that one of them has waited, in seconds.
        self.longest = 0.0
        self.wrong = []
        targets = [self.request, self.request] + [self.socket(path) for path in (
            '/echo/', '/echo/', '/group/%s/', '/group/%s/')]
        self.threads = [threading.Thread(target=self.run, args=(target,)) for target in targets]
        for thread in self.threads:
            thread.start()

    def run(self, target):
        while not self.stopping.is_set():
            try:
                target()
            except Exception as error:
                self.wrong.append(repr(error))
                return

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(2 * TIMEOUT)

    @contextlib.contextmanager
    def waiting(self):
        """Note how long the block takes, whatever ends it."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.longest = max(self.longest, time.monotonic() - began)

    def request(self):
        try:
            with self.waiting():
                status = get(self.port, '/hello/?name=you').status
        except (http.client.HTTPException, ConnectionError):
            # Its server process was killed, or all were.
            self.stopping.wait(0.05)
            return
        # 500: the view's answer found no Redis.
        if status not in (200, 500, 503):
            self.wrong.append('a request was answered with %d' % status)
        self.answers += 1

    def socket(self, path):
        """Return a function that opens a socket, and sends and awaits one number after the other."""
        def converse():
            try:
                # What the group of the last one still gets is none of its business.
                with self.waiting():
                    connection = socket_to(self.port, path.replace('%s', uuid.uuid4().hex))
            except websocket.WebSocketTimeoutException:
                self.lost += 1
                return
            except (OSError, websocket.WebSocketException):
                self.stopping.wait(0.05)
                return
            number = 0
            try:
                while number < 50 and not self.stopping.is_set():
                    number += 1
                    connection.send(str(number))
                    with self.waiting():
                        text = connection.recv()
                    if text.rpartition(': ')[2] != str(number):
                        if text == '' and not connection.connected:
                            self.closed += 1
                            return
                        self.wrong.append('after frame %d of %s came %r' % (number, path, text))
                        return
                    self.echoes += 1
            except websocket.WebSocketTimeoutException:
                self.lost += 1
            except (OSError, websocket.WebSocketException):
                self.closed += 1
            finally:
                connection.close()
        return converse


def children(pid):
    """Return the process ids of a program's own processes."""
    with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
        return [int(child) for child in file.read().split()]


def lasting(redis):
    """Return the names of the keys in Redis that never expire, but for the list of acknowledged channels."""
    with redis_py.Redis.from_url(redis.url) as client:
        # -2: it has expired since.
        return [name for name in client.keys('*') if not name.endswith(b':acknowledged') and client.ttl(name) == -1]


def left(redis):
    """
    Return the names of the keys in Redis but those that may stay for a while.

    Those are counters, what processes said that were killed (five minutes), and
    what a server that began after Redis had lost its data sent to
    "http.disconnect" before the workers had announced themselves again.
    """
    names = b':statistics', b':acknowledged', b':processes', b':facts', b':q:http.disconnect'
    with redis_py.Redis.from_url(redis.url) as client:
        return [name for name in client.keys('*') if not name.endswith(names)]


def test_whatever_is_killed_each_client_hears_of_it_and_all_comes_back(sites, redis):
    # A process that is killed leaves its clients in their groups, whose expiry is a day otherwise.
    served = Served(sites, redis, SUT_GROUP_EXPIRY='90')
    for worker in served.workers:
        worker.signal(signal.SIGTERM)
    workers = served.site.manage('runworker', '--processes', '2')
    workers.wait_for('All 2 worker processes are ready.')
    seed = os.environ.get('CHANNELS_CHAOS_SEED') or str(random.SystemRandom().getrandbits(32))
    choose, kills = random.Random(seed), {'worker': 0, 'server': 0, 'redis': 0}
    clients = Clients(served.port)
    until = time.monotonic() + SECONDS
    order = []
    while time.monotonic() < until:
        clients.stopping.wait(PAUSE * choose.random() * 2)
        # Each of them in each three, in any order.
        order = order or choose.sample(sorted(kills), 3)
        kind = order.pop()
        kills[kind] += 1
        if kind == 'redis':
            redis.restart()
            continue
        alive = children((workers if kind == 'worker' else served.server).pid)
        if alive:
            os.kill(choose.choice(alive), signal.SIGKILL)
    told = 'seed %s, %r, %d answers, %d echoes, %d closed, %d lost' % (
        seed, kills, clients.answers, clients.echoes, clients.closed, clients.lost)
    eventually(served.works, 'serving: ' + told, 60)
    eventually(lambda: len(children(workers.pid)) == 2 and len(served.processes()) == 2, 'all processes: ' + told, 60)
    clients.stop()
    told += ', longest wait %.1f s' % clients.longest
    print(told)
    assert not any(thread.is_alive() for thread in clients.threads), told
    assert not clients.wrong, (told, clients.wrong)
    assert clients.answers and clients.echoes, told
    assert not clients.lost, told
    assert not lasting(redis), told
    if SECONDS >= 60:
        # With threefold slack where other tests run at the same time.
        assert clients.longest < (10 if SECONDS >= 600 else TIMEOUT), told
        served.site.stop()
        try:
            eventually(lambda: not left(redis), 'an empty Redis, but for counters: ' + told, 180)
        finally:
            print(left(redis))


def test_no_numbered_job_is_lost_for_a_minute():
    """
    Workers are killed, frozen and ended, and each of two servers is killed now and then; see the program.

    Its limits of time have threefold slack: what was taken comes again within
    15 s, and within 5 s what was done is acknowledged.
    """
    done = subprocess.run(
        [sys.executable, NUMBERED_JOBS, 'shard', '--number', '12000', '--seconds', '60', '--patience', '90',
         '--window', '15', '--python', os.environ['CHANNELS_SYSTEM_PYTHON']],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
    )
    assert done.returncode == 0, done.stdout
    assert '"lost": 0' in done.stdout
    # They have died, too.
    assert '"killed": ' in done.stdout and '"restarted": ' in done.stdout, done.stdout
