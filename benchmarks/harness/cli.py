"""The command line of run.py: options, order of work, exit status."""
import argparse
import fnmatch
import json
import os
import pathlib
import signal
import sys

from . import CHECKOUT, report, schedule
from .machine import Machine, Unavailable
from .workload import split

DESCRIPTION = """
Measure this project against its peers: the same work, in one run, in turn.

Everything is set up by itself: environments with pinned peers, built once in
the cache; a Redis server of its own for each contender; the load generators,
compiled with gcc. Needs Linux, redis-server, gcc and wrk (on Debian: apt
install redis-server gcc libc6-dev wrk).
"""

EPILOG = """
examples:
  python3 benchmarks/run.py                         everything, about an hour
  python3 benchmarks/run.py --list                  the workloads, and who takes part
  python3 benchmarks/run.py --quick --only 'layer*' some, shortly: ratios are rough
  python3 benchmarks/run.py --only get --contenders ours channels1 --rounds 9
  python3 benchmarks/run.py --publish               all, and write docs/benchmarks.txt

On a machine that does something else meanwhile, wall times lie; look at the
CPU time, and at ratios. The exit status is 0 when every measurement worked,
whether or not the goals hold (--strict: 1 when one is missed).
"""


def parser():
    """Return the ArgumentParser of run.py."""
    result = argparse.ArgumentParser(
        prog='run.py', description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('--only', nargs='+', metavar='GLOB', default=[], help="only workloads that match, such as 'layer-*'")
    add('--contenders', nargs='+', metavar='GLOB', default=[], help='only contenders that match, in each workload')
    add('--rounds', type=int, default=None, metavar='N',
        help='how often each is measured (default: 5; with --quick 2)')
    add('--quick', action='store_true', help='short measurements: does it work, is it roughly so')
    add('--scheduled', type=int, default=100000, metavar='N',
        help='how many jobs are due later in jobs-later (default: 100000; a million takes half an hour)')
    add('--steady', type=int, default=600, metavar='SECONDS',
        help='how long broadcast-steady lasts (default: 600; with --quick a tenth)')
    add('--list', action='store_true', help='list workloads, contenders and goals; measure nothing')
    add('--output', metavar='FILE', type=pathlib.Path, default=None,
        help='where the results go as JSON (default: results.json in the cache); the rows of an existing file that '
             'are not measured again are kept')
    add('--publish', action='store_true', help='also write docs/benchmarks.txt and its plots from what --output has')
    add('--strict', action='store_true', help='exit with 1 when a goal is missed')
    add('--cache', metavar='FOLDER', default=os.environ.get('BENCHMARKS_CACHE') or str(CHECKOUT / '.benchmarks'),
        help='where environments, logs and results are kept (default: $BENCHMARKS_CACHE or .benchmarks)')
    return result


def select(workloads, only, contenders):
    """Return [(workload, its contenders)] that the options ask for; ValueError if a glob matches none."""
    chosen = []
    for pattern in only:
        if not any(fnmatch.fnmatchcase(workload.name, pattern) for workload in workloads):
            raise ValueError("No workload matches '%s'; --list shows them all." % pattern)
    for workload in workloads:
        if only and not any(fnmatch.fnmatchcase(workload.name, pattern) for pattern in only):
            continue
        taking_part = [
            contender for contender in workload.contenders
            if not contenders or any(fnmatch.fnmatchcase(contender, pattern) for pattern in contenders)
        ]
        if taking_part:
            chosen.append((workload, taking_part))
    if not chosen:
        raise ValueError('No contender matches; --list shows them all.')
    return chosen


def main(arguments=None):
    """Measure what the arguments ask for; return the exit status."""
    from harness.report import Reporter

    from ..peers import PEERS
    from ..workloads import WORKLOADS
    options = parser().parse_args(arguments)
    try:
        chosen = select(WORKLOADS, options.only, options.contenders)
    except ValueError as error:
        print('run.py: %s' % error, file=sys.stderr)
        return 2
    if options.list:
        for workload, contenders in chosen:
            print('%-22s %s\n%-22s   %s' % (workload.name, workload.title, '', ', '.join(contenders)))
            for goal in workload.goals:
                print('%-22s   goal: %s' % ('', goal))
        return 0

    def terminated(number, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, terminated)
    reporter = Reporter()
    machine = Machine(options.cache, reporter, options.quick, options.scheduled, options.steady)
    output = options.output or machine.cache.root / 'results.json'
    rounds = options.rounds or (2 if options.quick else 5)
    runner = Runner(machine, PEERS, rounds, options.rounds is not None)
    rows = read_rows(output)
    try:
        runner.run(chosen, lambda row: (
            rows.update({row['name']: row}),
            report.write_json(output, report.machine_facts(), in_order(rows, WORKLOADS)),
            reporter.say(report.as_text(row)),
        ))
    except KeyboardInterrupt:
        reporter.say('\nInterrupted; what was measured is in %s.' % output)
        return 130
    finally:
        machine.close()
    reporter.say('\nResults: %s, logs: %s' % (output, machine.cache.logs))
    if options.publish:
        from . import publish
        publish.publish(machine, output, reporter)
    measured = [rows[workload.name] for workload, _ in chosen if workload.name in rows]
    missed = any(goal['holds'] is False for row in measured for goal in row['goals'])
    return 1 if runner.failures or options.strict and missed else 0


def read_rows(path):
    """Return {name: row} of an earlier run's file; {} if there is none."""
    if not path.exists():
        return {}
    return {row['name']: row for row in json.loads(path.read_text(encoding='utf-8'))['rows']}


def in_order(rows, workloads):
    """Return the rows in the order of the workloads; those of workloads that are gone are dropped."""
    return [rows[workload.name] for workload in workloads if workload.name in rows]


class Runner:
    """Measures workload after workload; a contender that fails is an error in its row."""

    def __init__(self, machine, peers, rounds, rounds_were_given):
        self.machine = machine
        self.peers = peers
        self.rounds = rounds
        self.rounds_were_given = rounds_were_given
        self.failures = 0

    def run(self, chosen, done):
        """Measure all of `chosen`, [(workload, contenders)]; call done(row) after each."""
        for index, (workload, contenders) in enumerate(chosen):
            outcomes = self.measure(workload, contenders)
            done(report.row(workload, outcomes))
            later = set().union(*[other.stacks() for other, _ in chosen[index + 1:]]) if chosen[index + 1:] else set()
            self.machine.drop_stacks(keep=later)

    def measure(self, workload, contenders):
        """Return {contender: Outcome} of one workload."""
        machine, able, unable = self.machine, [], {}
        for contender in contenders:
            try:
                workload.prepare(machine, self.peers[split(contender)[0]])
                able.append(contender)
            except Unavailable as error:
                self.failed(workload, contender, error)
                unable[contender] = schedule.Outcome([], str(error))
        rounds = self.rounds
        if workload.rounds is not None and not self.rounds_were_given:
            rounds = min(rounds, workload.rounds)

        def measure(contender, number):
            peer, variant = split(contender)
            machine.reporter.progress(workload.name, '%s, round %d of %d' % (contender, number + 1, rounds))
            return workload.measure(machine, self.peers[peer], variant)
        outcomes = schedule.carry_out(
            able, rounds, measure, lambda contender, error: self.failed(workload, contender, error), workload.limit,
        )
        outcomes.update(unable)
        return {contender: outcomes[contender] for contender in contenders}

    def failed(self, workload, contender, error):
        """Tell the user, and remember for the exit status."""
        self.failures += 1
        self.machine.reporter.progress(workload.name, '%s FAILED: %s: %s' % (contender, type(error).__name__, error))
