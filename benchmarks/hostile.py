#!/usr/bin/env python3
"""
Connect to an interface server with a thousand hostile clients of HTTP/2.

They come over loopback, where no limit of addresses is in the way, with a
hundred streams each: requests and bodies that don't go on, and large responses
for which they have no window. The server's memory must stay below what its
README.md says.
"""
import argparse
import asyncio
import os
import pathlib
import resource
import sys

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.harness import CHECKOUT  # noqa: E402: found by the line above
from benchmarks.harness.machine import Machine, Unavailable  # noqa: E402
from benchmarks.harness.programs import ProgramFailed  # noqa: E402
from benchmarks.load.attacks import (  # noqa: E402
    CONTINUATION, DATA, H2_POST, HEADERS, NO_WINDOW, PREFACE, frame, literal,
)
from benchmarks.peers import PEERS  # noqa: E402

#: What the server may have, in bytes.
STATED = 600 * 10 ** 6
#: GET /large/, of a megabyte.
GET_LARGE = b'\x82\x86' + literal(4, b'/large/') + literal(1, b'x')
#: Seconds between two looks.
INTERVAL = 2


def kinds():
    """Return what each kind of client says, as {name: bytes}."""
    numbers = range(1, 200, 2)
    post = b''.join(frame(HEADERS, 4, number, H2_POST) for number in numbers)
    asks = b''.join(frame(HEADERS, 5, number, GET_LARGE) for number in numbers)
    return {
        'no window for responses': NO_WINDOW + asks,
        'responses that are not read': PREFACE + asks,
        'bodies that do not come': PREFACE + post,
        'bodies in bytes': PREFACE + post + b''.join(frame(DATA, 0, number, b'x') * 500 for number in numbers),
        'bodies of 10 kB that stop': PREFACE + post + b''.join(
            frame(DATA, 0, number, bytes(10000)) for number in numbers),
        'headers without an end': PREFACE + frame(HEADERS, 1, 1, GET_LARGE) + frame(
            CONTINUATION, 0, 1, bytes(16000)) * 60,
        'a large header, again and again': PREFACE + b''.join(
            frame(HEADERS, 5, number, GET_LARGE + b'\x40\x01a\x7f\xa1\x1e' + b'x' * 4000) for number in numbers),
    }


def parser():
    """Return the ArgumentParser of hostile.py."""
    result = argparse.ArgumentParser(
        prog='hostile.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('--connections', type=int, default=1000, metavar='N', help='in all (default: 1000)')
    add('--seconds', type=int, default=40, help='after the last came (default: 40)')
    add('--cache', metavar='FOLDER', default=os.environ.get('BENCHMARKS_CACHE') or str(CHECKOUT / '.benchmarks'),
        help='as for run.py')
    return result


def most_memory(pid):
    """Return the most bytes that a process has had."""
    with open('/proc/%d/status' % pid, encoding='utf-8') as file:
        [most] = [int(line.split()[1]) * 1024 for line in file if line.startswith('VmHWM')]
    return most


async def attack(port, options, look):
    """Connect, say it all, read nothing; look now and then."""
    said, writers = list(kinds().values()), []
    for number in range(options.connections):
        _, writer = await asyncio.open_connection('127.0.0.1', port, limit=1024)
        writer.write(said[number % len(said)])
        writers.append(writer)
    for _ in range(0, options.seconds, INTERVAL):
        await asyncio.sleep(INTERVAL)
        look()
    for writer in writers:
        writer.transport.abort()


def main(arguments=None):
    """Attack; return the exit status."""
    from harness.report import Reporter
    options = parser().parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    reporter, stack = Reporter(), None
    machine = Machine(pathlib.Path(options.cache), reporter)
    try:
        stack = PEERS['ours'].start_site(machine, workers=2)
        server = stack.programs[0].pid
        asyncio.run(attack(stack.port, options, lambda: reporter.progress(
            'hostile', 'at most %.0f MB so far' % (most_memory(server) / 1e6))))
        stack.check()
        most = most_memory(server)
        reporter.say('%d connections: at most %.0f MB, stated: %.0f MB' % (
            options.connections, most / 1e6, STATED / 1e6))
        return 0 if most < STATED else 1
    except (Unavailable, ProgramFailed, OSError) as error:
        reporter.say('%s: %s' % (type(error).__name__, error))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if stack is not None:
            stack.stop()
        machine.close()


if __name__ == '__main__':
    sys.exit(main())
