"""
A site as browsers see it: HTTP and WebSocket through server, Redis and one
worker, against peers that run views and consumers inside their server.

CPU is that of all processes that serve, Redis among them; the load generator's
is not counted. Two contenders are no peers. "ceiling" is a trivial server in C:
no other can reach its figures, and those that come near it are limited by the
generator. "hop" is Django behind plain Redis commands: what a hop costs at least.
"""
import dataclasses

from ..harness import load
from ..harness.statistics import Goal, Metric
from ..harness.workload import Workload, split
from .layers import PYTHONS

RATE = Metric('rate', '/s')
CPU = Metric('cpu', 'µs')
PARTS = tuple(Metric(part + ' cpu', 'µs') for part in ('server', 'worker', 'redis'))
P50, P99 = Metric('p50', 'ms', 2), Metric('p99', 'ms', 2)
LOST = Metric('lost', '%', 1)


@dataclasses.dataclass(frozen=True)
class SiteWorkload(Workload):
    """What the workloads of sites share: which Stack serves for which variant."""
    #: Does it need a Stack that has served nothing yet, and one for itself?
    fresh = spoils = False

    #: Variant -> kind of Stack.
    KINDS = {'': 'site', 'memory': 'inside', 'pubsub': 'pubsub', 'default': 'default'}

    def stacks(self):
        return {(peer, self.KINDS[variant]) for peer, variant in map(split, self.contenders)}

    def measure(self, machine, peer, variant):
        with machine.serving(peer, self.KINDS[variant], self.fresh) as stack, machine.programs() as programs:
            figures = self.load(machine, stack, programs, self.seconds(machine))
        if self.spoils:
            machine.drop_stack(peer, self.KINDS[variant])
        return figures

    def seconds(self, machine):
        """Return for how many seconds is measured; wrk knows whole ones only."""
        return 1 if machine.quick else 2

    def load(self, machine, stack, programs, seconds):
        """Put load on `stack` for so many seconds; return the figures."""
        raise NotImplementedError('subclasses of SiteWorkload must provide a load() method')


class Meter:
    """The CPU that a Stack spends from now on, per operation."""

    def __init__(self, stack):
        self.stack = stack
        self.before = stack.cpu_by_part()

    def read(self, operations):
        """Return {'cpu', 'server cpu', ...} in microseconds per operation."""
        spent = {
            name: (seconds - self.before[name]) / max(operations, 1) * 1e6
            for name, seconds in self.stack.cpu_by_part().items()
        }
        if len(spent) == 1:
            return {'cpu': sum(spent.values())}
        return dict({'cpu': sum(spent.values())}, **{name + ' cpu': value for name, value in spent.items()})


@dataclasses.dataclass(frozen=True)
class Requests(SiteWorkload):
    """Requests by wrk, over `connections` that are kept."""
    path: str = '/hello/'
    connections: int = 50
    script: str = ''
    megabytes: float = 0
    #: Seconds at least, where an answer takes its time.
    least: int = 1

    def load(self, machine, stack, programs, seconds):
        url = 'http://127.0.0.1:%d%s' % (stack.port, self.path)
        seconds = max(seconds, self.least)
        load.wrk(machine, url, self.connections, self.least, self.script or None)
        self.settle(stack)
        meter = Meter(stack)
        answer = load.wrk(machine, url, self.connections, seconds, self.script or None)
        figures = dict(meter.read(answer['requests']), rate=answer['requests'] / answer['seconds'])
        for name in ('p50', 'p99'):
            figures[name] = answer[name] and answer[name] * 1e3
        if self.megabytes:
            figures['MB/s'] = figures['rate'] * self.megabytes
        return figures

    def settle(self, stack):
        """Wait until nothing of the load that doesn't count is left."""


@dataclasses.dataclass(frozen=True)
class Echo(SiteWorkload):
    """Each of `sockets` sends 100 bytes, waits for them to come back, and sends again."""
    sockets: int = 50

    def load(self, machine, stack, programs, seconds):
        client = load.WebSockets(machine, programs, 'echo', stack.port, '/echo/', self.sockets, seconds, 100)
        meter = Meter(stack)
        answer = client.go()
        parts = meter.read(answer['messages'])
        if answer['closed']:
            raise RuntimeError('%d sockets were closed by the server' % answer['closed'])
        return dict(parts, **{
            'rate': answer['messages'] / answer['seconds'], 'p50': answer['p50'] * 1e3, 'p99': answer['p99'] * 1e3,
            'client cpu': answer['cpu'] / answer['messages'] * 1e6,
        })


@dataclasses.dataclass(frozen=True)
class Broadcast(SiteWorkload):
    """A socket sends 100 bytes, and all of `sockets` get them; a few are under way at once."""
    sockets: int = 500
    window: int = 8
    # Some peers take long to see thousands of sockets off.
    spoils = True

    def load(self, machine, stack, programs, seconds):
        client = load.WebSockets(
            machine, programs, 'broadcast', stack.port, '/broadcast/', self.sockets, seconds, 100, self.window,
        )
        meter = Meter(stack)
        answer = client.go()
        return dict(meter.read(answer['deliveries']), **{
            'rate': answer['deliveries'] / answer['seconds'],
            'lost': 100 * (1 - answer['deliveries'] / answer['expected']), 'closed': answer['closed'],
        })


@dataclasses.dataclass(frozen=True)
class SteadyBroadcast(SiteWorkload):
    """100 bytes to all of `sockets`, once a second for as long as --steady says: how late they come, and whether."""
    sockets: int = 10000
    spoils = True

    def load(self, machine, stack, programs, seconds):
        seconds = machine.steady // 10 if machine.quick else machine.steady
        client = load.WebSockets(machine, programs, 'steady', stack.port, '/broadcast/', self.sockets, seconds, 100, 1)
        meter = Meter(stack)
        # Who can't keep up has a minute more; what hasn't come then is lost.
        answer = client.go(seconds + 120)
        return dict(meter.read(answer['deliveries']), **{
            'lost': 100 * (1 - answer['deliveries'] / answer['expected']), 'closed': answer['closed'],
            'p50': answer['p50'] * 1e3, 'p99': answer['p99'] * 1e3, 'longest': answer['longest'] * 1e3,
        })


@dataclasses.dataclass(frozen=True)
class Connects(SiteWorkload):
    """Sockets that are opened, accepted and closed, 50 at a time."""

    def load(self, machine, stack, programs, seconds):
        client = load.WebSockets(machine, programs, 'connect', stack.port, '/echo/', 50, seconds)
        meter = Meter(stack)
        answer = client.go()
        parts = meter.read(answer['connects'])
        if answer['failed']:
            raise RuntimeError('%d handshakes failed' % answer['failed'])
        return dict(parts, rate=answer['connects'] / answer['seconds'])


MAIN = ('ours', 'channels1', 'channels4')

#: Series of the growth, see growth.py.
GETS, ECHOES, BROADCASTS = 'GET, by connections', 'echoes, by sockets', 'deliveries of broadcasts, by sockets'
SOCKETS = MAIN + ('channels4-daphne', 'ceiling')
#: Other Pythons, Channels 1.x on each that it runs on.
SITE_PYTHONS = PYTHONS + ('channels1',)
ON_OLD = (
    Goal('rate', '>=', 1.5, 'channels1-py2.7', of='ours-py2.7'), Goal('rate', '>=', 1.5, 'channels1', of='ours-py3.6'),
)
REQUEST = (RATE, CPU) + PARTS + (P50, P99)
MESSAGE = (RATE, CPU) + PARTS + (P50, P99, Metric('client cpu', 'µs', 1))

WORKLOADS = [
    Requests(
        'get', 'GET of a trivial view, 50 connections; server, Redis, one worker', REQUEST,
        MAIN + ('channels4-daphne', 'gunicorn', 'hop', 'ceiling', 'baseline'),
        series=GETS, x=50,
        goals=(
            Goal('cpu', '<=', 1.03, 'baseline'),
            Goal('cpu', '<=', 1 / 3, 'channels1'), Goal('cpu', '<=', 1 / 2, 'channels4'),
            Goal('cpu', '<=', 1.1, 'gunicorn'), Goal('rate', '>=', 2.5, 'channels1'),
            Goal('rate', '>=', 2, 'channels4'),
        ),
    ),
    Requests(
        'get-32', 'the same, 32 connections', REQUEST, ('ours', 'gunicorn', 'hop'), connections=32, rounds=3,
        goals=(Goal('cpu', '<=', 0.8, 'gunicorn'),),
    ),
    Requests('get-pythons', 'the same on other Pythons', REQUEST, ('ours',) + SITE_PYTHONS, rounds=2, goals=ON_OLD),
    Requests(
        'get-lone', 'the same, one client that waits for each answer', REQUEST, MAIN + ('gunicorn', 'hop', 'ceiling'),
        connections=1, rounds=3,
        goals=(Goal('p50', '<=', 1 / 30, 'channels1'), Goal('p50', '<=', 1.7)),
    ),
    Echo(
        'echo', 'WebSocket echo, 50 sockets, 100 bytes; through Redis, and in one process', MESSAGE,
        ('ours', 'ours/memory', 'channels1', 'channels4', 'channels4-daphne', 'ceiling', 'baseline'),
        series=ECHOES, x=50,
        goals=(
            Goal('cpu', '<=', 1.03, 'baseline'),
            Goal('cpu', '<=', 1 / 6, 'channels1'), Goal('cpu', '<=', 2, 'channels4'),
            Goal('cpu', '<=', 1, 'channels4', of='ours/memory'),
        ),
    ),
    Echo('echo-pythons', 'the same on other Pythons', MESSAGE, ('ours',) + SITE_PYTHONS, rounds=2, goals=ON_OLD),
    Echo(
        'echo-lone', 'WebSocket echo of one socket', MESSAGE,
        ('ours', 'ours/memory', 'channels1', 'channels4', 'ceiling'),
        sockets=1, rounds=3, goals=(Goal('p50', '<=', 1 / 50, 'channels1'), Goal('p50', '<=', 1)),
    ),
    Broadcast(
        'broadcast-500', 'Broadcast to 500 sockets, 100 bytes', (RATE, CPU, LOST, Metric('closed', 'sockets')),
        ('ours', 'channels1', 'channels1/default', 'channels4', 'channels4/pubsub', 'ceiling'),
        rounds=3, series=BROADCASTS, x=500,
        goals=(
            Goal('rate', '>=', 20, 'channels1'), Goal('rate', '>=', 5, 'channels4'),
            Goal('rate', '>=', 5, 'channels4/pubsub'), Goal('lost', '<=', 0),
        ),
    ),
    Broadcast(
        'broadcast-5000', 'Broadcast to 5,000 sockets, 100 bytes', (RATE, CPU, LOST, Metric('closed', 'sockets')),
        ('ours', 'channels4', 'channels4/pubsub', 'ceiling'), sockets=5000, window=2, rounds=2,
        series=BROADCASTS, x=5000,
        goals=(Goal('lost', '<=', 0),),
    ),
    SteadyBroadcast(
        'broadcast-steady', 'A broadcast a second to 10,000 sockets, for ten minutes (--steady)',
        (CPU, LOST, Metric('closed', 'sockets'), P50, P99, Metric('longest', 'ms', 2)),
        ('ours', 'channels4', 'channels4/pubsub'), rounds=1, limit=1500,
        goals=(Goal('lost', '<=', 0), Goal('p99', '<=', 250)),
    ),
    Connects(
        'connects', 'WebSockets opened, accepted and closed, 50 at a time', (RATE, CPU), SOCKETS,
        rounds=3,
        goals=(Goal('rate', '>=', 3, 'channels1'), Goal('rate', '>=', 1, 'channels4')),
    ),
    Requests(
        'post', 'POST of 1 MB to a view that reads the body, 4 connections', REQUEST,
        MAIN + ('gunicorn', 'hop', 'baseline'), path='/upload/', connections=4, script='post.lua', least=2, rounds=3,
        goals=(
            Goal('cpu', '<=', 0.45, 'baseline'),
            Goal('cpu', '<=', 1 / 3, 'channels1'), Goal('cpu', '<=', 1.1, 'channels4'),
        ),
    ),
    Requests(
        'stream', 'Streamed response of 10 MB, 2 connections', REQUEST + (Metric('MB/s', 'MB/s'),),
        MAIN + ('gunicorn', 'baseline'), path='/stream/', connections=2, megabytes=160 * 65536 / 1e6, least=3,
        rounds=3,
        goals=(
            Goal('cpu', '<=', 0.45, 'baseline'),
            Goal('MB/s', '>=', 4, 'channels1'), Goal('cpu', '<=', 1 / 4, 'channels1'),
        ),
    ),
]
