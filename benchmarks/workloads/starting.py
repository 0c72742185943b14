"""
What it costs to have the project installed, and configured: the start of
Python, the import of Django, management commands. And the patch set against
the backport.
"""
import dataclasses
import resource
import time

from harness import process

from ..harness.statistics import Goal, Metric
from ..harness.workload import Workload
from .layers import CPU, MemoryPair
from .site import CPU as REQUEST_CPU, RATE, Requests

TIME = Metric('time', 'ms', 1)
SPENT = Metric('cpu', 'ms', 1)

#: Variant -> environment variables of the site.
VARIANTS = {
    '': {'BENCH_LAYER': 'memory'},
    'installed': {'BENCH_APP': ''},
    'app': {},
    # Nothing is sent there: the check only builds the layer.
    'redis': {'BENCH_LAYER': 'redis', 'BENCH_REDIS': 'redis://127.0.0.1:6379/0'},
}


@dataclasses.dataclass(frozen=True)
class Command(Workload):
    """
    A command that is run to its end, several times; the least is a round's.

    A start has always the same to do: whatever else the machine does can only
    lengthen it, by as much as a whole goal of a few milliseconds.
    """
    arguments: tuple = ()

    def measure(self, machine, peer, variant):
        env = peer.site_environment(**VARIANTS[variant])
        # Bytecode is written once, as it is for a user.
        del env['PYTHONDONTWRITEBYTECODE']
        command = [peer.environment(machine).python] + list(self.arguments)
        log = machine.log('%s %s' % (self.name, peer.name))
        times, spent = [], []
        for number in range(7 if machine.quick else 12):
            begin, before = time.monotonic(), _children()
            process.check(command, log, ' '.join(map(str, command)), cwd=peer.folder, **env)
            if number:
                # The first one may have compiled.
                times.append(time.monotonic() - begin)
                spent.append(_children() - before)
        return {'cpu': min(spent) * 1e3, 'time': min(times) * 1e3}


def _children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


START = (SPENT, TIME)
NATIVE = ('backport', 'native')

WORKLOADS = [
    Command(
        'start-python', 'Start of Python: nothing installed, our wheel installed (its start-up line)', START,
        ('django', 'ours'), arguments=('-c', 'pass'), rounds=3,
    ),
    Command(
        'start-django', 'The same, and the import of Django', START, ('django', 'ours'),
        arguments=('-c', 'import django.conf'), rounds=3,
    ),
    Command(
        'start-check', 'manage.py check: plain Django; our wheel installed; with the app; with a layer, too', START,
        ('django', 'ours/installed', 'ours/app', 'ours', 'ours/redis'), arguments=('-m', 'django', 'check'), rounds=3,
        # Of time, a process that has to wait for a processor takes any amount.
        goals=tuple(Goal('cpu', '<=', 40, 'django', of=of, is_more=True) for of in ('ours/redis', 'ours')),
    ),
    Command(
        'native-start', 'manage.py check, backport and patch set', START, NATIVE, arguments=('-m', 'django', 'check'),
        rounds=3,
    ),
    Requests('native-get', 'GET behind daphne 1.4.2, backport and patch set', (RATE, REQUEST_CPU), NATIVE, rounds=3),
    MemoryPair(
        'native-message', 'In-memory layer: send and receive, backport and patch set', (CPU,), NATIVE, rounds=3,
    ),
]
