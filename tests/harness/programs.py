"""
The programs that run the tests of a step: Django's own runtests.py, and pytest.
"""
import pathlib
import shutil
from typing import Any

from . import process, results
from .environments import Environment
from .labels import FOLDERS
from .pairs import Pair

#: Seconds that one step may take before it is killed as hanging. With eight
#: processes to each processor half of the system tests took 900.
STEP_TIMEOUT = 2400

#: The same for the tests inside of Django's runner, which take two minutes on
#: a loaded machine. Python 3 then writes what each thread is doing.
PACKAGE_TIMEOUT = 900

#: Failing tests of a step that --rerun runs again. What breaks more is no
#: matter of chance.
MOST_RERUN = 10


class Programs:
    """The part of a PairRun that runs tests, and those that fail once more where --rerun asks for it."""
    bench: Any
    pair: Pair
    name: str
    logs: pathlib.Path
    environment: Environment
    python: tuple

    @property
    def env(self) -> dict:
        """What the tests find in the environment."""
        raise NotImplementedError

    def djangos_runtests(self, log, labels, **env):
        """Run the tests with the labels by the unedited runtests.py of this very Django."""
        source = self.bench.packages.source(self.pair.release, log)
        scratch = self.bench.cache.scratch / self.name
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(source / 'tests', scratch / 'tests', symlinks=True)
        shutil.copytree(
            FOLDERS['channels_tests'], scratch / 'tests' / 'channels_tests',
            ignore=shutil.ignore_patterns('__pycache__', '*.pyc'),
        )
        command = [self.environment.python, 'runtests.py', '--verbosity=2', '--noinput', '--settings=test_sqlite']
        if self.pair.django_version >= (1, 9):
            # Pairs run side by side already; 1.8 has no such option.
            command.append('--parallel=1')
        env = dict(self.env, CHANNELS_TESTS_TIMEOUT=str(PACKAGE_TIMEOUT), **env)

        def run(labels, log):
            # Python 2 has nothing to write: it is killed in the end.
            status = process.run(command + labels, log, cwd=scratch / 'tests', timeout=PACKAGE_TIMEOUT + 60, **env)
            return results.from_unittest(log.read_text(encoding='utf-8', errors='replace'), status, self.python)

        labels = [label.replace('/', '.') for label in labels]
        result = run(labels, log)
        return self.rerun(result, lambda log: run(result.failing or labels, log), log)

    def pytest(self, arguments, log, python=None, **env):
        """Run pytest with the arguments, from a folder where no source of ours lies, on python (else the pair's)."""
        command = [python or self.environment.python, '-m', 'pytest', '-rs', '-v']
        command += ['-o', 'cache_dir=%s' % log.with_suffix('.cache')]
        if python or self.python >= (3,):
            # Of one test: it says where it hangs, and goes on.
            command += ['-o', 'faulthandler_timeout=600']
        command += arguments

        def run(options, log):
            report = log.with_suffix('.xml')
            status = process.run(
                command + ['--junitxml=%s' % report] + options, log, cwd=self.logs, timeout=STEP_TIMEOUT,
                **dict(self.env, **env)
            )
            return results.from_junit(report, status)

        return self.rerun(run([], log), lambda log: run(['--last-failed'], log), log)

    def rerun(self, result, failing_tests, log):
        """
        Return the Result of a step, after a second run of its failing tests
        where --rerun asks for it; of all of them where the first run broke
        off. failing_tests: called with a log file, returns the Result of
        these tests alone.
        """
        if result.ok or not self.bench.options.rerun or len(result.failing) > MOST_RERUN:
            return result
        reporter = self.bench.reporter
        reporter.failure(self.name, log.stem, log, last=False)
        reporter.progress(self.name, 'runs again: %s' % ', '.join(result.failing or [result.problem]))
        return results.rerun(result, failing_tests(log.with_name(log.stem + '-again' + log.suffix)))
