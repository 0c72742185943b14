"""What a peer is."""
import dataclasses
import pathlib
from typing import Optional

FOLDER = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Peer:
    """
    Something to measure: an environment, and what can be started in it.

    `adapter` is the module of its folder that drives its layer, for
    programs/layer.py. Subclasses have a method start_<kind>(machine) for each
    kind of Stack that they can be.
    """
    name: str
    title: str
    python: str
    requirements: tuple
    #: (name of one of our wheels, extras) each.
    wheels: tuple = ()
    folder: Optional[pathlib.Path] = None
    adapter: Optional[str] = None
    #: The environment, if another peer's is the same.
    environment_name: Optional[str] = None

    def environment(self, machine):
        """Return the Environment, made if need be."""
        return machine.environment(self.environment_name or self.name, self.python, self.requirements, self.wheels)

    def start(self, kind, machine):
        """Return a new Stack of that kind, which may say more: 'site, workers=4'."""
        name, _, options = kind.partition(', ')
        method = getattr(self, 'start_' + name, None)
        if method is None:
            raise ValueError('%s has no stack of the kind %r.' % (self.name, kind))
        return method(machine, **{
            option: int(value) for option, value in (pair.split('=') for pair in options.split(', ') if pair)
        })

    def script(self, machine, name):
        """Return the path of a command of the environment."""
        return self.environment(machine).folder / 'bin' / name

    def site_environment(self, **extra):
        """Return the environment variables with which the peer's site is found: its folder, then the shared one."""
        return dict({
            'PYTHONPATH': '%s:%s' % (self.folder, FOLDER / 'site'), 'DJANGO_SETTINGS_MODULE': 'bench_settings',
            'PYTHONDONTWRITEBYTECODE': '1',
        }, **{name: str(value) for name, value in extra.items()})

    def jobs_environment(self, redis):
        """Return the environment variables of programs that enqueue and do jobs over that RedisServer."""
        return self.site_environment(BENCH_REDIS=redis.url)

    def start_jobs_worker(self, machine, redis, threads, variant=''):
        """Start a worker process of so many threads that acknowledges jobs when they are done; return its Program."""
        raise NotImplementedError('%s does no jobs.' % self.name)

    def numbered_worker(self, folder, threads):
        """Return the command that starts a worker of numbered jobs; `folder` has its environment's commands."""
        raise NotImplementedError('%s does no numbered jobs.' % self.name)

    def numbered_environment(self, config):
        """Return the environment variables for numbered jobs; `config` is that of a layer of ours."""
        return self.site_environment(BENCH_REDIS=config['hosts'][0])

    def manage(self, machine, *arguments, talks=False, **env):
        """Start a management command of the site."""
        return machine.program(
            '%s %s' % (self.name, arguments[0]), [self.environment(machine).python, '-m', 'django'] + list(arguments),
            cwd=self.folder, env=self.site_environment(**env), talks=talks,
        )
