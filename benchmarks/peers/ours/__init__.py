"""
This project, from this checkout: the backport's wheel with the interface server
on a current Python, and on the era's Pythons with daphne 1.4.2.
"""
import dataclasses
import json

from ...harness.stack import Stack, start_site
from ..base import FOLDER, Peer


@dataclasses.dataclass(frozen=True)
class Ours(Peer):
    """Our stack: everything at its defaults."""
    #: What INSTALLED_APPS calls it.
    app: str = 'channels'

    def site_environment(self, **extra):
        return super().site_environment(**dict({'BENCH_APP': self.app}, **extra))

    def start_site(self, machine, workers=1, capacity=None, options=()):
        """A Redis, an interface server with `options`, a worker; the layer's capacity, if not the default."""
        redis = machine.redis()
        env = {'BENCH_LAYER': 'redis', 'BENCH_REDIS': redis.url}
        if capacity is not None:
            env['BENCH_CAPACITY'] = str(capacity)
        return start_site(machine, self, [
            lambda port: self.server(machine, port, options, **env),
        ] + workers * [lambda port: self.manage(machine, 'runworker', **env)], [redis])

    def start_inside(self, machine):
        """Server and worker threads in one process, in-memory layer: what runserver is, without its printing."""
        return start_site(machine, self, [lambda port: machine.program(
            self.name + ' inside', [self.environment(machine).python, 'inside.py', str(port)], cwd=self.folder,
            env=self.site_environment(BENCH_LAYER='memory'),
        )])

    def start_tasks(self, machine):
        """A Redis, and a worker."""
        redis = machine.redis()
        worker = self.manage(machine, 'runworker', BENCH_LAYER='redis', BENCH_REDIS=redis.url)
        return Stack([worker], [redis])

    def jobs_environment(self, redis):
        return self.site_environment(BENCH_LAYER='jobs', BENCH_REDIS=redis.url)

    def start_jobs_worker(self, machine, redis, threads, variant=''):
        """Start one worker process."""
        return self.manage(
            machine, 'runworker', '--threads', str(threads), BENCH_LAYER='jobs', BENCH_REDIS=redis.url,
        )

    def numbered_worker(self, folder, threads):
        return [folder / 'python', '-m', 'django', 'runworker', '--threads', threads]

    def numbered_environment(self, config):
        return self.site_environment(BENCH_LAYER='numbered', BENCH_CONFIG=json.dumps(config), BENCH_REDIS='')

    def server(self, machine, port, options=(), **env):
        """Start the interface server."""
        name = 'interface-server'
        if self.python in ('2.7', '3.6'):
            # Which would write an access log.
            name, options = 'daphne', ('-v', '0') + tuple(options)
        return machine.program(
            '%s %s' % (self.name, name),
            [self.script(machine, name), '-b', '127.0.0.1', '-p', port, *options, 'bench_asgi:channel_layer'],
            cwd=self.folder, env=self.site_environment(**env),
        )


SERVER = (('backport', ('redis',)), ('interface_server', ('fast',)))
#: The revision that later ones are held against, in the same run.
BASELINE = '5f2161c'

PEERS = [
    Ours(
        name='ours' if python == '3.11' else 'ours-py' + python, python=python,
        title='this project, Python %s, Django 5.2' % python,
        requirements=('Django==5.2.19', 'redis==8.1.0', 'hiredis==3.5.0'), wheels=SERVER,
        folder=FOLDER / 'ours', adapter='adapter.py',
    ) for python in ('3.11', '3.13')
] + [
    Ours(
        name='ours-py' + python, python=python,
        title='this project behind daphne 1.4.2, Python %s, Django 1.11' % python,
        requirements=('Django==1.11.29', 'daphne==1.4.2', 'twisted[http2,tls]', 'hiredis'),
        wheels=(('backport', ('redis',)),), folder=FOLDER / 'ours', adapter='adapter.py',
    ) for python in ('3.6', '2.7')
]

# The same at an earlier revision: what a change costs, or spares.
PEERS.append(Ours(
    name='baseline', title='this project at %s, Python 3.11, Django 5.2' % BASELINE, python='3.11',
    requirements=PEERS[0].requirements,
    wheels=tuple(('%s@%s' % (wheel, BASELINE), extras) for wheel, extras in SERVER),
    folder=FOLDER / 'ours', adapter='adapter.py',
))

# The patch set against the backport, on the Django that it is for.
ERA_SERVER = ('daphne==1.4.2', 'twisted[http2,tls]', 'hiredis')
PEERS += [
    Ours(
        name='native', title='Django 1.10.8 with the patch set, Python 3.6, daphne 1.4.2', python='3.6',
        requirements=ERA_SERVER + ('redis', 'msgpack', 'pytz'), wheels=(('patched_django', ()),),
        folder=FOLDER / 'ours', adapter='adapter.py', app='django.channels',
    ),
    Ours(
        name='backport', title='stock Django 1.10.8 with the backport, Python 3.6, daphne 1.4.2', python='3.6',
        requirements=ERA_SERVER + ('Django==1.10.8', 'pytz'), wheels=(('backport', ('redis',)),),
        folder=FOLDER / 'ours', adapter='adapter.py',
    ),
]
