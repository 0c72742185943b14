"""What is made of Django's own tests through channels and under WSGI."""
import pathlib
import tempfile
import unittest

from harness import results, through_channels

LOG = """\
======================================================================
FAIL: test_a (view_tests.tests.ATests)
----------------------------------------------------------------------
======================================================================
ERROR: test_b (view_tests.tests.BTests.test_b)
----------------------------------------------------------------------
======================================================================
FAIL: test_c (view_tests.tests.CTests.test_c) [some subtest]
----------------------------------------------------------------------
"""


class ThroughChannelsTests(unittest.TestCase):

    def judge(self, failed, failed_under_wsgi=()):
        run = object.__new__(through_channels.ThroughChannelsRun)
        run.failed_under_wsgi = {test: test in failed_under_wsgi for test in failed}
        return run.judge('channels', results.Result(passed=9, failed=len(failed)), set(failed))

    def test_names_are_those_of_old_and_of_new_pythons(self):
        self.assertEqual(through_channels.failed_tests(LOG), {
            'view_tests.tests.ATests.test_a', 'view_tests.tests.BTests.test_b', 'view_tests.tests.CTests.test_c',
        })

    def test_what_fails_under_wsgi_as_well_does_not_count(self):
        result = self.judge(['x.T.test'], ['x.T.test'])
        self.assertEqual((result.ok, result.note), (True, 'channels: 0 exceptions, 1 fail under WSGI, too'))

    def test_what_fails_through_channels_only_counts(self):
        result = self.judge(['x.T.test'])
        self.assertEqual((result.failed, result.problem), (1, 'these fail through channels only: x.T.test'))

    def test_exceptions_are_told(self):
        result = self.judge(list(through_channels.EXCEPTIONS)[:2])
        self.assertEqual((result.ok, result.note), (True, 'channels: 2 exceptions, 0 fail under WSGI, too'))


class RunsAgainTests(unittest.TestCase):
    """What is run again under WSGI, and how often."""

    FAILED = '======================================================================\nFAIL: test_%s (x.T)\n'

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / 'channels.log'
        self.run_ = object.__new__(through_channels.ThroughChannelsRun)
        self.run_.failed_under_wsgi = {}
        self.run_.python = (3, 11, 7)
        self.run_.tests = self.log.parent
        self.run_.run_tests = self.run_tests
        self.calls = []

    def run_tests(self, mode, labels, log):
        self.calls.append((mode, labels))
        failed = ['new', 'old'] if mode != 'wsgi' else ['old']
        return 1, ''.join(self.FAILED % name for name in failed) + '\nRan 9 tests in 1s\n\nFAILED (failures=%d)\n' % (
            len(failed))

    def test_only_what_fails_runs_again_and_once(self):
        for mode in through_channels.MODES:
            result = self.run_.run_suite(mode, self.log)
            self.assertEqual(
                (result.passed, result.failed, result.problem),
                (7, 1, 'these fail through channels only: x.T.test_new'),
            )
        self.assertEqual(self.calls, [
            ('channels', []), ('wsgi', ['x.T.test_new', 'x.T.test_old']), ('channels-without-emulation', []),
        ])
