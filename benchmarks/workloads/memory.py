"""
Memory of a site: of a process that runs views, and of an idle WebSocket.
"""
import dataclasses

from ..harness import accounting, load
from ..harness.statistics import Goal, Metric
from .site import MAIN, SiteWorkload


@dataclasses.dataclass(frozen=True)
class Started(SiteWorkload):
    """The memory of a process that runs views, once it has answered some."""
    fresh = spoils = True

    def load(self, machine, stack, programs, seconds):
        load.wrk(machine, 'http://127.0.0.1:%d/hello/' % stack.port, 4, 1)
        # Where there is no worker, views run in the server.
        worker = (stack.programs[1:] or stack.programs)[0]
        return {'memory': accounting.memory([worker.pid]) / 1e6}


@dataclasses.dataclass(frozen=True)
class Idle(SiteWorkload):
    """The memory that `sockets` take which say nothing, in a stack that has served nothing before."""
    sockets: int = 5000
    fresh = spoils = True

    def load(self, machine, stack, programs, seconds):
        warm = load.WebSockets(machine, programs, 'echo', stack.port, '/echo/', 10, 0.3, 100)
        warm.go()
        warm.program.stop()
        before = stack.memory()
        client = load.WebSockets(machine, programs, 'idle', stack.port, '/echo/', self.sockets)
        memory = stack.memory() - before
        answer = client.go()
        if answer['sockets'] < self.sockets:
            raise RuntimeError('%d of the sockets were closed' % answer['closed'])
        return {'memory': memory / self.sockets / 1000}


WORKLOADS = [
    Idle(
        'idle', 'Memory per idle WebSocket, 5,000 of them: server and worker', (Metric('memory', 'kB', 1),),
        MAIN + ('baseline',), rounds=1, goals=(Goal('memory', '<=', 17), Goal('memory', '<=', 1, 'baseline')),
    ),
    Started(
        'worker-memory', 'Memory of a process that has run some views: a worker, or the server itself',
        (Metric('memory', 'MB', 1),), MAIN + ('gunicorn', 'baseline'), rounds=1,
        goals=(Goal('memory', '<=', 1.1, 'gunicorn'),),
    ),
]
