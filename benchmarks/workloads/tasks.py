"""
Background work: one process enqueues, one worker process does it.

CPU is that of all processes: who enqueues, the worker, Redis.
"""
from ..harness import BENCHMARKS
from ..harness.statistics import Goal, Metric
from ..harness.workload import Workload


class Tasks(Workload):
    """Tasks that do nothing, from the first enqueue to the last done."""

    def stacks(self):
        return {(peer, 'tasks') for peer in self.contenders}

    def measure(self, machine, peer, variant):
        # Processor time is counted in ticks of 10 ms, for three processes.
        number = 6000 if machine.quick else 20000
        with machine.serving(peer, 'tasks') as stack, machine.programs() as programs:
            enqueuer = machine.program(
                peer.name + ' enqueue',
                [peer.environment(machine).python, BENCHMARKS / 'programs' / 'enqueue.py', number], cwd=peer.folder,
                env=peer.site_environment(BENCH_LAYER='redis', BENCH_REDIS=stack.redis[0].url), talks=True,
            )
            programs.append(enqueuer)
            enqueuer.answer()
            before = stack.cpu()
            enqueuer.tell('go')
            answer = enqueuer.answer(100)
            cpu = stack.cpu() - before + answer['cpu']
        return {
            'rate': answer['count'] / answer['seconds'], 'cpu': cpu / answer['count'] * 1e6,
            'enqueue': answer['count'] / answer['enqueuing'],
        }


WORKLOADS = [Tasks(
    'tasks', 'Background tasks that do nothing: enqueued by one process, done by one',
    (Metric('rate', 'tasks/s'), Metric('cpu', 'µs'), Metric('enqueue', 'tasks/s')),
    ('ours', 'channels1', 'dramatiq', 'celery', 'baseline'), rounds=3,
    goals=(Goal('rate', '>=', 2, 'dramatiq'), Goal('cpu', '<=', 1 / 4, 'dramatiq')),
)]
