"""
The machine on which is measured: environments, Redis servers, what is running.
"""
import atexit
import contextlib
import importlib.util
import io
import shutil
import subprocess
import tarfile
import time

from harness import interpreters, process
from harness.cache import Cache, digest
from harness.environments import Environments, Wheel
from harness.packages import BACKPORT_PARTS, Packages

from . import CHECKOUT
from .programs import Program, stop_all


def _redis_server_module():
    # It is one of Django's test modules by its place; its package needs Django.
    path = CHECKOUT / 'tests' / 'channels_tests' / 'redis_server.py'
    spec = importlib.util.spec_from_file_location('redis_server', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


redis_server = _redis_server_module()


#: Our wheels, by the names that Packages knows them by: what of the checkout they are built from.
WHEELS = {
    'backport': BACKPORT_PARTS,
    'interface_server': ('interface_server',),
    'patched_django': ('django_patch', 'compat'),
}


class Unavailable(Exception):
    """Raised when a peer can't be measured on this machine; says why."""


class Machine:
    """Makes what a measurement needs, once, and ends all of it in close()."""

    def __init__(self, cache_folder, reporter, quick=False, scheduled=100000, steady=600):
        self.reporter = reporter
        self.quick = quick
        self.scheduled = scheduled
        self.steady = steady
        self.interpreters = interpreters.find()
        self.cache = Cache(cache_folder)
        self.cache.prepare()
        self.environments = Environments(self.cache, self.interpreters)
        self.packages = Packages(self.cache, self.environments)
        self._wheels = {}
        self._made = {}
        self._stacks = {}
        self._logs = 0
        atexit.register(self.close)

    # Environments

    def wheel(self, name):
        """
        Return the path of one of our wheels, a key of WHEELS.

        It is built when its sources have changed since it was built last.
        `backport@5f2161c` is the wheel as that revision of the repository
        has it; the patched Django is built from the checkout alone.
        """
        if name not in self._wheels:
            try:
                self._wheels[name] = self._build(name)
            except Unavailable as error:
                self._wheels[name] = error
            except (process.StepFailed, StopIteration) as error:
                self._wheels[name] = Unavailable('The wheel %s could not be built: %s' % (name, error))
        if isinstance(self._wheels[name], Unavailable):
            raise self._wheels[name]
        return self._wheels[name]

    def _build(self, name):
        name, _, revision = name.partition('@')
        if revision:
            return self._build_revision(name, revision)
        sources = [
            path for part in WHEELS[name] for path in sorted((CHECKOUT / part).rglob('*'))
            if path.is_file() and '__pycache__' not in path.parts and path.suffix != '.pyc'
        ] + [CHECKOUT / part for part in WHEELS[name] if (CHECKOUT / part).is_file()]
        folder = self.cache.wheels / ('%s-%s' % (name, digest(*sources)))
        built = list(folder.glob('*.whl'))
        if built:
            return built[0]
        self.reporter.progress('wheels', name + ' ...')
        wheel = getattr(self.packages, name)()
        for old in self.cache.wheels.glob(name + '-*'):
            shutil.rmtree(old)
        folder.mkdir()
        return shutil.copy2(wheel, folder / wheel.name)

    def _build_revision(self, name, revision):
        folder = self.cache.wheels / ('%s@%s' % (name, revision))
        built = list(folder.glob('*.whl'))
        if built:
            return built[0]
        self.reporter.progress('wheels', '%s at %s ...' % (name, revision))
        tree = self.cache.scratch / ('revision-%s' % revision)
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        archive = subprocess.run(
            ['git', '-C', CHECKOUT, 'archive', revision], capture_output=True, check=False,
        )
        if archive.returncode:
            raise Unavailable('git has no revision %s here (a shallow clone?): %s' % (
                revision, archive.stderr.decode('utf-8', 'replace').strip()))
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as members:
            # Python 3.12 warns when the choice is left to it.
            members.extractall(tree, **({'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}))
        source = tree / 'interface_server' if name == 'interface_server' else tree
        wheel = self.packages.build_wheel(
            '%s-%s' % (name, revision), source, None if name == 'interface_server' else BACKPORT_PARTS,
        )
        shutil.rmtree(tree)
        folder.mkdir(parents=True)
        return shutil.copy2(wheel, folder / wheel.name)

    def environment(self, name, python, requirements, wheels=()):
        """
        Return the Environment called `name` on Python `python` ('X.Y').

        `wheels` has (name for wheel(), extras). Raise Unavailable if it can't
        be made; the second time without trying again.
        """
        if name not in self._made:
            log = self.cache.logs / ('environment-%s.log' % name)
            try:
                if python not in self.interpreters:
                    raise Unavailable('Python %s was not found on this machine' % python)
                built = [Wheel(self.wheel(wheel), extras) for wheel, extras in wheels]
                self.reporter.progress(name, 'environment ...')
                with self.cache.lock(name):
                    self._made[name] = self.environments.make(name, python, requirements, log, built)
            except process.StepFailed as error:
                self._made[name] = Unavailable('%s: %s (log: %s)' % (name, error, error.log))
            except Unavailable as error:
                self._made[name] = error
        if isinstance(self._made[name], Unavailable):
            raise self._made[name]
        return self._made[name]

    # Programs

    def log(self, name):
        """Return the path of a new log file."""
        self._logs += 1
        return self.cache.logs / ('%03d-%s.log' % (self._logs, name.replace(' ', '-').replace('/', '-')))

    def program(self, name, command, cwd=None, env=None, talks=False):
        """Start a Program; its log has the name."""
        return Program(name, command, self.log(name), cwd, env, talks)

    def redis(self, options=()):
        """Start and return a Redis server of its own."""
        try:
            return redis_server.RedisServer(options=options).start()
        except redis_server.RedisServerError as error:
            raise Unavailable(str(error)) from None

    @contextlib.contextmanager
    def redises(self, number=1):
        """Start `number` Redis servers for the block."""
        servers = []
        try:
            for _ in range(number):
                servers.append(self.redis())
            yield servers
        finally:
            for server in servers:
                server.stop()

    @contextlib.contextmanager
    def programs(self):
        """Give the block a list; the Programs that it puts there are stopped at its end."""
        started = []
        try:
            yield started
        finally:
            stop_all(started)

    # Stacks

    def stack(self, peer, kind='site', fresh=False):
        """
        Return the running Stack of `peer`, started by its start().

        It is kept, paused, for the next workload, unless `fresh` asks for one
        that has done nothing yet.
        """
        key = (peer.name, kind)
        if fresh or key in self._stacks and any(p.process.poll() is not None for p in self._stacks[key].programs):
            self.drop_stack(peer, kind)
        if key not in self._stacks:
            self._stacks[key] = peer.start(kind, self)
            # What a start leaves to do is done by then.
            time.sleep(0.5)
        stack = self._stacks[key]
        stack.resume()
        return stack

    @contextlib.contextmanager
    def serving(self, peer, kind='site', fresh=False):
        """Give the block the Stack of stack(); pause it afterwards, or drop it after an error."""
        stack = self.stack(peer, kind, fresh)
        try:
            yield stack
            stack.check()
        except BaseException:
            self.drop_stack(peer, kind)
            raise
        stack.pause()

    def drop_stack(self, peer, kind='site'):
        """Stop the Stack, if there is one."""
        stack = self._stacks.pop((peer.name, kind), None)
        if stack is not None:
            stack.stop()

    def drop_stacks(self, keep=()):
        """Stop all Stacks but those of (peer's name, kind) in `keep`."""
        for key in list(self._stacks):
            if key not in keep:
                self._stacks.pop(key).stop()

    def close(self):
        """End everything that was started."""
        self.drop_stacks()
        stop_all(list(Program.running))
