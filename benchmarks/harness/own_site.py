"""
What the programs share that trouble a site of ours: attacks, fuzz, hostile, soak.
"""
import argparse
import contextlib
import os
import pathlib
import resource

from ..peers import PEERS
from . import CHECKOUT
from .machine import Machine, Unavailable
from .programs import ProgramFailed


def parser(program, description):
    """Return an ArgumentParser with the option that all of them have."""
    result = argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cache = os.environ.get('BENCHMARKS_CACHE') or CHECKOUT / '.benchmarks'
    result.add_argument('--cache', metavar='FOLDER', type=pathlib.Path, default=str(cache), help='as for run.py')
    return result


@contextlib.contextmanager
def own_site(machine, **options):
    """Give the block the Stack of a new site, whose programs have to last as long as it does."""
    stack = PEERS['ours'].start_site(machine, **options)
    try:
        yield stack
        stack.check()
    finally:
        stack.stop()


def run(work, cache):
    """Do `work(machine, reporter)`, which yields what was wrong, as text; return the exit status."""
    from harness.report import Reporter
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    reporter, wrong = Reporter(), False
    machine = Machine(cache, reporter)
    try:
        for text in work(machine, reporter):
            wrong = True
            reporter.say('WRONG: ' + text)
    except (Unavailable, ProgramFailed, OSError) as error:
        reporter.say('WRONG: %s: %s' % (type(error).__name__, error))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        machine.close()
    return 1 if wrong else 0
