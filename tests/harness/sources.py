"""The row of the tests that look at sources, and at what is made of them; no pair makes a difference to these."""
import shutil

from .pairs import PATCH, PATCHABLE_RELEASES, Pair, once
from .results import Result
from .steps import PairRun, driver, driver_python


class SourcesRun(PairRun):
    """tests/patch_tests and tests/runtests_tests, in the environment of the system tests' own process."""

    def __init__(self, bench):
        super().__init__(bench, Pair(*once(bench.interpreters)))
        self.name = 'sources'
        self.logs = bench.cache.logs / self.name
        self.python = bench.interpreters[driver_python(bench)].version

    @classmethod
    def is_wanted(cls, bench):
        """Return whether the row is part of a run: not if it was to be of some other pairs."""
        return once(bench.interpreters) in bench.pairs and any(
            bench.labels.of(folder) for folder in ('patch_tests', 'runtests_tests')
        )

    def steps(self):
        """Yield the steps, as PairRun does."""
        yield 'environment', self.prepare
        if self.bench.labels.of('patch_tests'):
            yield 'patch_tests', self.patch_tests
        if self.bench.labels.of('runtests_tests'):
            yield 'runtests_tests', self.folder('runtests_tests')

    def prepare(self, log):
        """Make the environment, or find it made."""
        self.environment = driver(self.bench, log)

    def patch_tests(self, log):
        """Run the tests of the patch set; they find Django's sources in the folder $CHANNELS_SDISTS."""
        if not (shutil.which(PATCH) or self.bench.options.require_pairs):
            return Result(skipped=1, reasons=['patch_tests: no program "%s" on this machine' % PATCH])
        for release in PATCHABLE_RELEASES:
            self.bench.packages.sdist(release, log)
        return self.pytest(self.bench.labels.paths('patch_tests'), log)
