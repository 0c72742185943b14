"""
The load generators: wsload (compiled from load/) for WebSocket, wrk for HTTP.
"""
import re
import shutil

from harness import process
from harness.cache import digest

from . import BENCHMARKS
from .machine import Unavailable

FOLDER = BENCHMARKS / 'load'


def compiled(machine, name):
    """Return the path of a program of load/, compiled once; Unavailable without a compiler."""
    compiler = shutil.which('cc') or shutil.which('gcc')
    if compiler is None:
        raise Unavailable('There is no C compiler; on Debian: apt-get install gcc libc6-dev')
    source, header = FOLDER / (name + '.c'), FOLDER / 'websocket.h'
    target = machine.cache.root / 'load' / ('%s-%s' % (name, digest(source, header)))
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        partial = target.with_suffix('.part')
        process.check([compiler, '-O2', '-o', partial, source], machine.log('compile ' + name), 'Compiling ' + name)
        partial.replace(target)
    return target


class WebSockets:
    """A run of wsload: opened and warm when it is made; go() has it work."""

    #: Seconds that opening all sockets may take.
    OPENING = 110

    def __init__(self, machine, programs, mode, port, path, *arguments):
        command = [compiled(machine, 'wsload'), mode, port, path] + list(arguments)
        self.program = machine.program('wsload ' + mode, command, talks=True)
        programs.append(self.program)
        self.ready = self.program.answer(self.OPENING)

    def go(self, timeout=60):
        """Have it do its work; return what came of it."""
        self.program.tell('go')
        return self.program.answer(timeout)


#: How wrk writes times.
UNITS = {'us': 1e-6, 'ms': 1e-3, 's': 1.0, 'm': 60.0}


def wrk(machine, url, connections, seconds, script=None):
    """
    Run wrk for so many whole seconds; return {'requests', 'seconds', 'p50', 'p99'}.

    Raise ValueError when a request failed.
    """
    path = shutil.which('wrk')
    if path is None:
        raise Unavailable('There is no wrk; on Debian: apt-get install wrk')
    log = machine.log('wrk')
    command = [path, '-t1', '-c%d' % connections, '-d%d' % max(1, seconds), '--timeout', '30s', '--latency']
    if script is not None:
        command += ['-s', FOLDER / script]
    process.check(command + [url], log, 'wrk', timeout=seconds + 60)
    return parse_wrk(log.read_text(encoding='utf-8', errors='replace'))


def parse_wrk(text):
    """Return the figures of wrk's output; ValueError when requests failed or there is nothing."""
    def find(pattern):
        found = re.search(pattern, text)
        if not found:
            raise ValueError("wrk's output has no %r:\n%s" % (pattern, text))
        return found

    wrong = re.search(r'Non-2xx or 3xx responses: (\d+)', text)
    if wrong:
        raise ValueError('%s responses were no 200' % wrong.group(1))
    total = find(r'(\d+) requests in ([\d.]+)(us|ms|s|m), ')
    errors = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', text)
    # A server that closes each connection after its answer counts as a read error of wrk's.
    if errors and (int(errors.group(1)) or int(errors.group(3)) or int(errors.group(4))):
        raise ValueError(errors.group(0))
    if int(total.group(1)) == 0:
        raise ValueError('no request was answered')
    percentiles = {
        name: float(value) * UNITS[unit]
        for name, value, unit in re.findall(r'^\s+(50|99)%\s+([\d.]+)(us|ms|s|m) *$', text, re.M)
    }
    return {
        'requests': int(total.group(1)), 'seconds': float(total.group(2)) * UNITS[total.group(3)],
        # None where next to nothing was answered.
        'p50': percentiles.get('50'), 'p99': percentiles.get('99'),
    }
