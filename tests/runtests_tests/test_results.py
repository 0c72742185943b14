"""What the logs of unittest and the reports of pytest are counted as."""
import pathlib
import tempfile
import unittest

from harness import results, suite

RUN = """\
test_a (channels_tests.test_x.ATests) ... ok
test_b (channels_tests.test_x.ATests)
Says what it does. ... skipped 'needs a moon'
test_c (channels_tests.test_x.ATests) ... skipped "isn't there"
test_d (channels_tests.test_x.ATests) ... FAIL

----------------------------------------------------------------------
Ran 6 tests in 0.003s

FAILED (failures=1, skipped=2, expected failures=1)
"""


class UnittestTests(unittest.TestCase):

    def result(self, text, status, python=(3, 11, 7)):
        return results.from_unittest(text, status, python)

    def test_each_kind_is_counted(self):
        result = self.result(RUN, 1)
        self.assertEqual((result.passed, result.failed, result.skipped), (3, 1, 2))
        self.assertEqual(dict(result.reasons), {'needs a moon': 1, "isn't there": 1})
        self.assertFalse(result.ok)

    def test_an_unexpected_success_is_a_failure(self):
        result = self.result('Ran 2 tests in 0.1s\n\nFAILED (unexpected successes=1)\n', 1)
        self.assertEqual((result.passed, result.failed), (1, 1))

    def test_python_3_12_1_leaves_skips_out_of_the_number_that_ran(self):
        text = 'Ran 5 tests in 0.1s\n\nOK (skipped=2)\n'
        self.assertEqual(self.result(text, 0).passed, 3)
        self.assertEqual(self.result(text, 0, (3, 12, 1)).passed, 5)

    def test_no_test_is_a_problem(self):
        self.assertEqual(self.result('Ran 0 tests in 0.000s\n\nOK\n', 0).problem, 'no test ran')
        self.assertEqual(self.result('Ran 0 tests in 0.000s\n\nNO TESTS RAN\n', 5).problem, 'no test ran')

    def test_nothing_but_skips_is_a_problem(self):
        self.assertEqual(self.result('Ran 2 tests in 0.1s\n\nOK (skipped=2)\n', 0).problem, 'every test was skipped')

    def test_a_run_that_breaks_off_is_a_problem(self):
        self.assertEqual(self.result('Traceback (most recent call last):\n', 1).problem, 'the run broke off')

    def test_a_run_that_hangs_is_a_problem(self):
        self.assertEqual(self.result('Traceback ...', 'timeout').problem, 'ran out of time')

    def test_a_run_that_ended_early_names_the_test(self):
        text = 'test_a (channels_tests.test_x.ATests) ... ok\ntest_b (channels_tests.test_x.ATests) ... '
        self.assertEqual(self.result(text, 'timeout').problem,
                         'ran out of time in test_b (channels_tests.test_x.ATests)')
        self.assertEqual(self.result(text + 'Timeout (0:15:00)!\n', 1).problem,
                         'the run broke off in test_b (channels_tests.test_x.ATests)')

    def test_an_exit_status_that_contradicts_the_numbers_is_a_problem(self):
        self.assertEqual(self.result('Ran 2 tests in 0.1s\n\nOK\n', -11).problem, 'exit status -11')


class FailingTests(unittest.TestCase):
    """The names of what failed, by which it is run again."""

    def failing(self, *lines):
        text = '\n'.join(lines) + '\nRan 6 tests in 0.003s\n\nFAILED (failures=%d)\n' % len(lines)
        return results.from_unittest(text, 1, (3, 11, 7)).failing

    def test_they_are_labels_of_djangos_runner(self):
        self.assertEqual(
            self.failing(
                'FAIL: test_d (channels_tests.test_x.ATests)', 'ERROR: test_e (channels_tests.test_x.ATests)',
            ),
            ['channels_tests.test_x.ATests.test_d', 'channels_tests.test_x.ATests.test_e'],
        )

    def test_since_python_3_11_a_path_has_the_method(self):
        self.assertEqual(
            self.failing('FAIL: test_d (channels_tests.test_x.ATests.test_d)'),
            ['channels_tests.test_x.ATests.test_d'],
        )

    def test_a_class_that_is_not_set_up_is_named_as_a_class(self):
        self.assertEqual(
            self.failing('ERROR: setUpClass (channels_tests.test_x.ATests)'), ['channels_tests.test_x.ATests'])

    def test_a_test_with_failing_subtests_is_named_once(self):
        self.assertEqual(
            self.failing("FAIL: test_d (channels_tests.test_x.ATests) [one]",
                         "FAIL: test_d (channels_tests.test_x.ATests) (n=2)"),
            ['channels_tests.test_x.ATests.test_d'],
        )


class RerunTests(unittest.TestCase):

    first = results.Result(5, 2, 1, ['why'], failing=['a', 'b'])

    def test_what_passes_the_second_time_is_named(self):
        result = results.rerun(self.first, results.Result(2))
        self.assertEqual((result.passed, result.failed, result.skipped), (7, 0, 1))
        self.assertEqual(result.note, 'passed when run again: a, b')
        self.assertTrue(result.ok)

    def test_what_fails_again_fails(self):
        self.assertIs(results.rerun(self.first, results.Result(1, 1, failing=['b'])), self.first)

    def test_a_second_run_that_runs_less_proves_nothing(self):
        for second in (results.Result(1), results.Result(1, 0, 1), results.Result(problem='the run broke off')):
            self.assertIs(results.rerun(self.first, second), self.first)

    def test_a_run_that_broke_off_is_run_whole(self):
        for problem in ('the run broke off', 'ran out of time'):
            first = results.Result(problem=problem)
            result = results.rerun(first, results.Result(7, 0, 1, ['why']))
            self.assertEqual((result.passed, result.skipped, result.problem), (7, 1, None))
            self.assertEqual(result.note, 'passed when run again: ' + problem)
            self.assertIs(results.rerun(first, results.Result(problem=problem)), first)


class JunitTests(unittest.TestCase):

    def result(self, cases, status):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / 'report.xml'
            path.write_text('<testsuites><testsuite name="pytest">%s</testsuite></testsuites>' % cases)
            return results.from_junit(path, status)

    def test_each_kind_is_counted(self):
        result = self.result(
            '<testcase name="a"/><testcase name="b"><failure message="no"/></testcase>'
            '<testcase name="c"><error/></testcase><testcase name="d"><skipped message="why"/></testcase>', 1,
        )
        self.assertEqual((result.passed, result.failed, result.skipped), (1, 2, 1))
        self.assertEqual(dict(result.reasons), {'why': 1})

    def test_what_fails_is_named(self):
        result = self.result('<testcase classname="tests.test_x.ATests" name="test_a"><failure/></testcase>', 1)
        self.assertEqual(result.failing, ['ATests.test_a'])

    def test_no_test_is_a_problem(self):
        self.assertEqual(self.result('', 5).problem, 'no test ran')

    def test_a_missing_report_is_a_problem(self):
        self.assertEqual(results.from_junit(pathlib.Path('/nowhere.xml'), 3).problem, 'the run broke off')


class SumTests(unittest.TestCase):

    def test_results_add_up_with_all_their_problems(self):
        total = results.Result(1, 0, 2, ['x', 'y'], 'a: broke') + results.Result(3, 1, 1, ['x'], 'b: broke')
        self.assertEqual((total.passed, total.failed, total.skipped), (4, 1, 3))
        self.assertEqual(dict(total.reasons), {'x': 2, 'y': 1})
        self.assertEqual(total.problem, 'a: broke; b: broke')

    def test_notes_add_up_too(self):
        self.assertEqual((results.Result(note='a') + results.Result() + results.Result(note='b')).note, 'a; b')


class SuiteTests(unittest.TestCase):

    def test_the_comparison_is_told_in_one_line(self):
        report = (
            '                        unpatched    patched\ntests                       11278      11278\n'
            'on both: FAIL: test_x (a.B)\non both: FAIL: test_y (a.B)\nEQUAL\n'
        )
        self.assertEqual(suite.summary(report), '11278 tests on each side, the same 2 fail on both')
