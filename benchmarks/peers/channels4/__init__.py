"""Channels of today: Channels 4.3 in the server's own process, channels_redis 4.3 between processes."""
import dataclasses

from ...harness.stack import start_site
from ..base import FOLDER, Peer


@dataclasses.dataclass(frozen=True)
class Channels4(Peer):
    """One process that serves and runs the consumers; its capacity is raised (site: bench_settings.py)."""
    server: str = 'uvicorn'

    def start_site(self, machine, **env):
        redis = machine.redis()
        env = self.site_environment(BENCH_REDIS=redis.url, **env)

        def serve(port):
            if self.server == 'daphne':
                command = [
                    self.script(machine, 'daphne'), '-v', '0', '-b', '127.0.0.1', '-p', port, 'bench_asgi:application',
                ]
            else:
                command = [self.script(machine, 'uvicorn'),
                           '--port', port, '--no-access-log', '--log-level', 'warning',
                           'bench_asgi:application']
            return machine.program('%s %s' % (self.name, self.server), command, cwd=self.folder, env=env)
        return start_site(machine, self, [serve], [redis])

    def start_pubsub(self, machine):
        """The same with its pub/sub layer."""
        return self.start_site(machine, BENCH_LAYER='pubsub')


def _peer(name, python, server):
    return Channels4(
        name=name, python=python, server=server,
        title='Channels 4.3.2 under %s, channels_redis 4.3.0, Python %s, Django 5.2' % (server, python),
        requirements=(
            'Django==5.2.19', 'channels==4.3.2', 'channels_redis==4.3.0', 'redis==7.0.1', 'hiredis==3.5.0',
            'msgpack==1.1.1',
            'uvicorn[standard]==0.35.0', 'daphne==4.2.3',
        ),
        folder=FOLDER / 'channels4', adapter='adapter.py', environment_name='channels4-py' + python,
    )


PEERS = [
    _peer('channels4', '3.11', 'uvicorn'), _peer('channels4-daphne', '3.11', 'daphne'),
    _peer('channels4-py3.13', '3.13', 'uvicorn'),
]
