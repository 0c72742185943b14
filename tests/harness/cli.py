"""The command line of runtests.py: options, order of work, exit status."""
import argparse
import concurrent.futures
import contextlib
import os
import resource
import signal
import time

from . import interpreters as pythons, pairs as table_of_pairs, process, report, suite, through_channels
from .bench import Bench
from .cache import Cache
from .environments import Environments
from .joint import JointRun
from .labels import FOLDERS, WORKSHOP
from .packages import CHECKOUT, Packages
from .pairs import HARD_TO_GET, JOINT
from .peers import PEER_PAIRS, PeersRun
from .results import Result
from .servers import ServersRun, take_where_missing
from .sources import SourcesRun
from .steps import PairRun
from .workshop import WorkshopRun

#: Half of what the tests do is waiting: for servers, browsers and clocks. With
#: two for each processor one is idle at times, with three each takes longer.
JOBS = 2 * (os.cpu_count() or 1) + 1

DESCRIPTION = """
Run the tests of django.channels on every pair of Python and Django found here.

For each pair: an environment with that Django and the wheel built from this
checkout; tests/channels_tests inside that Django's own tests/runtests.py; then
tests/backport_tests and tests/system (real processes) under pytest. The tests
of sources, tests/patch_tests among them, are a row of their own, as are what
lints, checks types, builds the documentation and spells. Environments are kept
in .runtests/ and used again.
"""

EPILOG = """
examples:
  python runtests.py                                   everything found, about an hour on 2 cores
  python runtests.py --list                            the pairs, and which can run here
  python runtests.py --pairs 'py2.7-*' py3.13-dj6.1    some pairs
  python runtests.py --pairs py3.11-dj5.2 --labels channels_tests.test_routing
  python runtests.py --labels system/test_chat.py backport_tests
  python runtests.py --labels lint types docs spelling patch_tests   before each commit

Each step writes a log; the end of it is shown when the step fails. The last
line says how many tests passed, failed and were skipped. A step that breaks off
counts as one failure, a pair that can't run here as one skip. The exit status
is 0 when nothing failed and something ran.
"""


def parser():
    """Return the ArgumentParser of runtests.py."""
    result = argparse.ArgumentParser(
        prog='runtests.py', description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('--pairs', nargs='+', metavar='GLOB', default=[],
        help="only pairs that match, such as 'py2.7-dj1.8' or '*-dj5.2'")
    add('--labels', nargs='+', metavar='LABEL', default=[],
        help='only these tests: a dotted name, such as channels_tests.test_routing, a path in one of the other '
             'folders of tests (%s), such as system/test_chat.py, or a row of the workshop (%s)' % (
                 ', '.join(FOLDERS), ', '.join(WORKSHOP)))
    add('--jobs', type=int, default=JOBS, metavar='N',
        help='pairs that run at the same time (default: two for each processor and one, %(default)s here)')
    add('--require-pairs', action='store_true',
        help="fail, don't skip, when a chosen pair can't run on this machine; without --pairs those of Python %s, "
             'which most machines lack, are skipped still' % ' and '.join(HARD_TO_GET))
    add('--all', action='store_true',
        help="also every other Python that each Django officially supports, and Django 1.8 to 1.11 on each Python "
             'from 3.8 on, rather than on the newest alone')
    add('--rerun', action='store_true',
        help='run the failing tests of a step a second time, where these are few: what passes then passes, and is '
             'named in the table. For machines where clocks and processes of many rows share few processors')
    add('--long', action='store_true', help='also tests that take long (they see CHANNELS_LONG_TESTS=1)')
    add('--django-suite', action='store_true',
        help="also Django 1.10.8's whole own suite, patched against unpatched, on Python 2.7 and 3.6, and of it what "
             'the patches touch on 3.11 (3.13 where there is no 3.11; with --all both, and whole); they must fail in '
             'the same tests, those of django_patch/failing_tests.txt; the unpatched one runs these, with --long '
             'the whole suite (5 minutes or so for each Python, 9 with --long)')
    add('--through-channels', action='store_true',
        help="also Django's own tests of requests and responses, sent through channels, on %s; what fails there and "
             'not under WSGI fails the run, but for the exceptions in tests/harness/through_channels.py '
             '(about 10 minutes)' % ', '.join(map(str, through_channels.PAIRS)))
    add('--list', action='store_true', help='list the pairs, and whether their Python is here; run nothing')
    add('--cache', metavar='FOLDER', default=os.environ.get('RUNTESTS_CACHE') or str(CHECKOUT / '.runtests'),
        help='where environments, sources and logs are kept (default: $RUNTESTS_CACHE or .runtests in the checkout)')
    add('--keep', action='store_true', help="keep the scratch copies of Django's tests and of what was built")
    add('--clean', action='store_true', help='forget everything in the cache first')
    return result


def main(arguments=None):
    """Run what the arguments (a list of text, else the command line's) ask for; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        found = pythons.find()
        pairs = table_of_pairs.select(options.pairs, options.all, found)
        if options.list:
            return show_list(pairs, found)
        cache = Cache(options.cache)
        if options.clean:
            cache.clean()
        cache.prepare()
        environments = Environments(cache, found)
        reporter = report.Reporter()
        packages = Packages(cache, environments, options.keep)
        bench = Bench(cache, found, environments, packages, reporter, options, pairs)
    except ValueError as error:
        parser().error(str(error))
    # A run that is terminated must not leave servers of the tests behind. And
    # where a script started it, it was told to ignore SIGINT, as would be the
    # tests, which are interrupted by it.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    try:
        rows = Run(bench, pairs).rows()
    except KeyboardInterrupt:
        process.stop_everything()
        reporter.say('interrupted')
        return 130
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    minutes = (used.ru_utime + used.ru_stime) / 60
    parts = ['', report.table(rows), 'processors: %.0f minutes\nlogs: %s' % (minutes, cache.logs)]
    failed = report.failed(rows)
    if failed:
        parts += [reporter.last_failures(), failed]
    reporter.say('\n\n'.join(parts + [report.totals(rows)]))
    return 0 if all(row[3].ok for row in rows) and any(row[3].passed for row in rows) else 1


def show_list(pairs, found):
    """Print the pairs and the interpreters behind them; return the exit status."""
    for pair in pairs:
        interpreter = found.get(pair.python)
        if interpreter:
            where = '%s, %s' % ('.'.join(map(str, interpreter.version)), interpreter.executable)
        else:
            where = 'none on this machine'
        kind = 'patched' if pair.patched else ''
        print('%-14s Django %-7s %-8s Python: %s' % (pair, pair.release, kind, where))
    return 0


class Run:
    """One run over the pairs: rows() does the work and returns the table's rows."""

    def __init__(self, bench, pairs):
        self.bench = bench
        self.pairs = pairs
        self.absent = [pair for pair in pairs if pair.lack(bench.interpreters)]
        runs = [PairRun(bench, pair) for pair in pairs if pair not in self.absent]
        # What takes longest begins first, or the end of it would have one processor alone.
        self.runs = sorted((run for run in runs if run.has_work()), key=lambda run: -run.work())
        self.joint = [name for name in JOINT if JointRun.is_wanted(name, pairs, bench.labels, bench.options)]

    def rows(self):
        """Return (name, Python's version, seconds, Result) for each row."""
        rows = [self.missing(str(pair), pair.python, pair.lack(self.bench.interpreters)) for pair in self.absent]
        lacking = {name: self.lacking(JOINT[name][1]) for name in self.joint}
        joint = [JointRun(self.bench, name) for name in self.joint if not lacking[name]]
        others = [SourcesRun(self.bench)] if SourcesRun.is_wanted(self.bench) else []
        others += self.peers() + ServersRun.rows(self.bench)
        background = self.suites() + self.through_channels()
        wanted = {run.pair for run in self.runs + others + background if hasattr(run, 'pair')}.union(
            *(run.pairs for run in joint))
        workshop = WorkshopRun.rows(self.bench)
        if wanted or background or any(row.needs_wheel for row in workshop):
            take_where_missing(self.bench)
            self.bench.build(wanted)
        # Those of several pairs come last: they wait for these.
        rows += self.in_parallel(self.runs + others + workshop + joint, background)
        rows += [self.missing(name, lacking[name][0]) for name in self.joint if lacking[name]]
        rows += self.missing_in_background()
        order = {str(pair): place for place, pair in enumerate(self.pairs)}
        return sorted(rows, key=lambda row: order.get(row[0], len(order)))

    def lacking(self, pairs):
        """Return the Pythons of the pairs that are not on this machine."""
        return [pair.python for pair in pairs if pair.python not in self.bench.interpreters]

    def peers(self):
        """Return the runs of the tests of others' layers, for those of the chosen pairs that have them."""
        if not self.bench.labels.of('peers'):
            return []
        return [PeersRun(self.bench, pair) for pair in PEER_PAIRS if pair in self.pairs and pair not in self.absent]

    def suites(self):
        """Return the runs of Django's own suite, those that take longest first."""
        if not self.bench.options.django_suite:
            return []
        return [
            suite.SuiteRun(self.bench, python) for python in self.suite_pythons() if python in self.bench.interpreters
        ]

    def suite_pythons(self):
        """Return the Pythons that the suite is asked for."""
        return suite.chosen_pythons(self.bench.interpreters, self.bench.options.all)

    def through_channels(self):
        """Return the runs of Django's own tests of requests through channels, of the pairs chosen."""
        if not self.bench.options.through_channels:
            return []
        pairs = [pair for pair in through_channels.PAIRS if pair in self.pairs and pair not in self.absent]
        return [through_channels.ThroughChannelsRun(self.bench, pair) for pair in pairs]

    def missing_in_background(self):
        """Return the rows of what Django's own tests lack a Python for."""
        rows = []
        if self.bench.options.django_suite:
            rows += [
                self.missing('py%s-suite' % python, python) for python in self.suite_pythons()
                if python not in self.bench.interpreters
            ]
        if self.bench.options.through_channels:
            rows += [
                self.missing('%s-through' % str(pair), pair.python, pair.lack(self.bench.interpreters))
                for pair in through_channels.PAIRS
                if pair in self.absent
            ]
        return rows

    def in_parallel(self, work, background=()):
        """
        Run what has run(), name and python, --jobs at a time, and return the
        rows. What is in the background runs beside that, one for each
        processor, in the time in which the others wait.
        """
        jobs = max(1, self.bench.options.jobs)
        if jobs == 1:
            lanes = [(jobs, list(work) + list(background))]
        else:
            lanes = [(jobs, work), (min(jobs, os.cpu_count() or 1), background)]
        with contextlib.ExitStack() as pools:
            running = []
            for workers, runs in lanes:
                pool = pools.enter_context(concurrent.futures.ThreadPoolExecutor(max_workers=workers))
                running.append((pool, [pool.submit(self.one, run) for run in runs]))
            try:
                return [future.result() for _, futures in running for future in futures]
            except KeyboardInterrupt:
                process.stop_everything()
                for pool, _ in running:
                    pool.shutdown(cancel_futures=True)
                raise

    def one(self, run):
        """Run one PairRun or SuiteRun and return its row."""
        started = time.monotonic()
        result = run.run()
        return run.name, '.'.join(map(str, run.python)), time.monotonic() - started, result

    def missing(self, name, python, lack=None):
        """Return the row called name whose Python 'X.Y', or what else it lacks, is not here, and say so."""
        reason = '%s on this machine' % (lack or 'no Python %s' % python)
        options = self.bench.options
        required = options.require_pairs and (python not in HARD_TO_GET or bool(options.pairs))
        self.bench.reporter.progress(name, '%s: %s' % ('CANNOT RUN' if required else 'SKIPPED', reason))
        return name, '', 0, Result(problem=reason) if required else Result(skipped=1, reasons=[reason])
