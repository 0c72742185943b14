"""What is made of Django's own tests under WSGI and through channels."""
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
        run.failed = {'wsgi': set(failed_under_wsgi), 'channels': set(failed)}
        return run.judge('channels', results.Result(passed=9, failed=len(failed)))

    def test_names_are_those_of_old_and_of_new_pythons(self):
        self.assertEqual(through_channels.failed_tests(LOG), {
            'view_tests.tests.ATests.test_a', 'view_tests.tests.BTests.test_b', 'view_tests.tests.CTests.test_c',
        })

    def test_what_fails_under_wsgi_as_well_does_not_count(self):
        self.assertTrue(self.judge(['x.T.test'], ['x.T.test']).ok)

    def test_what_fails_through_channels_only_counts(self):
        result = self.judge(['x.T.test'])
        self.assertEqual((result.failed, result.problem), (1, 'these fail through channels only: x.T.test'))

    def test_exceptions_are_told(self):
        result = self.judge(list(through_channels.EXCEPTIONS)[:2])
        self.assertEqual((result.ok, result.note), (True, 'channels: 2 exceptions'))
