"""Dramatiq over Redis, for background work: one worker process with its default of eight threads."""
from ...harness.stack import Stack
from ..base import FOLDER, Peer


class Dramatiq(Peer):
    def start_tasks(self, machine):
        redis = machine.redis()
        return Stack([self.start_jobs_worker(machine, redis, 8)], [redis])

    def start_jobs_worker(self, machine, redis, threads, variant=''):
        return machine.program(
            'dramatiq', [self.script(machine, 'dramatiq'), '-p', '1', '-t', threads, 'bench_dramatiq'],
            cwd=self.folder,
            # Its default, twice the threads, has it ask Redis too often.
            env=self.site_environment(BENCH_REDIS=redis.url, dramatiq_queue_prefetch='100'),
        )

    def numbered_worker(self, folder, threads):
        return [folder / 'dramatiq', '-p', '1', '-t', threads, 'bench_dramatiq']


PEERS = [Dramatiq(
    name='dramatiq', title='Dramatiq 2.2.1 over Redis, Python 3.11, one worker process', python='3.11',
    requirements=('dramatiq==2.2.1', 'redis==5.2.1', 'hiredis==3.5.0'), folder=FOLDER / 'dramatiq',
)]
