#!/usr/bin/env python3
"""
Connect to an interface server with a thousand hostile clients of HTTP/2.

They come over loopback, where no limit of addresses is in the way, with a
hundred streams each: requests and bodies that don't go on, and large responses
for which they have no window. The server's memory must stay below what its
README.md says.
"""
import asyncio
import functools
import os
import sys

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.harness import own_site  # noqa: E402: found by the line above
from benchmarks.load.attacks import (  # noqa: E402
    CONTINUATION, DATA, H2_POST, HEADERS, NO_WINDOW, PREFACE, frame, literal,
)

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
    result = own_site.parser('hostile.py', __doc__)
    add = result.add_argument
    add('--connections', type=int, default=1000, metavar='N', help='in all (default: 1000)')
    add('--seconds', type=int, default=40, help='after the last came (default: 40)')
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


def trouble(options, machine, reporter):
    """Attack a site; yield what was wrong."""
    with own_site.own_site(machine, workers=2) as stack:
        server = stack.programs[0].pid
        asyncio.run(attack(stack.port, options, lambda: reporter.progress(
            'hostile', 'at most %.0f MB so far' % (most_memory(server) / 1e6))))
        most = most_memory(server)
    reporter.say('%d connections: at most %.0f MB, stated: %.0f MB' % (options.connections, most / 1e6, STATED / 1e6))
    if most >= STATED:
        yield 'the server has had more than is stated'


def main(arguments=None):
    """Attack; return the exit status."""
    options = parser().parse_args(arguments)
    return own_site.run(functools.partial(trouble, options), options.cache)


if __name__ == '__main__':
    sys.exit(main())
