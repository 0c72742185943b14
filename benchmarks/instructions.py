#!/usr/bin/env python3
"""
Instructions of a process for one message: through a layer, a server, a worker.

    python benchmarks/instructions.py redis://127.0.0.1:6379/0 [CHECKOUT ...]

They are counted by Valgrind's cachegrind, so that no other load of the machine
changes them, for this checkout and each that is named: a send and a receive,
in memory and over Redis, those of 4,000 messages less those of 1,000; and a
POST and a frame to a group in a server and in a worker, those of 600 less
those of 100. What Redis executes is not counted. It needs valgrind, and
Django, redis, msgpack and what an interface server needs without an installed
django.channels, or --packages with a folder that has them: .pth files in there
have no effect.
"""
import argparse
import os
import re
import socket
import subprocess
import sys

from programs import journeys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FEW, MANY = 1000, 4000
FEW_TRIPS, MANY_TRIPS = 100, 600
VALGRIND = ['valgrind', '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null']

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
    command = VALGRIND + [sys.executable, '-S', '-c', PROGRAM] + [str(argument) for argument in arguments]
    done = subprocess.run(command, env=dict(os.environ, PYTHONHASHSEED='0'), stderr=subprocess.PIPE, text=True)
    return counted(done.stderr, done.returncode)


def counted(text, status):
    """Return the number in what cachegrind wrote; SystemExit with the text if the process failed."""
    found = re.search(r'I +refs: +([\d,]+)', text)
    if status or not found:
        raise SystemExit(text[-2000:])
    return int(found.group(1).replace(',', ''))


class Half:
    """A process of programs/halves.py."""

    def __init__(self, arguments, checkout, is_counted):
        program = os.path.join(HERE, 'benchmarks', 'programs', 'halves.py')
        path = os.pathsep.join(os.path.join(checkout, folder) for folder in ('backport', 'interface_server'))
        self.is_counted = is_counted
        self.process = subprocess.Popen(
            (VALGRIND if is_counted else []) + [sys.executable, program] + arguments,
            env=dict(os.environ, PYTHONHASHSEED='0', PYTHONPATH=path),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        if 'ready' not in self.process.stdout.readline():
            raise SystemExit(self.process.communicate()[1][-2000:])

    def end(self):
        """Return how many instructions it executed; None if they were not counted."""
        text = self.process.communicate()[1]
        return counted(text, self.process.returncode) if self.is_counted else None


def trips(kind, half, checkout, url, number):
    """Return how many instructions a half executes that lives for this many trips of a POST or a frame."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    arguments = {'server': [url, checkout, 'server', str(port)], 'worker': [url, checkout, 'worker']}
    halves = {name: Half(arguments[name], checkout, name == half) for name in arguments}
    with socket.create_connection(('127.0.0.1', port), timeout=60) as client:
        if kind == 'frame':
            client.sendall(journeys.HANDSHAKE)
            journeys.read_until(client, b'\r\n\r\n')
        sent, end = (journeys.FRAME, journeys.ECHO) if kind == 'frame' else (journeys.POST, b'\r\n\r\nb')
        for _ in range(number):
            client.sendall(sent)
            journeys.read_until(client, end)
    # The worker has the socket's end to hear of.
    counts = {name: halves[name].end() for name in ('server', 'worker')}
    return counts[half]


def show(checkout, what, number):
    print('%-40s %-14s %9.0f' % (os.path.basename(checkout), what, number), flush=True)


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
            show(checkout, kind, (many - few) / (MANY - FEW))
        for kind in ('POST', 'frame'):
            for half in ('server', 'worker'):
                few, many = [trips(kind, half, checkout, options.url, n) for n in (FEW_TRIPS, MANY_TRIPS)]
                show(checkout, '%s, %s' % (kind, half), (many - few) / (MANY_TRIPS - FEW_TRIPS))


if __name__ == '__main__':
    main()
