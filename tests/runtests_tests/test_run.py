"""Programs are run, logged, and ended with all that they started."""
import io
import os
import pathlib
import select
import signal
import sys
import tempfile
import threading
import unittest
from unittest import mock

from harness import cli, labels, pairs, process, report, steps, suite
from harness.results import Result


class ProcessTests(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / 'logs' / 'step.log'
        # As runtests.py does: what a script started ignores it.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))

    def run_code(self, code, **options):
        return process.run([sys.executable, '-c', code], self.log, **options)

    def test_output_and_exit_status_are_kept(self):
        status = self.run_code('import sys; print("out"); print("err", file=sys.stderr); sys.exit(3)')
        self.assertEqual(status, 3)
        self.assertEqual(sorted(self.log.read_text().splitlines()[1:]), ['err', 'out'])

    def test_what_a_program_leaves_behind_is_killed_with_it(self):
        fifo = self.folder / 'fifo'
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        code = (
            'import os, subprocess, sys\n'
            'held = os.open(sys.argv[1], os.O_WRONLY)\n'
            'child = [sys.executable, "-c", "import signal; signal.pause()"]\n'
            'subprocess.Popen(child, pass_fds=[held])\n'
            'os.write(held, b"started")\n'
        )
        self.assertEqual(process.run([sys.executable, '-c', code, fifo], self.log), 0)
        self.assertEqual(os.read(reader, 100), b'started')
        # It reads as ended once the last process that held it is gone.
        self.assertEqual(select.select([reader], [], [], 30)[0], [reader])
        self.assertEqual(os.read(reader, 100), b'')

    def test_what_a_program_used_of_processors_is_counted_for_its_thread(self):
        busy = 'import subprocess, sys, time\nwhile time.process_time() < 0.2: pass\n'
        before = process.processor_seconds()
        self.run_code(busy + 'subprocess.call([sys.executable, "-c", %r])' % busy)
        self.assertGreaterEqual(process.processor_seconds() - before, 0.38)
        others = []
        thread = threading.Thread(target=lambda: others.append(process.processor_seconds()))
        thread.start()
        thread.join()
        self.assertEqual(others, [0])

    def test_a_program_that_hangs_is_stopped_after_its_time(self):
        self.assertEqual(self.run_code('import signal; signal.pause()', timeout=0.2), 'timeout')
        self.assertIn('was stopped: it ran for more than', self.log.read_text())

    def test_a_program_that_is_stopped_can_stop_what_it_started(self):
        ended = self.folder / 'ended'
        code = 'import signal, sys\ntry:\n    signal.pause()\nfinally:\n    open(sys.argv[1], "w").close()'
        command = [sys.executable, '-c', code, ended]
        # Where the first time is too short for a Python to start, a longer one isn't.
        self.assertTrue(any(
            process.run(command, self.log, timeout=seconds) == 'timeout' and ended.exists() for seconds in (1, 10, 60)
        ))

    def test_a_program_that_can_not_be_interrupted_is_killed(self):
        code = 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    signal.pause()'
        with mock.patch.object(process, 'GRACE', 0.2):
            self.assertEqual(self.run_code(code, timeout=1), 'timeout')

    def test_the_callers_settings_do_not_reach_the_program(self):
        os.environ['DJANGO_SETTINGS_MODULE'] = 'mine'
        self.addCleanup(os.environ.pop, 'DJANGO_SETTINGS_MODULE', None)
        self.run_code('import os; print(os.environ.get("DJANGO_SETTINGS_MODULE"))', EXTRA='1')
        self.assertEqual(self.log.read_text().splitlines()[-1], 'None')

    def test_check_names_what_failed(self):
        with self.assertRaisesRegex(process.StepFailed, 'Making tea: exit status 4') as caught:
            process.check([sys.executable, '-c', 'raise SystemExit(4)'], self.log, 'Making tea')
        self.assertEqual(caught.exception.log, self.log)


class LaneTests(unittest.TestCase):
    """What runs beside the rows of the pairs."""

    def rows(self, jobs, work, background):
        run = object.__new__(cli.Run)
        run.bench = mock.Mock()
        run.bench.options.jobs = jobs
        return [row[0] for row in run.in_parallel(work, background)]

    def row(self, name, run):
        row = mock.Mock(python=(3, 11), run=run)
        row.name = name
        return row

    def test_djangos_own_tests_do_not_wait_for_the_rows_of_the_pairs(self):
        both = threading.Barrier(3, timeout=30)
        # As many rows as there are jobs, and none ends before the suite has begun.
        work = [self.row(name, both.wait) for name in ('a', 'b')]
        self.assertEqual(self.rows(2, work, [self.row('suite', both.wait)]), ['a', 'b', 'suite'])

    def test_with_one_job_nothing_runs_beside_another(self):
        running = threading.Lock()

        def run():
            self.assertTrue(running.acquire(blocking=False))
            running.release()

        work = [self.row(name, run) for name in 'abc']
        self.assertEqual(self.rows(1, work, [self.row('suite', run)]), ['a', 'b', 'c', 'suite'])


class SuiteTests(unittest.TestCase):

    def test_one_newer_python_is_enough_but_for_a_run_of_all(self):
        found = {'2.7', '3.6', '3.11', '3.13'}
        self.assertEqual(suite.chosen_pythons(found, False), ('2.7', '3.6', '3.11'))
        self.assertEqual(suite.chosen_pythons(found, True), ('2.7', '3.6', '3.11', '3.13'))
        self.assertEqual(suite.chosen_pythons({'3.13'}, False), ('2.7', '3.6', '3.13'))
        self.assertEqual(suite.chosen_pythons({'3.12'}, False), ('2.7', '3.6'))
        self.assertLessEqual(set(suite.chosen_pythons(found, True)), set(suite.REQUIREMENTS))

    def run_on(self, python, found, **options):
        bench = mock.Mock(interpreters={series: mock.Mock() for series in found})
        bench.options = mock.Mock(**dict({'long': False, 'all': False}, **options))
        run = suite.SuiteRun(bench, python)
        return run.labels() == [], '--only-failing' in run.extent(), '--expected' in run.extent()

    def test_a_newer_python_beside_the_eras_runs_what_the_patches_touch(self):
        found = ('2.7', '3.6', '3.11')
        self.assertEqual(self.run_on('3.6', found), (True, True, True))
        self.assertEqual(self.run_on('3.11', found), (False, False, False))
        self.assertEqual(self.run_on('3.11', ('3.11',)), (True, True, True))
        self.assertEqual(self.run_on('3.11', found, all=True), (True, True, True))
        self.assertEqual(self.run_on('3.11', found, long=True), (True, False, True))


def pair_run(pair, **bench):
    """Return the PairRun of a row that has no folders."""
    run = object.__new__(steps.PairRun)
    run.pair, run.once, run.bench = pairs.Pair(*pair), pairs.ONCE, mock.Mock(**bench)
    return run


class SystemMarksTests(unittest.TestCase):
    """What the pairs of the system tests leave to another one."""

    def marks(self, pair, chosen, everything=False):
        run = pair_run(pair, pairs=chosen)
        run.bench.options.all = everything
        return run.system_marks()

    def test_one_pair_runs_all_and_python_2_what_both_eras_have(self):
        self.assertEqual(self.marks(pairs.ONCE, pairs.SYSTEM), [])
        self.assertEqual(self.marks(('2.7', '1.8'), pairs.SYSTEM), ['-m', 'not once'])
        for pair in (('3.6', '1.10p'), ('3.13', '6.1')):
            self.assertEqual(self.marks(pair, pairs.SYSTEM), ['-m', 'not once and not both_eras'])

    def test_nothing_is_left_to_a_pair_that_does_not_run(self):
        self.assertEqual(self.marks(('3.13', '6.1'), [('3.13', '6.1')]), [])

    def test_a_run_of_all_leaves_nothing_out(self):
        self.assertEqual(self.marks(('3.13', '6.1'), pairs.SYSTEM, everything=True), [])

    def test_what_a_pair_runs_in_part_it_runs_in_full(self):
        for row in pairs.SYSTEM_IN_PART:
            self.assertEqual(self.marks(row, pairs.SYSTEM), [])


class SystemPathsTests(unittest.TestCase):
    """Which of the system tests a pair runs."""

    def names(self, pair, *chosen, found=('2.7', '3.6', '3.11', '3.13', '3.15')):
        run = pair_run(pair, labels=labels.Labels(chosen), interpreters=found)
        return [os.path.relpath(path, labels.FOLDERS['system']) for path in run.system_paths()]

    def test_some_pairs_run_all_some_a_few_modules_and_others_none(self):
        self.assertEqual(self.names(('3.13', '6.1')), ['.'])
        self.assertEqual(self.names(('3.15', '6.1')), ['test_chat.py', 'test_jobs.py'])
        self.assertEqual(self.names(('3.15', '1.8')), [])
        self.assertEqual(self.names(('3.15', '6.1'), found=('3.15',)), ['.'])

    def test_labels_choose_among_them(self):
        self.assertEqual(self.names(('3.15', '6.1'), 'system/test_jobs.py::test_schedules'),
                         ['test_jobs.py::test_schedules'])
        self.assertEqual(self.names(('3.15', '6.1'), 'system/test_path.py', 'channels_tests'), [])
        self.assertEqual(self.names(('3.13', '6.1'), 'system/test_chat.py'), ['test_chat.py'])
        for row in pairs.SYSTEM_IN_PART:
            for module in pairs.SYSTEM_IN_PART[row]:
                self.assertTrue((labels.FOLDERS['system'] / module).is_file())


class ReportTests(unittest.TestCase):

    rows = [
        ('py2.7-dj1.8', '2.7.18', 61, Result(10, 1, 2, ['no moon', 'no moon'])),
        ('py3.6-dj1.8', '', 0, Result(skipped=1, reasons=['no Python 3.6 on this machine'])),
        ('py3.11-dj5.2', '3.11.7', 5, Result(3, problem='system: the run broke off')),
    ]

    def test_the_table_has_a_row_for_each_pair(self):
        self.assertEqual(report.table(self.rows).splitlines(), [
            'pair          Python  time  passed  failed  skipped  remarks',
            'py2.7-dj1.8   2.7.18  1:01      10       1        2  2x no moon',
            'py3.6-dj1.8   -       0:00       0       0        1  no Python 3.6 on this machine',
            'py3.11-dj5.2  3.11.7  0:05       3       1        0  system: the run broke off',
        ])

    def test_what_failed_is_named_once_more_at_the_end(self):
        # What keeps the last lines of a long run has to have it.
        rows = self.rows[1:] + [('sources', '3.11.7', 1, Result(1, 1, failing=['ATests.test_a']))]
        self.assertEqual(report.failed(rows).splitlines(), [
            'py3.11-dj5.2: system: the run broke off',
            'sources: failed: ATests.test_a',
        ])
        self.assertEqual(report.failed(self.rows[:1]), 'py2.7-dj1.8: 1 failed')
        self.assertEqual(report.failed(self.rows[1:2]), '')

    def test_the_ends_of_logs_are_shown_once_more_at_the_end(self):
        reporter = report.Reporter(io.StringIO())
        for number in range(report.SHOWN_AGAIN + 1):
            reporter.failure('sources', 'step %d' % number, None)
        reporter.failure('sources', 'step that is run again', None, last=False)
        self.assertEqual(reporter.last_failures().split('\n\n')[-1].strip(),
                         'sources: step %d FAILED' % report.SHOWN_AGAIN)
        self.assertEqual(reporter.last_failures().count('FAILED'), report.SHOWN_AGAIN)

    def test_the_last_line_is_the_sum(self):
        self.assertEqual(report.totals(self.rows), '13 passed, 2 failed, 3 skipped')

    def test_every_option_is_explained(self):
        for action in cli.parser()._actions:
            self.assertTrue(action.help, action.option_strings)
