"""
What a hop costs at least: Django's WSGI handler and an echo of frames in a
worker that a server asks by plain Redis commands, with nothing of ours and
none of what makes it safe (no capacity, order, expiry, acknowledgement, fairness or limit).
No peer; a claim that a goal can't be had is held against it.
"""
from ...harness.stack import start_site
from ..base import FOLDER, Peer


class Hop(Peer):
    def start_site(self, machine):
        redis = machine.redis()
        env = self.site_environment(BENCH_REDIS=redis.url)
        python = self.environment(machine).python
        return start_site(machine, self, [
            lambda port: machine.program('hop server', [python, 'server.py', port], cwd=self.folder, env=env),
            lambda port: machine.program('hop worker', [python, 'worker.py'], cwd=self.folder, env=env),
        ], [redis])


PEERS = [Hop(
    name='hop', title='Django 5.2 behind a server, one hop by plain Redis commands, Python 3.11; no peer, a floor',
    python='3.11', folder=FOLDER / 'hop',
    requirements=('Django==5.2.19', 'hiredis==3.5.0', 'httptools==0.7.1', 'msgpack==1.1.2', 'uvloop==0.22.1',
                  'websockets==16.0'),
)]
