"""
A real redis-server for tests: on a free port, with a folder of its own.
"""
from __future__ import absolute_import

import atexit
import collections
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading

_PATH = os.environ.get('PATH', os.defpath) + os.pathsep + os.pathsep.join(['/usr/local/bin', '/usr/bin'])


#: Sockets that claim the ports given last, and how many of them are kept.
_claims, _CLAIMS = collections.deque(), 32


@atexit.register
def give_up_claims():
    """Close them: Python's warnings would be the end of a log, where its reader looks for what failed."""
    while _claims:
        _claims.popleft().close()


class RedisServerError(Exception):
    """Raised when a redis-server is not installed or doesn't start."""


def find_program(name='redis-server'):
    """
    Return the path of one of Redis' programs; RedisServerError if none.
    CHANNELS_REDIS_SERVER names another server, such as Valkey's.
    """
    if name == 'redis-server' and os.environ.get('CHANNELS_REDIS_SERVER'):
        return os.environ['CHANNELS_REDIS_SERVER']
    for folder in _PATH.split(os.pathsep):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    raise RedisServerError('There is no %s on PATH; the package redis-server of Debian and Ubuntu has it.' % name)


def free_port():
    """
    Return a TCP port of 127.0.0.1 that nothing listens on.

    It isn't one of those that a system gives to whoever asks for any (from
    32768 on, or higher), for it might give it away before it is used here. Nor
    is the one 10000 above, which a node of a cluster takes as well. Nor do
    other processes that ask in this way get it as long as this one has it
    among its last: rows of tests run side by side, and the runserver of one
    would find the Redis of another on its port.
    """
    while True:
        port = random.SystemRandom().randrange(12768, 22768)
        # The same number of UDP, which nothing here listens on, tells them.
        claim, probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        try:
            claim.bind(('127.0.0.1', port))
            probe.bind(('127.0.0.1', port))
        except socket.error:
            claim.close()
            continue
        finally:
            probe.close()
        if len(_claims) == _CLAIMS:
            _claims.popleft().close()
        _claims.append(claim)
        return port


class RedisServer(object):
    """
    A redis-server that keeps nothing on disk.

    `url` and `unix_socket` say where it listens once start() has returned.
    `options` are more of its command line's, such as '--maxmemory', '4mb'.
    `sentinel` starts it as a Sentinel with that text as its configuration.
    """
    ready = 'Ready to accept connections'

    def __init__(self, port=None, options=(), sentinel=None):
        self.port = port or free_port()
        self.options = list(options)
        self.sentinel = sentinel
        self.folder = None
        self.process = None
        #: The last lines of its log.
        self.log = collections.deque(maxlen=100)

    @classmethod
    def with_tls(cls, certificate, key):
        """
        Return one for TLS alone, with the files of a certificate and its key.

        Where it is built without, start() raises RedisServerError, and
        lacks_tls() says so.
        """
        server = cls()
        server.options = [
            '--port', '0', '--tls-port', str(server.port), '--tls-cert-file', certificate, '--tls-key-file', key,
            '--tls-auth-clients', 'no',
        ]
        return server

    def lacks_tls(self):
        """Return whether its log says that it can't: Redis 6.2 knows no such option then, and Valkey 9 ends."""
        return any('tls-port' in line or 'TLS support' in line for line in self.log)

    @property
    def url(self):
        return 'redis://127.0.0.1:%d/0' % self.port

    @property
    def unix_socket(self):
        return os.path.join(self.folder, 'redis.sock')

    def start(self, patience=30):
        """Start it, and return once it accepts connections, within `patience` seconds."""
        if self.folder is None:
            self.folder = tempfile.mkdtemp(prefix='redis-')
            # A test that fails half-way leaves nothing behind.
            atexit.register(self.stop)
        self.process = subprocess.Popen(
            self._command(), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        started = threading.Event()
        reader = threading.Thread(target=self._read_log, args=(self.process.stdout, started))
        reader.daemon = True
        reader.start()
        started.wait(patience)
        if self.process.poll() is not None or not started.is_set():
            self.kill()
            raise RedisServerError('redis-server did not start:\n%s' % '\n'.join(self.log))
        return self

    def _command(self):
        command = [find_program()]
        if self.sentinel is not None:
            path = os.path.join(self.folder, 'sentinel.conf')
            with open(path, 'w') as file:
                file.write(self.sentinel)
            return command + [path, '--sentinel', '--port', str(self.port)] + self.options
        return command + [
            '--port', str(self.port), '--bind', '127.0.0.1', '--unixsocket', self.unix_socket,
            '--save', '', '--appendonly', 'no', '--dir', self.folder,
        ] + self.options

    def _read_log(self, stream, started):
        ready = ('+monitor' if self.sentinel is not None else self.ready).encode('ascii')
        for line in iter(stream.readline, b''):
            self.log.append(line.decode('utf-8', 'replace').rstrip())
            if ready in line:
                started.set()
        stream.close()
        if not started.is_set():
            # It ended instead; whoever waits for it to be ready sees so.
            self.process.wait()
            started.set()

    def _end(self, signal):
        if self.process is not None and self.process.poll() is None:
            signal()
            self.process.wait()

    def kill(self):
        """End it as a crash would (SIGKILL)."""
        self._end(self.process.kill)

    def stop(self):
        """End it and remove its folder."""
        if self.process is not None:
            self._end(self.process.terminate)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def restart(self):
        """Kill it and start it again, empty, on the same port."""
        self.kill()
        return self.start()
