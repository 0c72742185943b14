#!/usr/bin/env python3
"""
Instructions of a process for one message through a layer: a send and a receive.

    python benchmarks/instructions.py redis://127.0.0.1:6379/0 [CHECKOUT ...]

They are counted by Valgrind's cachegrind, so that no other load of the machine
changes them: those of 4,000 messages less those of 1,000, in memory and over
Redis, for this checkout and each that is named. What Redis executes is not
counted. It needs valgrind, and Django, redis and msgpack without an installed
django.channels, or --packages with a folder that has them: .pth files in there
have no effect.
"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FEW, MANY = 1000, 4000

PROGRAM = '''
import sys
checkout, packages, kind, url, number = sys.argv[1:]
sys.path.insert(0, checkout + '/backport')
sys.path.append(packages)
import channels
if kind == 'memory':
    from django.channels.layers.memory import InMemoryChannelLayer
    layer = InMemoryChannelLayer()
else:
    from django.channels.layers.redis import RedisChannelLayer
    layer = RedisChannelLayer(hosts=[url], prefix='instructions:')
if not channels.__file__.startswith(checkout):
    sys.exit('%s is not of %s' % (channels.__file__, checkout))
send, receive, names, message = layer.send, layer.receive, ['bench'], {'content': 'x' * 100}
for _ in range(500 + int(number)):
    send('bench', message)
    receive(names)
'''


def instructions(*arguments):
    """Return how many instructions the program executes with these arguments."""
    command = ['valgrind', '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null',
               sys.executable, '-S', '-c', PROGRAM] + [str(argument) for argument in arguments]
    done = subprocess.run(command, env=dict(os.environ, PYTHONHASHSEED='0'), stderr=subprocess.PIPE, text=True)
    found = re.search(r'I +refs: +([\d,]+)', done.stderr)
    if done.returncode or not found:
        raise SystemExit(done.stderr[-2000:])
    return int(found.group(1).replace(',', ''))


def main():
    import sysconfig
    parser = argparse.ArgumentParser(
        prog='instructions.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('url', help='of a Redis server')
    parser.add_argument('checkouts', nargs='*', metavar='CHECKOUT')
    parser.add_argument('--packages', default=sysconfig.get_path('purelib'), metavar='FOLDER')
    options = parser.parse_args()
    for checkout in [HERE] + [os.path.abspath(path) for path in options.checkouts]:
        for kind in ('memory', 'redis'):
            few, many = [instructions(checkout, options.packages, kind, options.url, n) for n in (FEW, MANY)]
            print('%-40s %-7s %9.0f' % (os.path.basename(checkout), kind, (many - few) / (MANY - FEW)), flush=True)


if __name__ == '__main__':
    main()
