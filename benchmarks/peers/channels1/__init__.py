"""The Channels 1.x family, whose names we keep: Channels 1.1.8, daphne 1.4.2, asgi_redis 1.4.3."""
from ...harness.stack import Stack, start_site
from ..base import FOLDER, Peer


class Channels1(Peer):
    """Its capacity is raised (site: bench_settings.py), so that it doesn't drop."""

    def start_site(self, machine, workers=1, **env):
        redis = machine.redis()
        env = dict(env, BENCH_REDIS=redis.url)
        return start_site(machine, self, [
            lambda port: machine.program(
                self.name + ' daphne',
                [self.script(machine, 'daphne'), '-v', '0', '-b', '127.0.0.1', '-p', port, 'bench_asgi:channel_layer'],
                cwd=self.folder, env=self.site_environment(**env),
            ),
        ] + workers * [lambda port: self.manage(machine, 'runworker', **env)], [redis])

    def start_default(self, machine):
        """The same at its default capacity."""
        return self.start_site(machine, BENCH_CAPACITY='100')

    def start_tasks(self, machine):
        redis = machine.redis()
        return Stack([self.manage(machine, 'runworker', BENCH_REDIS=redis.url)], [redis])


PEERS = [
    Channels1(
        name='channels1' if python == '3.6' else 'channels1-py' + python, python=python,
        title='Channels 1.1.8, daphne 1.4.2, asgi_redis 1.4.3, Python %s, Django 1.11' % python,
        requirements=(
            'Django==1.11.29', 'channels==1.1.8', 'daphne==1.4.2', 'asgi_redis==1.4.3', 'asgiref==1.1.2',
            'redis==2.10.6', 'msgpack-python==0.5.6',
        ),
        folder=FOLDER / 'channels1', adapter='adapter.py',
    ) for python in ('3.6', '2.7')
]
