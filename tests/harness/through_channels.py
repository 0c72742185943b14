"""Django's own tests of requests and responses, sent through channels: rows of their own."""
import re
import shutil

from . import process, results
from .packages import CHECKOUT
from .pairs import Pair
from .results import Result
from .steps import PairRun

PAIRS = (Pair('2.7', '1.8'), Pair('3.6', '1.10p'), Pair('3.6', '1.11'), Pair('3.13', '6.1'))

#: The modules that touch requests and responses. Not every Django has all.
LABELS = (
    'requests', 'requests_tests', 'handlers', 'httpwrappers', 'middleware', 'middleware_exceptions', 'test_client',
    'test_client_regress', 'sessions_tests', 'csrf_tests', 'file_uploads', 'view_tests', 'generic_views', 'auth_tests',
    'messages_tests', 'admin_views', 'staticfiles_tests', 'conditional_processing', 'cache', 'i18n',
    'urlpatterns_reverse',
)

#: Those that run without the emulation as well: the patched Django, from which it
#: goes first, and the newest. What reads the keys in the others is the same code.
WITHOUT_EMULATION = (Pair('3.6', '1.10p'), Pair('3.13', '6.1'))

#: How the tests run; see run_through_channels.py.
MODES = ('channels', 'channels-without-emulation')
#: How those run again that fail for no reason known here.
CONTROL = 'wsgi'

#: Tests that may fail through channels and not under WSGI -> why they do.
EXCEPTIONS = {
    'test_client.tests.ClientTest.test_response_attached_request':
        "It reads the wsgi.* keys of request.META. Reading one warns, which Django's runner makes an error; without "
        'the emulation there are none.',
    'view_tests.tests.test_static.StaticHelperTest.test_chunked':
        "It wants a file's first piece to have 4096 bytes. Files go out in pieces of 512 KiB.",
    'view_tests.tests.test_static.StaticTests.test_chunked':
        "It wants a file's first piece to have 4096 bytes. Files go out in pieces of 512 KiB.",
    'handlers.tests.HandlerRequestTests.test_async_streaming':
        'It wants the warning about an asynchronous stream when the test reads the response. The stream was read '
        'before, as a WSGI server does it, when it became messages.',
}

#: Seconds for one run.
TIMEOUT = 3600

_HEADING = re.compile(r'^={70}\n(?:FAIL|ERROR|UNEXPECTED SUCCESS): (\S+) \((\S+?)\)', re.M)


def failed_tests(text):
    """Return the dotted names of the tests that failed by the output of unittest (text)."""
    # From Python 3.11 on the name in parentheses has the method, too.
    return {where if where.endswith('.' + test) else where + '.' + test for test, where in _HEADING.findall(text)}


class ThroughChannelsRun(PairRun):
    """
    Runs LABELS on one pair in each of MODES.

    What fails there, and is none of the EXCEPTIONS, runs again under WSGI. If
    it fails there too, it does so for Django's own reasons.
    """

    def __init__(self, bench, pair):
        super().__init__(bench, pair)
        self.name = '%s-through' % str(pair)
        self.logs = bench.cache.logs / self.name
        #: Dotted name of a test that ran again -> whether it failed.
        self.failed_under_wsgi = {}

    def run(self):
        """Run all steps once the row of the pair, whose environment this uses, is done; return the Result."""
        with self.bench.cache.lock(str(self.pair)):
            return super().run()

    def steps(self):
        """Yield (name, function) for each step."""
        yield 'environment', self.prepare
        for mode in MODES if self.pair in WITHOUT_EMULATION else MODES[:1]:
            yield mode, lambda log, mode=mode: self.run_suite(mode, log)

    def prepare(self, log):
        """Find the pair's environment, and Django's tests beside the script that runs them."""
        pair_run = PairRun(self.bench, self.pair)
        pair_run.prepare(log)
        self.environment = pair_run.environment
        source = self.bench.packages.source(self.pair.release, log)
        self.tests = self.bench.cache.scratch / self.name / 'tests'
        shutil.rmtree(self.tests.parent, ignore_errors=True)
        shutil.copytree(source / 'tests', self.tests, symlinks=True)
        shutil.copy(CHECKOUT / 'tests' / 'harness' / 'run_through_channels.py', self.tests)

    def run_suite(self, mode, log):
        """Run all the tests in one mode; a step fails by what fails here only."""
        status, text = self.run_tests(mode, [label for label in LABELS if (self.tests / label).is_dir()], log)
        result = results.from_unittest(text, status, self.python)
        if result.problem:
            return result
        failed = failed_tests(text)
        suspects = sorted(failed - set(EXCEPTIONS) - set(self.failed_under_wsgi))
        if suspects:
            again = failed_tests(self.run_tests(CONTROL, suspects, log.with_name('%s-%s.log' % (mode, CONTROL)))[1])
            self.failed_under_wsgi.update((test, test in again) for test in suspects)
        return self.judge(mode, result, failed)

    def run_tests(self, mode, labels, log):
        """Run Django's tests with the labels in one mode; return the exit status, and the output (text)."""
        command = process.NICE + [self.environment.python, 'run_through_channels.py']
        command += ['--noinput', '--settings=test_sqlite']
        if self.pair.django_version >= (1, 9):
            command.append('--parallel=1')
        status = process.run(
            command + labels, log, cwd=self.tests, timeout=TIMEOUT, CHANNELS_TEST_MODE=mode,
            PYTHONDONTWRITEBYTECODE='1',
        )
        return status, log.read_text(encoding='utf-8', errors='replace')

    def judge(self, mode, result, failed):
        """Return the Result of a run in which the tests with the names in the set failed."""
        exceptions = failed & set(EXCEPTIONS)
        wrong = sorted(test for test in failed - exceptions if not self.failed_under_wsgi[test])
        return Result(
            result.passed, len(wrong), result.skipped,
            note='%s: %d exceptions, %d fail under WSGI, too' % (
                mode, len(exceptions), len(failed) - len(exceptions) - len(wrong)),
            problem='these fail through channels only: %s' % ', '.join(wrong) if wrong else None,
        )
