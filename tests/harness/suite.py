"""
Django's whole own test suite, patched against unpatched: rows of their own.

What the unpatched one comes to is known from failing_tests.txt; with --long
both run whole, which proves the list. Else the unpatched tree runs what fails,
and a newer Python, beside those of the era, what the patches touch.
"""
import re

from .environments import Wheel
from .packages import CHECKOUT
from .pairs import DJANGO_RELEASES, ERA_PYTHONS
from .process import NICE, StepFailed, check, processor_seconds
from .results import Result

PATCH_SET = CHECKOUT / 'django_patch'

#: Beside the Pythons of the era: newer ones, on which this Django needs the
#: shims of compat/old_django.py. failing_tests.txt knows these.
NEWER_PYTHONS = ('3.11', '3.13')

#: What the patches touch, and what its shims do on a newer Python: the modules that run there, on both trees, when
#: the whole suite runs on the Pythons of the era.
TOUCHED = (
    'app_loading', 'apps', 'builtin_server', 'check_framework', 'deprecation', 'files', 'file_uploads', 'forms_tests',
    'handlers', 'httpwrappers', 'logging_tests', 'mail', 'requests', 'servers', 'settings_tests', 'signals',
    'staticfiles_tests', 'template_backends', 'template_loader', 'template_tests', 'test_client',
    'test_client_regress', 'test_utils', 'user_commands', 'utils_tests', 'wsgi',
)

#: What Django's runner itself needs. More packages would mean more tests, and
#: failures of Django's own with releases that it never knew.
REQUIREMENTS = {
    '2.7': ['mock==3.0.5', 'enum34', 'tblib'], '3.6': ['tblib'], '3.11': ['tblib'], '3.13': ['tblib'],
}

#: Seconds for two runs of the suite, on a slow machine that has other work.
TIMEOUT = 5400


def chosen_pythons(found, everything):
    """
    Return the Pythons 'X.Y' to run the suites on, on a machine with the ones
    found: the era's, and of the newer ones the first, or all of them.
    """
    newer = tuple(python for python in NEWER_PYTHONS if python in found)
    return ERA_PYTHONS + (NEWER_PYTHONS if everything else newer[:1])


class SuiteRun:
    """Compares the two suites on one Python, by the command that django_patch/ has for it."""

    def __init__(self, bench, python):
        self.bench = bench
        self.series = python
        self.name = 'py%s-suite' % python
        self.python = bench.interpreters[python].version

    def run(self):
        """Return the Result: one test that passed when both sides are equal, and as listed."""
        reporter = self.bench.reporter
        log = self.bench.cache.logs / self.name / 'suite.log'
        used = processor_seconds()
        reporter.progress(self.name, "Django's own suite, unpatched and patched ...")
        try:
            with self.bench.cache.lock(self.name):
                self.compare(log)
        except StepFailed as error:
            reporter.progress(self.name, 'FAILED')
            reporter.failure(self.name, str(error), error.log)
            return Result(problem=str(error), log=log)
        result = Result(passed=1, note=summary(log.read_text(encoding='utf-8', errors='replace')))
        reporter.progress(self.name, 'done (%.0f s of a processor): %s' % (processor_seconds() - used, result.note))
        return result

    def compare(self, log):
        """Run both sides, beside other rows and behind them, and raise StepFailed unless they are equal."""
        packages = self.bench.packages
        release = DJANGO_RELEASES['1.10']
        requirements = REQUIREMENTS[self.series]
        environment = self.bench.environments.make(self.name, self.series, requirements, log)
        unpatched = environment
        if self.series not in ERA_PYTHONS:
            # The unpatched tree gets its shims from the start-up hook of the backport,
            # which needs a Django beside it; the tests import the tree's.
            unpatched = self.bench.environments.make(
                self.name + '-unpatched', self.series, requirements + ['Django==' + release], log,
                [Wheel(self.bench.wheel('backport'))],
            )
        builder = packages.builder(log)
        command = NICE + [builder.python, PATCH_SET / 'compare_suites.py', '--parallel', '1']
        command += ['--python', environment.python, '--unpatched-python', unpatched.python]
        check(
            command + self.extent() + [packages.sdist(release, log)] + self.labels(),
            log, "Comparing Django %s's own suite, unpatched and patched" % release, timeout=TIMEOUT,
        )

    def labels(self):
        """Return the labels of Django's tests to run on both trees, none for the whole suite."""
        options = self.bench.options
        others = set(ERA_PYTHONS).intersection(self.bench.interpreters)
        whole = self.series in ERA_PYTHONS or options.long or options.all or not others
        return [] if whole else list(TOUCHED)

    def extent(self):
        """Return the options that say with what a whole suite is compared."""
        if self.labels():
            return []
        listed = ['--expected', PATCH_SET / 'failing_tests.txt']
        return listed if self.bench.options.long else ['--only-failing'] + listed


def summary(text):
    """Return in one line what the comparing command reported at length."""
    counts = re.search(r'^tests +(\d+) +(\d+)', text, re.M)
    return '%s tests on each side, the same %d fail on both' % (
        counts.group(1) if counts else '?', len(re.findall(r'^on both: ', text, re.M)),
    )
