#!/usr/bin/env python3
"""
Workers, server processes and Redis killed at random for ten minutes.

That is tests/system/test_chaos.py, which takes a minute in CI, run for
longer; afterwards it also waits until Redis holds nothing any more. It ends
with pytest's exit status, and prints the seed, what was killed, and what the
clients saw.

It needs pytest and websocket-client, and CHANNELS_SYSTEM_PYTHON; see
tests/README.rst.
"""
import argparse
import os
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'tests')


def parser():
    """Return the ArgumentParser of chaos.py."""
    result = argparse.ArgumentParser(
        prog='chaos.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument('--seconds', type=float, default=600, help='for how long (default: 600)')
    result.add_argument('--seed', type=int, help='repeats what was killed when')
    return result


def main(arguments=None):
    """Run the program; return the exit status."""
    options = parser().parse_args(arguments)
    env = dict(os.environ, CHANNELS_CHAOS_SECONDS=str(options.seconds))
    if options.seed is not None:
        env['CHANNELS_CHAOS_SEED'] = str(options.seed)
    return subprocess.call([
        sys.executable, '-m', 'pytest', '-q', '-s', '-p', 'no:cacheprovider',
        os.path.join(TESTS, 'system', 'test_chaos.py'),
    ], env=env)


if __name__ == '__main__':
    sys.exit(main())
