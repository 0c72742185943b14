"""Dramatiq over Redis, for background work: one worker process with its default of eight threads."""
from ...harness.stack import Stack
from ..base import FOLDER, Peer


class Dramatiq(Peer):
    def start_tasks(self, machine):
        redis = machine.redis()
        worker = machine.program(
            'dramatiq', [self.script(machine, 'dramatiq'), '-p', '1', 'bench_dramatiq'], cwd=self.folder,
            # Its default, twice the threads, has it ask Redis too often.
            env=self.site_environment(BENCH_REDIS=redis.url, dramatiq_queue_prefetch='100'),
        )
        return Stack([worker], [redis])


PEERS = [Dramatiq(
    name='dramatiq', title='Dramatiq 1.18.0 over Redis, Python 3.11, one worker process', python='3.11',
    requirements=('dramatiq==1.18.0', 'redis==5.2.1', 'hiredis==3.5.0'), folder=FOLDER / 'dramatiq',
)]
