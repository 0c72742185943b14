"""
compare_suites.py: what it reads from a run, and what it calls equal.
"""
import contextlib
import io
import os
import tempfile
import textwrap
import unittest

from . import support  # NOQA: makes the modules of the patch set importable

# isort: split
import compare_suites
from compare_suites import SuiteError, compare, parse_output

RUN = '''
Testing against Django installed in 'django'
...F.sE
======================================================================
ERROR: test_strips (servers.tests.HeaderTests)
----------------------------------------------------------------------
Traceback (most recent call last):
TypeError: object <Stub at 0x7f3a> is wrong
======================================================================
FAIL: test_custom_fields (inspectdb.tests.InspectDBTestCase) (value=<Field at 0x7f3a2c>)
----------------------------------------------------------------------
AssertionError

----------------------------------------------------------------------
Ran 7 tests in 1.234s

%s
Destroying test database for alias 'default'...
'''
FAILED = RUN % 'FAILED (failures=1, errors=1, skipped=1, expected failures=5)'


class ParsingTests(unittest.TestCase):

    def test_counts_and_names_are_read(self):
        outcome = parse_output(FAILED)
        self.assertEqual(outcome.counts, {
            'tests': 7, 'failures': 1, 'errors': 1, 'skipped': 1, 'expected failures': 5,
        })
        self.assertEqual(outcome.failed, {
            'ERROR: test_strips (servers.tests.HeaderTests)',
            'FAIL: test_custom_fields (inspectdb.tests.InspectDBTestCase) (value=<Field>)',
        })

    def test_a_run_without_failures_is_read(self):
        outcome = parse_output('Ran 2 tests in 0.1s\n\nOK (skipped=1)\n')
        self.assertEqual(outcome.counts, {'tests': 2, 'skipped': 1})
        self.assertEqual(parse_output('Ran 1 test in 0.1s\n\nOK\n').counts, {'tests': 1})

    def test_a_run_that_broke_off_is_an_error_that_shows_its_end(self):
        with self.assertRaisesRegex(SuiteError, 'ImportError: tblib'):
            parse_output('Traceback\nImportError: tblib\n')

    def test_a_run_without_tests_is_an_error(self):
        with self.assertRaisesRegex(SuiteError, 'had no tests'):
            parse_output('Ran 0 tests in 0.0s\n\nOK\n')


class ComparisonTests(unittest.TestCase):

    def test_the_same_failures_are_equal(self):
        equal, lines = compare(parse_output(FAILED), parse_output(FAILED.replace('0x7f3a', '0x1111')))
        self.assertTrue(equal)
        self.assertEqual(lines[-1], 'EQUAL')
        self.assertIn('on both: ERROR: test_strips (servers.tests.HeaderTests)', lines)

    def test_one_more_failure_is_a_difference_that_is_named(self):
        equal, lines = compare(parse_output(RUN % 'OK'), parse_output(FAILED))
        self.assertFalse(equal)
        self.assertEqual(lines[-1], 'DIFFERENT')

    def test_another_failing_test_is_a_difference_though_the_counts_agree(self):
        equal, lines = compare(parse_output(FAILED), parse_output(FAILED.replace('test_strips', 'test_other')))
        self.assertFalse(equal)
        self.assertIn('only patched: ERROR: test_other (servers.tests.HeaderTests)', lines)
        self.assertIn('only unpatched: ERROR: test_strips (servers.tests.HeaderTests)', lines)

    def test_a_skipped_test_more_is_a_difference(self):
        equal, lines = compare(parse_output(FAILED), parse_output(FAILED.replace('skipped=1', 'skipped=2')))
        self.assertFalse(equal)
        self.assertTrue([line for line in lines if line.startswith('skipped') and 'differs' in line])


class ListTests(unittest.TestCase):
    """The list of tests that fail: how it is read, and what is like it."""

    LIST = '''
# A comment.
[SQLite of today.]
inspectdb.tests.InspectDBTestCase.test_custom_fields  2.7? 3.6 3.11
[A reason.]
servers.tests.HeaderTests.test_strips  3.6   3.11?
'''

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, 'list.txt')

    def read(self, version, text=LIST):
        with open(self.path, 'w') as target:
            target.write(text)
        return compare_suites.read_expected(self.path, version)

    def test_each_python_has_its_own_tests(self):
        custom_fields = 'inspectdb.tests.InspectDBTestCase.test_custom_fields'
        strips = 'servers.tests.HeaderTests.test_strips'
        self.assertEqual(self.read('3.6'), {custom_fields: False, strips: False})
        self.assertEqual(self.read('3.11'), {custom_fields: False, strips: True})
        self.assertEqual(self.read('2.7'), {custom_fields: True})
        self.assertEqual(self.read('3.1'), {})

    def test_a_line_that_is_none_is_named(self):
        with self.assertRaisesRegex(SuiteError, r'list\.txt, line 1: a test and the Pythons'):
            self.read('3.6', 'module.test_x on 3.6')

    def test_what_fails_as_listed_is_equal(self):
        for version in ('3.6', '3.11'):
            equal, lines = compare_suites.compare_with_list(parse_output(FAILED), self.read(version))
            self.assertTrue(equal, lines)
            self.assertEqual(lines, ['2 failed: AS LISTED'])

    def test_one_more_and_one_less_are_named(self):
        equal, lines = compare_suites.compare_with_list(parse_output(FAILED), self.read('2.7'))
        self.assertFalse(equal)
        self.assertIn('not in the list: servers.tests.HeaderTests.test_strips', lines)
        equal, lines = compare_suites.compare_with_list(parse_output(RUN % 'OK'), {'m.C.test_x': False})
        self.assertFalse(equal)
        self.assertIn('in the list, but did not fail: m.C.test_x', lines)

    def test_what_fails_on_some_machines_only_may_pass(self):
        outcome = parse_output('Ran 1 test in 1s\n\nOK\n')
        equal, lines = compare_suites.compare_with_list(outcome, {'m.C.test_x': True})
        self.assertTrue(equal, lines)

    def test_names_are_the_same_before_and_after_python_3_11(self):
        for heading in ('FAIL: test_x (m.C)', 'ERROR: test_x (m.C.test_x) (value=1)'):
            self.assertEqual(compare_suites.dotted_name(heading), 'm.C.test_x')

    def test_the_list_of_this_patch_set_names_reasons_and_known_pythons(self):
        from harness import suite
        path = support.PATCH_SET / 'failing_tests.txt'
        for version in suite.ERA_PYTHONS + suite.NEWER_PYTHONS:
            self.assertIn('inspectdb.tests.InspectDBTestCase.test_custom_fields',
                          compare_suites.read_expected(str(path), version))
        reason, named = None, set()
        for line in path.read_text(encoding='utf-8').splitlines():
            if line.startswith('['):
                reason = line
            elif line and not line.startswith(('#', 'tests:')):
                self.assertTrue(reason, line)
                named.update(part.rstrip('?') for part in line.split()[1:])
        self.assertEqual(named, set(suite.ERA_PYTHONS + suite.NEWER_PYTHONS))

    def test_the_number_of_tests_is_no_test(self):
        self.assertEqual(self.read('3.6', 'tests: 7\n[A reason.]\nm.C.test_x 3.6'), {'m.C.test_x': False})
        self.assertEqual(compare_suites.read_count(self.path), 7)
        self.read('3.6', '# tests: 7\n')
        self.assertIsNone(compare_suites.read_count(self.path))
        self.assertEqual(compare_suites.read_count(str(support.PATCH_SET / 'failing_tests.txt')), 11278)


class OnlyFailingTests(unittest.TestCase):
    """A merged tree against the tests of the unpatched one that fail."""

    def compare(self, unpatched=FAILED, patched=FAILED, count=7):
        return compare_suites.compare_failing(parse_output(unpatched), parse_output(patched), count)

    def test_the_same_failures_and_the_known_number_are_equal(self):
        equal, lines = self.compare(FAILED.replace('Ran 7', 'Ran 2'))
        self.assertTrue(equal)
        self.assertEqual(lines[-1], 'EQUAL')
        self.assertEqual(lines[0].split(), ['tests', '7', '7'])
        self.assertEqual(len([line for line in lines if line.startswith('on both: ')]), 2)

    def test_what_fails_on_one_side_only_is_a_difference(self):
        equal, lines = self.compare(RUN % 'OK')
        self.assertEqual((equal, lines[-1]), (True, 'EQUAL'))
        for sides in ((FAILED.replace('test_strips', 'test_other'), FAILED), ('Ran 2 tests in 1s\n\nOK\n', FAILED)):
            equal, lines = self.compare(*sides)
            self.assertEqual((equal, lines[-1]), (False, 'DIFFERENT'))
            self.assertIn('only patched: ERROR: test_strips (servers.tests.HeaderTests)', lines)

    def test_another_number_of_tests_is_a_difference(self):
        equal, lines = self.compare(count=8)
        self.assertEqual((equal, lines[-1]), (False, 'DIFFERENT'))

    def test_one_side_runs_whole_and_the_other_what_failed_or_is_listed(self):
        ran = []

        class Comparison(compare_suites.Comparison):
            known = {'listed.C.test_x': True}
            source, python = 'source', 'python'
            expected = str(support.PATCH_SET / 'failing_tests.txt')

            def __init__(self):
                pass

            def patched(self):
                return parse_output(FAILED), []

            def unpatched(self, names=None):
                ran.extend(names)
                return parse_output(FAILED), []

        with contextlib.redirect_stdout(io.StringIO()):
            self.assertFalse(Comparison().run(only_failing=True))
        self.assertEqual(ran, [
            'inspectdb.tests.InspectDBTestCase.test_custom_fields', 'listed.C.test_x',
            'servers.tests.HeaderTests.test_strips',
        ])


class SettleTests(unittest.TestCase):
    """What fails in company, and passes when it runs alone."""

    STRIPS = 'servers.tests.HeaderTests.test_strips'

    def settle(self, again, expected=('inspectdb.tests.InspectDBTestCase.test_custom_fields',)):
        self.names = []

        def run(names):
            self.names += names
            return parse_output(again)

        return compare_suites.settle(parse_output(FAILED), expected, run)

    def test_what_passes_alone_did_not_fail(self):
        outcome, lines = self.settle('Ran 1 test in 1s\n\nOK\n')
        self.assertEqual(self.names, [self.STRIPS])
        self.assertEqual(lines, ['failed, but not when it ran alone: ' + self.STRIPS])
        self.assertEqual(outcome.counts, {'tests': 7, 'failures': 1, 'skipped': 1, 'expected failures': 5})
        self.assertEqual([heading[:4] for heading in outcome.failed], ['FAIL'])

    def test_what_fails_again_has_failed(self):
        outcome, lines = self.settle(FAILED)
        self.assertEqual((outcome, lines), (parse_output(FAILED), []))

    def test_what_is_expected_is_not_run_again(self):
        outcome, lines = self.settle('', [self.STRIPS, 'inspectdb.tests.InspectDBTestCase.test_custom_fields'])
        self.assertEqual((outcome, lines, self.names), (parse_output(FAILED), [], []))


class CommandTests(unittest.TestCase):

    def test_help_tells_what_each_python_needs(self):
        status, output = support.run([support.sys.executable, support.PATCH_SET / 'compare_suites.py', '--help'])
        self.assertEqual(status, 0)
        self.assertIn('tblib', output)

    def test_a_python_without_the_runners_needs_is_told_what_to_install(self):
        with self.assertRaisesRegex(SuiteError, 'pip install tblib'):
            compare_suites.check_python('/nowhere/python', 2)

    def test_a_list_and_labels_do_not_go_together(self):
        twice = ['--unpatched-python', 'a', '--unpatched-python', 'b']
        for arguments in (
                ['--expected', 'x', 'source', 'label'], twice + ['source'], ['--only-failing', 'source'],
        ):
            status, output = support.run([support.sys.executable, support.PATCH_SET / 'compare_suites.py'] + arguments)
            self.assertEqual(status, 2)
            self.assertNotIn('Traceback', output)

    def test_a_source_that_is_none_has_its_own_status(self):
        status, output = support.run([
            support.sys.executable, support.PATCH_SET / 'compare_suites.py', '--parallel', '1', '/nowhere',
        ])
        self.assertEqual(status, 2)
        self.assertNotIn('Traceback', textwrap.dedent(output))
