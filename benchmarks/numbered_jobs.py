#!/usr/bin/env python3
"""
Numbered jobs, while their workers and servers are killed, frozen and ended.

For each scenario, one process sends the jobs and three workers do them; each
notes in a file what it has confirmed, begun and done. At the end, no job whose
send was confirmed may be lost, and each that was done twice must be explained
by a death; where Redis keeps less than it confirms, it says how much was lost.
It prints figures for each, then a table, and exits with 1 if that isn't so for
one of ours. With the defaults, a scenario takes ten minutes and more.

It needs redis-py, and Django for --python; the peers are installed as run.py
does it.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.harness import BENCHMARKS, CHECKOUT  # noqa: E402: found by the line above
from benchmarks.harness.deaths import ALWAYS, Failovers, PowerCuts, Servers, Workers  # noqa: E402
from benchmarks.harness.machine import Machine  # noqa: E402
from benchmarks.harness.numbered import PROMISE, TABLE_HEAD, WINDOW, Account, table_row  # noqa: E402
from benchmarks.harness.programs import Program  # noqa: E402
from benchmarks.harness.report import align  # noqa: E402
from benchmarks.peers import PEERS  # noqa: E402

ALL = ('kill', 'freeze', 'end')
#: Name -> (its servers, what happens to workers and servers, whether nothing may be lost).
SCENARIOS = {
    'killed': (Servers, ('kill',), True),
    'workers': (Servers, ALL, True),
    'redis': (lambda: Servers(options=ALWAYS), ALL + ('restart',), True),
    'shard': (lambda: Servers(2, options=ALWAYS), ALL + ('restart',), True),
    'failover': (lambda: Failovers(confirm={'replicas': 1, 'timeout': 2}), ALL + ('restart',), True),
    'everysec': (PowerCuts, ALL + ('restart',), False),
    'memory': (Servers, ALL + ('restart',), False),
    'failover-unconfirmed': (Failovers, ALL + ('restart',), False),
}
#: What the peers take part in.
SHARED = ('killed', 'workers', 'redis')
WORKERS, THREADS = 3, 4


def parser():
    """Return the ArgumentParser of numbered_jobs.py."""
    result = argparse.ArgumentParser(
        prog='numbered_jobs.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('scenarios', nargs='*', metavar='SCENARIO', help='of: %s (default: all)' % ', '.join(SCENARIOS))
    add('--contenders', nargs='+', default=['ours'], metavar='PEER',
        help='ours, celery, dramatiq (default: ours; the peers only do %s)' % ', '.join(SHARED))
    add('--number', type=int, default=200000, help='of jobs (default: 200000)')
    add('--seconds', type=float, default=600, help='over which they are sent (default: 600)')
    add('--work', type=float, default=0.005, metavar='SECONDS', help='that a job takes (default: 0.005)')
    add('--pause', type=float, default=3, metavar='SECONDS', help='between two deaths, on the average (default: 3)')
    add('--patience', type=float, default=90, metavar='SECONDS',
        help='without a job done, until what is left is lost (default: 90)')
    add('--window', type=float, default=WINDOW, metavar='SECONDS',
        help='before a death, in which what was done may not be acknowledged (default: %g)' % WINDOW)
    add('--seed', type=int, help='repeats who died when')
    add('--python', metavar='PATH', help='does ours, with this checkout; default: an environment as for run.py')
    add('--cache', metavar='FOLDER', default=os.environ.get('BENCHMARKS_CACHE') or str(CHECKOUT / '.benchmarks'),
        help='as for run.py')
    return result


class Run:
    """One contender in one scenario."""

    def __init__(self, options, name, scenario, folder, say):
        self.options, self.name, self.scenario, self.folder, self.say = options, name, scenario, folder, say
        self.peer = PEERS[name]
        self.make_servers, self.kinds, self.keeps = SCENARIOS[scenario]
        self.programs = 0

    def start(self, command, **env):
        """Start a Program in the peer's folder."""
        self.programs += 1
        return Program('%s %d' % (command[0], self.programs), command, self.folder / ('%d.log' % self.programs),
                       self.peer.folder, dict(self.env, **env))

    def prepare(self, commands):
        """Make the servers, and note where commands are and what the programs are told."""
        self.notes, self.sent = self.folder / 'notes', self.folder / 'sent'
        self.notes.touch()
        self.sent.touch()
        self.commands = commands
        self.servers = self.make_servers()
        self.env = self.peer.numbered_environment(self.servers.config)
        self.env.update(BENCH_NOTES=str(self.notes), BENCH_WORK=str(self.options.work))
        if self.options.python and self.name == 'ours':
            self.env['PYTHONPATH'] += os.pathsep + str(CHECKOUT / 'backport')

    def do(self, commands, seed):
        """Do all of it; return its Account."""
        self.prepare(commands)
        choose, options = random.Random(seed), self.options
        try:
            workers = Workers(lambda: self.start(self.peer.numbered_worker(commands, THREADS)), WORKERS)
            program = BENCHMARKS / 'programs' / 'numbered.py'
            sender = self.start([commands / 'python', program, options.number, options.seconds, self.sent])
            deaths = {
                'kill': workers.kill, 'freeze': workers.freeze, 'end': workers.end, 'restart': self.servers.restart,
            }
            order, due = [], time.monotonic() + 2 * options.pause
            while sender.process.poll() is None:
                time.sleep(0.1)
                workers.look()
                self.servers.look()
                if time.monotonic() >= due:
                    # Each of them in each round, in any order.
                    order = order or choose.sample(self.kinds, len(self.kinds))
                    deaths[order.pop()](choose)
                    due = time.monotonic() + 2 * options.pause * choose.random()
            if sender.process.returncode:
                raise sender.failed('has failed')
            self.finish(workers)
            return self.account(workers)
        finally:
            for program in list(Program.running):
                program.stop()
            self.servers.stop()

    def finish(self, workers):
        """Return once all is done, or nothing more is for a while."""
        size, since = None, time.monotonic()
        while self.account(workers).lost() and time.monotonic() < since + self.options.patience:
            # Whoever froze wakes by itself.
            workers.look()
            time.sleep(1)
            if self.notes.stat().st_size != size:
                size, since = self.notes.stat().st_size, time.monotonic()
        workers.look(wakes_all=True)
        for program in workers.all():
            program.process.terminate()
        time.sleep(2)

    def account(self, workers):
        with open(self.sent) as sent, open(self.notes) as notes:
            return Account(list(sent), list(notes), workers.deaths + self.servers.deaths, self.options.window)

    def fails(self, figures):
        """Return whether what must not be is."""
        return self.name == 'ours' and (figures['unexplained'] > 0 or self.keeps and figures['lost'] > 0)


def main(arguments=None):
    """Run the program; return the exit status."""
    options = parser().parse_args(arguments)
    unknown = set(options.scenarios) - set(SCENARIOS)
    if unknown:
        parser().error('no scenario: %s' % ', '.join(sorted(unknown)))
    from harness.report import Reporter
    seed, reporter, failed = options.seed, Reporter(), False
    if seed is None:
        seed = random.SystemRandom().getrandbits(32)
    machine, table = None, [TABLE_HEAD]
    for scenario in options.scenarios or SCENARIOS:
        for name in options.contenders:
            if name != 'ours' and scenario not in SHARED:
                continue
            if name == 'ours' and options.python:
                commands = pathlib.Path(options.python).parent
            else:
                machine = machine or Machine(options.cache, reporter)
                commands = PEERS[name].environment(machine).folder / 'bin'
            folder = pathlib.Path(tempfile.mkdtemp(prefix='numbered-'))
            run = Run(options, name, scenario, folder, reporter.say)
            account = run.do(commands, seed)
            figures = account.figures()
            for again in account.redelivered():
                if again.after > PROMISE:
                    reporter.say(account.describe(again))
            reporter.say(json.dumps(dict(figures, scenario=scenario, contender=name, seed=seed)))
            table.append(table_row(scenario, name, figures))
            if run.fails(figures):
                failed = True
                reporter.say('FAILED; notes and logs: %s' % folder)
            else:
                shutil.rmtree(folder)
    print('\n'.join(align(table)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
