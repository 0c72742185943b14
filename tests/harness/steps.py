"""
The steps of one pair: environment, our tests inside Django's own harness, then
system, backport_tests, and the interface server's own tests.
"""
import shutil
import time

from . import node, process, requirements
from .environments import Base, Environment, Wheel
from .labels import FOLDERS, JOINT_MODULES
from .packages import CHECKOUT
from .pairs import ERA_PYTHONS, SYSTEM_IN_PART, once, system
from .programs import Programs
from .results import Result


class PairRun(Programs):
    """Runs the steps of one pair; each step's output goes to a log of its own."""

    def __init__(self, bench, pair):
        self.bench = bench
        self.pair = pair
        self.name = str(pair)
        self.logs = bench.cache.logs / self.name
        self.environment: Environment
        self.python = bench.interpreters[pair.python].version
        self.once = once(bench.interpreters)

    @property
    def env(self):
        """What the tests find in the environment, beside the caller's."""
        env = {
            'PYTHONDONTWRITEBYTECODE': '1',
            'CHANNELS_BACKPORT_WHEEL': str(self.bench.wheels['backport']),
            'CHANNELS_SDISTS': str(self.bench.cache.sdists),
            'CHANNELS_VECTORS': str(CHECKOUT / 'docs' / 'standards' / 'vectors'),
        }
        if self.bench.options.long:
            env['CHANNELS_LONG_TESTS'] = '1'
        return env

    def has_work(self):
        """Whether the labels leave this pair anything to test."""
        return self.work() > 1

    def work(self):
        """Return the number of steps, a rough measure of the time that the pair takes."""
        return len(list(self.steps()))

    def run(self):
        """Run all steps and return the sum of their Results. Never raises for a failing step."""
        total = Result()
        with self.bench.cache.lock(self.name, self._waiting):
            for name, step in self.steps():
                result = self.timed(name, step)
                total += result
                if name == 'environment' and not result.ok:
                    break
            if not self.bench.options.keep:
                shutil.rmtree(self.bench.cache.scratch / self.name, ignore_errors=True)
        if total.ok and not total.passed and not total.skipped:
            total.problem = 'no test ran'
        return total

    def steps(self):
        """Yield (name, function) for each step of this pair that the labels ask for."""
        pair, labels = self.pair, self.bench.labels
        yield 'environment', self.prepare
        if labels.of('channels_tests'):
            yield 'channels_tests', self.channels_tests
            if pair == self.once:
                # As it will be when the deprecation of the wsgi.* keys ends.
                yield 'channels_tests without emulation', self.without_emulation
        if self.system_paths():
            yield 'system', self.system
        if pair.patched and (labels.of('channels_tests') or labels.of('backport_tests')):
            yield 'backport beside', self.add_backport
            if labels.of('channels_tests'):
                yield 'channels_tests beside backport', self.channels_tests_again
        if labels.of('backport_tests'):
            yield 'backport_tests', self.backport_tests
        if pair in requirements.FAMILY_PAIRS and labels.of('family'):
            yield 'family', self.family
        # Of Django its tests use the layers alone, which channels_tests has on each pair.
        if pair.has_interface_server and pair in self.bench.once_for_python and labels.of('interface_server'):
            yield 'interface_server', self.interface_server

    def timed(self, name, step):
        """Run one step with progress lines around it; turn StepFailed into a Result."""
        reporter = self.bench.reporter
        log = self.logs / (name.replace(' ', '-') + '.log')
        reporter.progress(self.name, name + ' ...')
        started, used = time.monotonic(), process.processor_seconds()
        try:
            result = step(log) or Result()
        except process.StepFailed as error:
            result = Result(problem=str(error), log=error.log)
        seconds, used = time.monotonic() - started, process.processor_seconds() - used
        if result.problem:
            result.problem = '%s: %s' % (name, result.problem)
        told = '' if name in ('environment', 'backport beside') and result.ok else ': %s' % result
        reporter.progress(self.name, '%s %s in %.0f s (%.0f of a processor)%s' % (
            name, 'done' if result.ok else 'FAILED', seconds, used, told))
        if not result.ok:
            reporter.failure(self.name, name, result.log or log)
        return result

    def _waiting(self):
        self.bench.reporter.progress(self.name, 'waits for another run that uses its environment')

    # The steps

    def prepare(self, log):
        """Make the environment, or find it made, with Django and our wheels."""
        pair, bench = self.pair, self.bench
        wheels = [Wheel(bench.wheel('patched Django'))] if pair.patched else self.our_wheels(pair)
        common = self.common_requirements(pair)
        wanted = common + requirements.own_requirements(pair)
        if pair == self.once and pair.has_interface_server:
            wanted += requirements.SERVER_SUITES
        alike = [other for other in bench.pairs if other.python == pair.python and
                 self.common_requirements(other) == common]
        # An environment that no other row is made from is made at once.
        base = Base('base-%s' % (alike[0],), common) if len(alike) > 1 and pair in alike else None
        self.environment = bench.environments.make(str(pair), pair.python, wanted, log, wheels, base)

    def our_wheels(self, pair):
        """Return the Wheels of ours that go with a Pair whose Django isn't patched."""
        wheels = [Wheel(self.bench.wheel('backport'), requirements.backport_extras(pair))]
        if pair.has_interface_server:
            wheels.append(Wheel(self.bench.wheel('interface_server')))
        return wheels

    def common_requirements(self, pair):
        """
        Return what is installed for a Pair but for Django, our wheels and what
        no other pair has. What they depend on is part of it, also for a
        patched Django, which has no distribution to bring that.
        """
        brought = [line for wheel in self.our_wheels(pair) for line in wheel.dependencies()]
        return requirements.common_requirements(pair) + [
            line for line in brought if not line.lower().startswith(('django', 'channels'))
        ]

    def add_backport(self, log):
        """Install the backport beside a patched Django."""
        wheels = [Wheel(self.bench.wheel(name)) for name in ('patched Django', 'backport')]
        self.bench.environments.install_wheels(self.environment, wheels, log)

    def without_emulation(self, log):
        """Run our tests with the setting that takes the wsgi.* keys out of request.META."""
        return self.channels_tests_again(log, CHANNELS_TESTS_WITHOUT_EMULATION='1')

    def channels_tests(self, log):
        """
        Run our tests; those of the Redis layer on one pair of each Python, a
        patched one if there is one. It imports nothing of Django but six, and
        keeps on each pair the contract that test_layers_contract.py has for
        all layers.
        """
        patched = any(pair.patched and pair.python == self.pair.python for pair in self.bench.pairs)
        if self.pair.patched or not patched and self.pair in self.bench.once_for_python:
            return self.djangos_runtests(log, self.bench.labels.of('channels_tests'))
        return self.channels_tests_again(log)

    def channels_tests_again(self, log, **env):
        """Run them with something changed around them, which isn't seen by the Redis layer: without its tests."""
        labels = self.bench.labels.of('channels_tests')
        if labels == ['channels_tests']:
            modules = sorted(path.stem for path in FOLDERS['channels_tests'].glob('test_*.py'))
            labels = ['channels_tests.' + name for name in modules if not name.startswith('test_layers_redis')]
        return self.djangos_runtests(log, labels, **env)

    def folder(self, name):
        """Return the step that runs pytest on one of FOLDERS."""
        return lambda log: self.pytest(self.bench.labels.paths(name), log)

    def backport_tests(self, log):
        """Run the tests of the import hook; what Python, pip and setuptools do alone, on one pair of each Python."""
        in_full = self.pair in self.bench.once_for_python and self.pair.python not in self.bench.between
        chosen = [] if in_full else ['-m', 'not once_for_python']
        return self.pytest(chosen + self.bench.labels.paths('backport_tests'), log)

    def family(self, log):
        """Compare with the real Channels 1.1.8, and run the tests of packages that were made for it."""
        name = 'py%s-channels1' % self.pair.python
        with self.bench.cache.lock(name):
            theirs = self.bench.environments.make(
                name, self.pair.python, requirements.family_requirements(self.pair), log)
            packages = self.family_packages(theirs, name + '-packages', log)
        return self.pytest(
            self.bench.labels.paths('family'), log, CHANNELS_FAMILY_PYTHON=str(theirs.python),
            CHANNELS_FAMILY_PACKAGES=str(packages),
        )

    def family_packages(self, environment, name, log):
        """Return a folder with the packages that were made for Channels 1.x, installed again if others are wanted."""
        wanted = requirements.FAMILY_PACKAGES + requirements.FAMILY_NEEDS
        packages = self.bench.cache.environments / name
        stamp = packages / 'runtests-stamp'
        if not stamp.is_file() or stamp.read_text() != '\n'.join(wanted):
            fetched = packages.with_name(name + '-new')
            for folder in (packages, fetched):
                shutil.rmtree(folder, ignore_errors=True)
            environment.pip(['install', '-q', '--no-deps', '--target', str(fetched)] + wanted, log,
                            'Installing packages for Channels 1.x')
            (fetched / stamp.name).write_text('\n'.join(wanted))
            fetched.rename(packages)
        return packages

    def interface_server(self, log):
        """Run the interface server's own tests; one pair runs the suites that the Python makes no difference to."""
        env = {}
        if self.pair == self.once:
            env['CHANNELS_WSTEST'] = self.autobahn(log)
        chosen = ['-m', 'not outer_pythons'] if self.pair.python in self.bench.between else []
        return self.pytest(chosen + self.bench.labels.paths('interface_server'), log, **env)

    def autobahn(self, log):
        """Return the path of the Autobahn test suite's program; '' where it can't be had, which its test reports."""
        if '2.7' not in self.bench.interpreters:
            return ''
        try:
            with self.bench.cache.lock('autobahn'):
                made = self.bench.environments.make('autobahn', '2.7', requirements.AUTOBAHN, log)
        except process.StepFailed:
            return ''
        return str(made.folder / 'bin' / 'wstest')

    def system(self, log):
        """
        Run the system tests against this pair. Their own process is a Python
        of today with clients and a browser's driver; what they start runs on
        the Python of the pair.
        """
        ignored = ['--ignore=%s' % (FOLDERS['system'] / module) for module in JOINT_MODULES]
        env = {'CHANNELS_SYSTEM_PAIR': str(self.pair), 'CHANNELS_SYSTEM_PYTHON': str(self.environment.python)}
        modules = node.modules(self.bench.cache, log)
        if modules is not None:
            env['CHANNELS_NODE_MODULES'] = str(modules)
        chosen = ignored + self.system_marks() + self.system_paths()
        return self.pytest(chosen, log, driver(self.bench, log).python, **env)

    def system_paths(self):
        """Return the system tests of this pair that the labels ask for, as pytest understands them."""
        labels = self.bench.labels
        if self.pair in system(self.bench.interpreters):
            return labels.paths('system')
        return [path for module in SYSTEM_IN_PART.get(self.pair, ()) for path in labels.system_module(module)]

    def system_marks(self):
        """Return the options that leave out what another pair of the run tests for this one."""
        alone = self.pair == self.once or self.once not in self.bench.pairs
        if alone or self.pair in SYSTEM_IN_PART or self.bench.options.all:
            return []
        # Of the era's Pythons the first, whose text is bytes, differs most.
        left = 'not once' if self.pair.python == ERA_PYTHONS[0] else 'not once and not both_eras'
        return ['-m', left]


def driver_python(bench):
    """Return the Python 'X.Y' of what needs no Django: the system tests' own process, and the tests of sources."""
    return next(v for v in ('3.11', '3.12', '3.13', '3.10', '3.9', '3.14', '3.15') if v in bench.interpreters)


def driver(bench, log):
    """Return the Environment of what needs no Django."""
    with bench.cache.lock('driver'):
        return bench.environments.make('driver', driver_python(bench), requirements.driver_requirements(), log)
