"""
Workers and servers that are killed, frozen and ended at random.
"""
import os
import pathlib
import signal
import time

import redis as redis_py

from .machine import redis_server
from .numbered import Death

RedisServer = redis_server.RedisServer

#: Seconds until a master must have been replaced, or a server started.
PATIENCE = 90
#: Arguments of a Redis that has everything on disk that it has confirmed.
ALWAYS = ['--appendonly', 'yes', '--appendfsync', 'always']
#: Arguments of one whose disk may lack the last second.
EVERYSEC = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0']


class Workers:
    """`number` workers, Programs that `start` returns; what dies is replaced."""

    def __init__(self, start, number):
        self.start = start
        self.running = [start() for _ in range(number)]
        self.frozen, self.ending, self.deaths = [], [], []

    def choose(self, random):
        """Return one that runs, which is in no list any more; None if there is none."""
        return self.running.pop(random.randrange(len(self.running))) if self.running else None

    def kill(self, random):
        """Kill one, and start another."""
        program = self.choose(random)
        if program is not None:
            begin = time.time()
            program.signal(signal.SIGKILL)
            program.stop()
            self.deaths.append(Death('killed', begin, begin, program.pid))
            self.running.append(self.start())

    def freeze(self, random):
        """Stop one for a while, which may be longer than it is waited for."""
        program = self.choose(random)
        if program is not None:
            begin = time.time()
            program.signal(signal.SIGSTOP)
            self.frozen.append((begin + random.uniform(1, 20), begin, program))

    def end(self, random):
        """Ask one to end."""
        program = self.choose(random)
        if program is not None:
            self.ending.append((time.time(), program))
            program.process.terminate()

    def look(self, wakes_all=False):
        """Wake who has been frozen long enough, and replace who has ended."""
        now = time.time()
        for entry in list(self.frozen):
            due, begin, program = entry
            if due <= now or wakes_all:
                program.signal(signal.SIGCONT)
                self.deaths.append(Death('frozen', begin, time.time(), program.pid))
                self.frozen.remove(entry)
                self.running.append(program)
        for entry in list(self.ending):
            begin, program = entry
            if program.process.poll() is not None:
                program.stop()
                self.deaths.append(Death('ended', begin, now, program.pid))
                self.ending.remove(entry)
                self.running.append(self.start())
        for program in list(self.running):
            if program.process.poll() is not None:
                raise program.failed('ended, and nobody had asked it to')

    def all(self):
        """Return all Programs."""
        return self.running + [entry[-1] for entry in self.frozen + self.ending]


class Servers:
    """Servers of Redis; `config` is that of a layer."""

    def __init__(self, number=1, options=(), **config):
        self.servers = [RedisServer(options=options).start() for _ in range(number)]
        self.config = dict(config, hosts=[server.url for server in self.servers])
        self.deaths = []

    def restart(self, random):
        """Kill one, and start it again after a while."""
        server, begin = random.choice(self.servers), time.time()
        server.kill()
        time.sleep(random.uniform(0.2, 6 if len(self.servers) > 1 else 2))
        # It reads all that it has ever written.
        server.start(PATIENCE)
        self.deaths.append(Death('restarted', begin, time.time()))

    def look(self):
        """Note what is there."""

    def stop(self):
        for server in self.servers:
            server.stop()


class PowerCuts(Servers):
    """One Redis with `appendfsync everysec`, which may lose the last second as it would if its machine lost power."""

    def __init__(self):
        super().__init__(options=EVERYSEC)
        # [(time, bytes of the file of its commands), ...]
        self.sizes = []

    def _file(self):
        found = sorted(pathlib.Path(self.servers[0].folder).glob('appendonlydir/*.incr.aof'))
        return found[-1] if found else pathlib.Path(self.servers[0].folder, 'appendonly.aof')

    def look(self):
        self.sizes.append((time.time(), self._file().stat().st_size))

    def restart(self, random):
        """Kill it, and have it start with what it had written a second before."""
        server, begin = self.servers[0], time.time()
        server.kill()
        os.truncate(self._file(), max((size for at, size in self.sizes if at <= begin - 1), default=0))
        server.start()
        self.sizes = []
        self.deaths.append(Death('lost its last second', begin, time.time()))


class Failovers(Servers):
    """A master, a replica of it, and three Sentinels, which replace the one by the other."""

    def __init__(self, **config):
        master = RedisServer().start()
        replica = RedisServer(options=['--replicaof', '127.0.0.1', str(master.port)]).start()
        self.sentinels = [RedisServer(sentinel='\n'.join([
            'sentinel monitor main 127.0.0.1 %d 2' % master.port, 'sentinel down-after-milliseconds main 3000',
            'sentinel failover-timeout main 4000', 'sentinel parallel-syncs main 1',
        ])).start() for _ in range(3)]
        self.servers, self.deaths = [master, replica], []
        # When the first of them was surely the master, and the other in sync.
        self.seen = time.time()
        self.config = dict(config, hosts=[{
            'sentinels': [('127.0.0.1', server.port) for server in self.sentinels], 'master_name': 'main',
        }])
        self.wait_for_replica()

    def wait(self, happened, what):
        until = time.monotonic() + PATIENCE
        while not happened():
            if time.monotonic() > until:
                raise TimeoutError('%s: not within %d s' % (what, PATIENCE))
            time.sleep(0.1)

    def ask(self, server, *command):
        with redis_py.Redis(port=server.port) as client:
            return client.execute_command(*command)

    def masters(self):
        """Return the ports of the masters that the Sentinels name."""
        return {int(self.ask(server, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')[1]) for server in self.sentinels}

    def wait_for_replica(self):
        """Return once one server follows the other, which comes first then, and all Sentinels know it."""
        def following():
            if self.masters() == {self.servers[1].port}:
                # On a loaded machine they take one for dead that is slow.
                self.servers.reverse()
                self.deaths.append(Death('failed over', self.seen, time.time()))
            facts = self.ask(self.servers[0], 'INFO', 'replication')
            states = [self.ask(server, 'SENTINEL', 'REPLICAS', 'main') for server in self.sentinels]
            return facts.get('connected_slaves') == 1 and facts['slave0']['state'] == 'online' and all(states)
        self.wait(following, 'a replica')
        self.seen = time.time()

    def restart(self, random):
        """Kill the master; once the replica is the master, start it again, as its replica."""
        # A replica that isn't in sync may be promoted as well, and what the
        # master has confirmed is lost then.
        self.wait_for_replica()
        old, new = self.servers
        begin = time.time()
        old.kill()
        self.wait(lambda: self.masters() == {new.port}, 'a new master')
        self.deaths.append(Death('failed over', begin, time.time()))
        old.options = ['--replicaof', '127.0.0.1', str(new.port)]
        new.options = []
        old.start()
        self.servers = [new, old]
        self.wait_for_replica()

    def stop(self):
        super().stop()
        for server in self.sentinels:
            server.stop()
