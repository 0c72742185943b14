"""
What serves one peer's site: its server, its worker, its Redis.
"""
import os
import signal
import time
import urllib.request

from . import accounting
from .programs import free_port, stop_all


class Stack:
    """The programs that serve one peer's site, as one thing to start, pause, charge and stop."""

    def __init__(self, programs, redis=(), port=None):
        self.programs = list(programs)
        self.redis = list(redis)
        self.port = port
        self.paused = False

    @property
    def roots(self):
        """The pids of all that serves."""
        return [program.pid for program in self.programs] + [server.process.pid for server in self.redis]

    def cpu(self):
        """Return the CPU seconds that it has spent so far."""
        return sum(self.cpu_by_part().values())

    def cpu_by_part(self):
        """Return {'server', 'worker', 'redis': CPU seconds so far}, for those that there are."""
        stats = accounting.snapshot()
        parts = {}
        for name, programs in (('server', self.programs[:1]), ('worker', self.programs[1:])):
            if programs:
                parts[name] = accounting.cpu_seconds([program.pid for program in programs], stats)
        if self.redis:
            parts['redis'] = accounting.cpu_seconds([server.process.pid for server in self.redis], stats)
        return parts

    def memory(self):
        """Return the bytes that its programs, without Redis, have."""
        return accounting.memory([program.pid for program in self.programs])

    def check(self):
        """Raise ProgramFailed if one of the programs is gone."""
        for program in self.programs:
            if program.process.poll() is not None:
                raise program.failed('has ended')

    def pause(self):
        """Have it cost nothing while others are measured."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        """Go on after pause()."""
        if self.paused:
            self._signal(signal.SIGCONT)
            self.paused = False

    def _signal(self, number):
        for pid in accounting.family(self.roots, accounting.snapshot()):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def stop(self):
        """End all of it."""
        self.resume()
        stop_all(self.programs)
        for server in self.redis:
            server.stop()


def start_site(machine, peer, programs, redis=(), timeout=60):
    """
    Return the Stack of `programs`, functions port -> Program.

    The first is the server, which listens on the port; if one doesn't start,
    all are stopped.
    """
    port = free_port()
    started = []
    try:
        for start in programs:
            started.append(start(port))
        started[0].wait_for_port(port, timeout)
        wait_for_page('http://127.0.0.1:%d/hello/' % port, started, timeout)
    except BaseException:
        stop_all(started)
        for server in redis:
            server.stop()
        raise
    return Stack(started, redis, port)


def wait_for_page(url, programs, timeout):
    """Return once the page can be had: a worker may start later than its server."""
    until = time.monotonic() + timeout
    while True:
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:
                response.read()
                return
        except OSError:
            for program in programs:
                if program.process.poll() is not None:
                    raise program.failed('has ended') from None
            if time.monotonic() > until:
                raise programs[-1].failed('had not answered for %d s' % timeout) from None
            time.sleep(0.1)
