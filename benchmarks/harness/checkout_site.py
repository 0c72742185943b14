"""
A whole site of this checkout, on this Python: Redis servers, interface servers
and workers, whose CPU time and memory can be read at any time (Linux).
"""
import asyncio
import os
import subprocess
import sys
import tempfile
import time

from redis_server import RedisServer, free_port

#: Seconds until something that doesn't come is an error.
PATIENCE = 60


class Failed(Exception):
    """Raised when a process doesn't do what it has to."""


class Process:
    """A process that is measured, with its children."""

    def __init__(self, pid):
        self.pid = pid

    def _family(self):
        with open('/proc/%d/task/%d/children' % (self.pid, self.pid)) as file:
            return [self.pid] + [int(pid) for pid in file.read().split()]

    def cpu(self):
        """Return the microseconds of CPU that its threads have used."""
        total = 0
        for pid in self._family():
            for thread in os.listdir('/proc/%d/task' % pid):
                with open('/proc/%d/task/%s/schedstat' % (pid, thread)) as file:
                    total += int(file.read().split()[0])
        return total / 1000

    def memory(self):
        """Return the bytes that it has, pages that it shares in proportion (PSS)."""
        total = 0
        for pid in self._family():
            with open('/proc/%d/smaps_rollup' % pid) as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith('Pss:'))
        return total


class Site:
    """Redis servers, interface servers and workers; use it as a context manager."""

    def __init__(self, shards=1, servers=1, workers=1):
        self.numbers = shards, servers, workers
        self.started = []

    def __enter__(self):
        shards, servers, workers = self.numbers
        self.log = tempfile.NamedTemporaryFile(suffix='.log')
        self.redis = [RedisServer().start() for _ in range(shards)]
        self.hosts = [server.url for server in self.redis]
        self.shards = [Process(server.process.pid) for server in self.redis]
        self.ports = [free_port() for _ in range(servers)]
        self.servers = [self.start(
            '-m', 'interface_server', '-b', '127.0.0.1', '-p', str(port), '--max-connections-per-address', '0',
            '--max-connections', '0', 'slopes_asgi:channel_layer',
        ) for port in self.ports]
        self.workers = [self.start('-m', 'django', 'runworker') for _ in range(workers)]
        return self

    def start(self, *arguments):
        """Start Python with the arguments; return the Process."""
        process = subprocess.Popen(
            [sys.executable] + list(arguments), stdout=self.log, stderr=self.log,
            env=dict(os.environ, DJANGO_SETTINGS_MODULE='slopes_site', SLOPES_HOSTS=','.join(self.hosts)),
        )
        self.started.append(process)
        return Process(process.pid)

    def __exit__(self, *exc_info):
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait()
        for server in self.redis:
            server.stop()

    async def ready(self):
        """Wait until each server answers a request that a worker has handled."""
        until = time.monotonic() + PATIENCE
        for port in self.ports:
            while await get(port) != 200:
                if time.monotonic() > until:
                    with open(self.log.name) as file:
                        raise Failed('The site did not start:\n' + file.read()[-3000:])
                await asyncio.sleep(0.1)

    def used_memory(self):
        """Return the bytes that the shards hold, as Redis says."""
        return sum(info(server.url, 'memory')['used_memory'] for server in self.redis)

    def keys_memory(self):
        """Return the bytes that the keys of the shards take, as MEMORY USAGE says."""
        import redis
        total = 0
        for url in self.hosts:
            with redis.Redis.from_url(url) as client:
                total += sum(client.memory_usage(key, samples=0) for key in client.scan_iter())
        return total

    def cpu(self):
        """Return (microseconds of the servers, of the workers, of Redis)."""
        return tuple(sum(part.cpu() for part in parts) for parts in (self.servers, self.workers, self.shards))

    def layer(self):
        """Return a layer of this process."""
        from django.channels.layers.redis import RedisChannelLayer
        return RedisChannelLayer(hosts=self.hosts)


def info(url, section):
    """Return a section of the INFO of the Redis at `url`, a dict."""
    import redis
    with redis.Redis.from_url(url) as client:
        return client.info(section)


async def get(port):
    """Return the status of one request, 0 if nothing listens there."""
    try:
        reader, writer = await asyncio.open_connection('127.0.0.1', port)
    except OSError:
        return 0
    writer.write(b'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    data = await reader.read()
    writer.close()
    return int(data.split(b' ', 2)[1]) if data else 0


class started:
    """A Site, which is ready, for an `async with`."""

    def __init__(self, site):
        self.site = site

    async def __aenter__(self):
        self.site.__enter__()
        try:
            if self.site.workers:
                await self.site.ready()
        except BaseException:
            self.site.__exit__()
            raise
        return self.site

    async def __aexit__(self, *exc_info):
        self.site.__exit__()
