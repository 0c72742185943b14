"""Celery over Redis, for background work: one process, results ignored."""
from ...harness.stack import Stack
from ..base import FOLDER, Peer


class Celery(Peer):
    def start_tasks(self, machine):
        redis = machine.redis()
        worker = machine.program(
            'celery',
            [
                self.script(machine, 'celery'), '-A', 'bench_celery', 'worker', '--pool=solo', '--loglevel=WARNING',
                '--without-gossip', '--without-mingle', '--without-heartbeat',
            ],
            cwd=self.folder, env=self.site_environment(BENCH_REDIS=redis.url),
        )
        return Stack([worker], [redis])


PEERS = [Celery(
    name='celery', title='Celery 5.5.3 over Redis, Python 3.11, one process', python='3.11',
    requirements=('celery==5.5.3', 'redis==5.2.1', 'hiredis==3.5.0'), folder=FOLDER / 'celery',
)]
