"""
Jobs that are acknowledged when they are done, and jobs that are due later.

One process enqueues, one worker process of eight threads does them, over one
Redis; all three are new for each measurement. CPU is told for each of them.
"""
import contextlib
import json
import signal
import time

from ..harness import BENCHMARKS, accounting
from ..harness.programs import ProgramFailed
from ..harness.redis_accounting import redis_work
from ..harness.statistics import Goal, Metric
from ..harness.workload import Workload

THREADS = 8


class Jobs(Workload):
    """What the workloads of jobs share."""

    @contextlib.contextmanager
    def sender(self, machine, peer):
        """Give the block (a function that has the sender do something, RedisServer, list of programs to stop)."""
        with machine.redises() as [redis], machine.programs() as programs:
            program = machine.program(
                peer.name + ' jobs', [peer.environment(machine).python, BENCHMARKS / 'programs' / 'jobs.py'],
                cwd=peer.folder, env=peer.jobs_environment(redis), talks=True,
            )
            programs.append(program)
            program.answer()

            def order(do, **arguments):
                program.tell(json.dumps(dict(arguments, do=do)))
                return program.answer(self.limit)
            yield order, redis, programs

    def worker(self, machine, peer, variant, redis, programs):
        """Start a worker; return a function: the CPU seconds it has spent."""
        worker = peer.start_jobs_worker(machine, redis, THREADS, variant)
        programs.append(worker)
        return worker, lambda: accounting.cpu_seconds([worker.pid])


class Acknowledged(Jobs):
    """
    Jobs that do nothing, with `size` bytes to say so, from the first enqueue to the last done.

    With `backlog`, the worker is stopped until all are enqueued.
    """

    def __init__(self, *arguments, size, number, backlog=False, **options):
        super().__init__(*arguments, **options)
        # What isn't a field of it can't be set otherwise.
        object.__setattr__(self, 'backlog', backlog)
        object.__setattr__(self, 'size', size)
        object.__setattr__(self, 'number', number)

    def measure(self, machine, peer, variant):
        number = self.number // 4 if machine.quick else self.number
        plain = 'plain' if variant == 'plain' else ''
        with self.sender(machine, peer) as (order, redis, programs):
            worker, spent = self.worker(machine, peer, variant, redis, programs)
            for count in (8, number // 5, number):
                # First what starts it up, then what warms it up.
                before, worker_before, begin = redis_work(redis.port), spent(), time.monotonic()
                if self.backlog:
                    worker.signal(signal.SIGSTOP)
                sent = order('send', number=count, size=self.size, variant=plain)
                worker.signal(signal.SIGCONT)
                if order('wait', seconds=self.limit)['done'] is None:
                    raise worker.failed('had not done all of %d jobs' % count)
            seconds, busy, work = time.monotonic() - begin, spent() - worker_before, redis_work(redis.port) - before
        return {
            'cpu': (busy + sent['cpu'] + work.cpu) / number * 1e6, 'worker': busy / number * 1e6,
            'enqueue': sent['cpu'] / number * 1e6, 'redis': work.cpu / number * 1e6,
            'commands': work.commands / number, 'reads': work.reads / number, 'bytes': work.traffic / number,
            'rate': number / seconds,
        }


class Scheduled(Jobs):
    """Many jobs that are due in an hour, and meanwhile a worker, and others that are due in seconds."""
    #: Seconds within which jobs that are due must have been done.
    PATIENCE = 30

    def measure(self, machine, peer, variant):
        number = machine.scheduled // 10 if machine.quick else machine.scheduled
        figures = {}
        with self.sender(machine, peer) as (order, redis, programs):
            order('park', number=100, seconds=3600)
            before = redis_work(redis.port)
            sent = order('park', number=number, seconds=3600)
            work = redis_work(redis.port) - before
            figures.update(
                memory=work.memory / number, enqueue=sent['cpu'] / number * 1e6, redis=work.cpu / number * 1e6,
            )
            worker, spent = self.worker(machine, peer, variant, redis, programs)
            self.settle(worker, spent)
            figures.update(loading=spent(), worker=accounting.memory([worker.pid]) / 1e6)
            before, worker_before = redis_work(redis.port), spent()
            time.sleep(5)
            figures['idle'] = (spent() - worker_before + (redis_work(redis.port) - before).cpu) / 5 * 1e3
            figures.update(self.late(order, worker))
        return figures

    def settle(self, worker, spent):
        """Return once the worker has nothing to do any more: two seconds at less than a fifth of a core."""
        quiet, until = 0, time.monotonic() + self.limit / 3
        while quiet < 2:
            before = spent()
            time.sleep(1)
            quiet = quiet + 1 if spent() - before < 0.2 and before > 0.2 else 0
            if worker.process.poll() is not None:
                raise worker.failed('has ended')
            if time.monotonic() > until:
                raise ProgramFailed('%s was busy for %d s after its start.' % (worker.name, self.limit / 3))

    def late(self, order, worker):
        """Return how late 1,000 jobs are of which 200 a second are due, and 5,000 that are due at once."""
        order('later', number=1000, seconds=3, span=5)
        done = order('wait', seconds=8 + self.PATIENCE)['done']
        if done is None:
            return {'done': 0}
        figures = {'done': 100, 'p50': done['p50'] * 1e3, 'p99': done['p99'] * 1e3, 'early': -done['first'] * 1e3}
        order('later', number=5000, seconds=15, span=0)
        done = order('wait', seconds=15 + self.PATIENCE)['done']
        if done is not None:
            figures['burst'] = 5000 / done['last']
        return figures


METRICS = (
    Metric('cpu', 'µs'), Metric('worker', 'µs'), Metric('enqueue', 'µs'), Metric('redis', 'µs'),
    Metric('commands', 'a job', 1), Metric('reads', 'a job', 2), Metric('bytes', 'a job'), Metric('rate', 'jobs/s'),
)
GOALS = (
    Goal('cpu', '<=', 1 / 2, 'dramatiq'), Goal('cpu', '<=', 1 / 6, 'celery'), Goal('cpu', '<=', 1.35, 'ours/plain'),
    Goal('enqueue', '<=', 1 / 2, 'dramatiq'),
)
CONTENDERS = ('ours', 'ours/plain', 'redis-py', 'dramatiq', 'celery', 'celery/solo')

WORKLOADS = [
    Acknowledged(
        'jobs', 'Jobs of 100 bytes that are acknowledged when done; ours/plain: at most once', METRICS, CONTENDERS,
        goals=GOALS, size=100, number=8000,
    ),
    Acknowledged(
        'jobs-10k', 'Jobs of 10 kB that are acknowledged when done; ours/plain: at most once', METRICS, CONTENDERS,
        goals=GOALS[:1] + GOALS[2:], size=10000, number=4000,
    ),
    Acknowledged(
        'jobs-backlog', 'The same jobs of 100 bytes, where the worker starts when all wait', METRICS, CONTENDERS,
        goals=GOALS, size=100, number=8000, backlog=True,
    ),
    Scheduled(
        'jobs-later', 'Jobs due in an hour (--scheduled), and 1,000 that are due 200 a second, and 5,000 at once', (
            Metric('memory', 'bytes a job'), Metric('enqueue', 'µs'), Metric('redis', 'µs'),
            Metric('loading', 'CPU s', 1), Metric('worker', 'MB'), Metric('idle', 'ms/s', 1), Metric('done', '%'),
            Metric('p50', 'ms late', 1), Metric('p99', 'ms late', 1), Metric('early', 'ms', 1),
            Metric('burst', 'jobs/s'),
        ), ('ours', 'dramatiq', 'celery'), rounds=1, limit=1800,
        goals=(Goal('p99', '<=', 100), Goal('burst', '>=', 5000)),
    ),
]
