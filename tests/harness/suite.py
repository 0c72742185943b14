"""Django's whole own test suite, patched against unpatched: rows of their own."""
import re

from .packages import CHECKOUT
from .pairs import DJANGO_RELEASES
from .process import StepFailed, check
from .results import Result

#: The Pythons of the era, on which both sides must give the same.
PYTHONS = ('2.7', '3.6')

#: What Django's runner itself needs. More packages would mean more tests, and
#: failures of Django's own with releases that it never knew.
REQUIREMENTS = {'2.7': ['mock==3.0.5', 'enum34', 'tblib'], '3.6': ['tblib']}

#: Seconds for two runs of the suite, on a slow machine.
TIMEOUT = 3600


class SuiteRun:
    """Compares the two suites on one Python, by the command that django_patch/ has for it."""

    def __init__(self, bench, python):
        self.bench = bench
        self.series = python
        self.name = 'py%s-suite' % python
        self.python = bench.interpreters[python].version

    def run(self):
        """Return the Result: one test that passed when both sides are equal."""
        reporter = self.bench.reporter
        log = self.bench.cache.logs / self.name / 'suite.log'
        reporter.progress(self.name, "Django's own suite, unpatched and patched ...")
        try:
            with self.bench.cache.lock(self.name):
                self.compare(log)
        except StepFailed as error:
            reporter.progress(self.name, 'FAILED')
            reporter.failure(self.name, str(error), error.log)
            return Result(problem=str(error), log=log)
        result = Result(passed=1, note=summary(log.read_text(encoding='utf-8', errors='replace')))
        reporter.progress(self.name, 'done: ' + result.note)
        return result

    def compare(self, log):
        """Run both sides, each on all processors, and raise StepFailed unless they are equal."""
        packages = self.bench.packages
        release = DJANGO_RELEASES['1.10']
        environment = self.bench.environments.make(self.name, self.series, REQUIREMENTS[self.series], log)
        builder = packages.builder(log)
        check(
            [builder.python, CHECKOUT / 'django_patch' / 'compare_suites.py', '--python', environment.python,
             packages.sdist(release, builder, log)],
            log, "Comparing Django %s's own suite, unpatched and patched" % release, timeout=TIMEOUT,
        )


def summary(text):
    """Return in one line what the comparing command reported at length."""
    counts = re.search(r'^tests +(\d+) +(\d+)', text, re.M)
    return '%s tests on each side, the same %d fail on both' % (
        counts.group(1) if counts else '?', len(re.findall(r'^on both: ', text, re.M)),
    )
