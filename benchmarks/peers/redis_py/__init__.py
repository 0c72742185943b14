"""Bare redis-py: the limit of a layer that is written with it; and the fewest commands that jobs need."""
from ..base import FOLDER, Peer


class RedisPy(Peer):
    def start_jobs_worker(self, machine, redis, threads, variant=''):
        return machine.program(
            'bare commands', [self.environment(machine).python, 'bench_moving.py', threads], cwd=self.folder,
            env=self.site_environment(BENCH_REDIS=redis.url),
        )


PEERS = [RedisPy(
    name='redis-py', title='redis-py 8.1.0 with hiredis, nothing on top', python='3.11',
    requirements=('redis==8.1.0', 'hiredis==3.5.0'), folder=FOLDER / 'redis_py', adapter='adapter.py',
)]
