"""Celery over Redis, for background work: one process, results ignored."""
from ...harness.stack import Stack
from ..base import FOLDER, Peer


class Celery(Peer):
    def start_tasks(self, machine):
        redis = machine.redis()
        return Stack([self.worker(machine, redis, '--pool=solo')], [redis])

    def start_jobs_worker(self, machine, redis, threads, variant=''):
        if variant == 'solo':
            # Its cheapest: without threads.
            return self.worker(machine, redis, '--pool=solo')
        return self.worker(machine, redis, '--pool=threads', '--concurrency=%d' % threads)

    def numbered_worker(self, folder, threads):
        return [
            folder / 'celery', '-A', 'bench_celery', 'worker', '--loglevel=WARNING', '--pool=threads',
            '--concurrency=%d' % threads,
        ]

    def worker(self, machine, redis, *options):
        """Start a worker process with those options."""
        return machine.program(
            'celery',
            [
                self.script(machine, 'celery'), '-A', 'bench_celery', 'worker', '--loglevel=WARNING',
                '--without-gossip', '--without-mingle', '--without-heartbeat', *options,
            ],
            cwd=self.folder, env=self.site_environment(BENCH_REDIS=redis.url),
        )


PEERS = [Celery(
    name='celery', title='Celery 5.7.0 over Redis, Python 3.11, one process', python='3.11',
    requirements=('celery[redis]==5.7.0', 'redis==8.1.0', 'hiredis==3.5.0'), folder=FOLDER / 'celery',
)]
