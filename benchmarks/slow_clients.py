#!/usr/bin/env python3
"""
Slow uploaders and slow readers against two workers of one thread each.

A client asks for a small page, 20 times a second: alone, beside 50 clients
that send a form at 4 kB/s, and beside 50 that read a response of 4 MB at
100 kB/s, in turn, as many rounds as wanted. Each slow client that is done
begins anew. It prints how long the small page took. Where a slow client held
a worker, that would be seconds.

The site is that of tests/system; see streams.py.
"""
import argparse
import asyncio
import contextlib
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from streams import ask, percentile, serving  # noqa: E402: found by the line above

#: Bytes of a form, and how many of them a slow client sends at once.
FORM, SENT = 20 * 1000, 1000
#: The size of a response, and how many bytes of it a slow client reads at once.
MEGABYTES, READ = 4, 25 * 1000
#: Seconds between two of them.
PAUSE = 0.25


def parser():
    """Return the ArgumentParser of slow_clients.py."""
    result = argparse.ArgumentParser(
        prog='slow_clients.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument('--clients', type=int, default=50, metavar='N', help='slow ones (default: 50)')
    result.add_argument('--seconds', type=float, default=20, help='for each measurement (default: 20)')
    result.add_argument('--rounds', type=int, default=5, metavar='N', help='how many (default: 5)')
    # What the program starts itself with.
    result.add_argument('--be', choices=['uploaders', 'readers'], help=argparse.SUPPRESS)
    result.add_argument('--port', type=int, help=argparse.SUPPRESS)
    return result


async def upload(port):
    """Send a form slowly; return whether it was answered well."""
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(b'POST /form/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n'
                 b'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n' % FORM)
    for _ in range(FORM // SENT):
        writer.write(b'a' * SENT)
        await asyncio.sleep(PAUSE)
    answer = await reader.read()
    writer.close()
    return answer.startswith(b'HTTP/1.1 200 ')


async def read(port):
    """Read a response slowly; return whether it came whole."""
    client = socket.socket()
    # What the kernel holds for it is megabytes otherwise.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * READ)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ('127.0.0.1', port))
    reader, writer = await asyncio.open_connection(sock=client, limit=READ)
    writer.write(b'GET /big/?megabytes=%d HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' % MEGABYTES)
    size = 0
    while data := await reader.read(READ):
        size += len(data)
        await asyncio.sleep(PAUSE)
    writer.close()
    return size > MEGABYTES * 2 ** 20


SLOW = {'uploaders': upload, 'readers': read}


async def be_slow(slow, port, number):
    """Have so many clients be slow, each in the way of the coroutine function `slow`, until this process is ended."""
    async def repeat(position):
        # Not all of them in one moment.
        await asyncio.sleep(position * 5 / number)
        while True:
            if not await slow(port):
                raise RuntimeError('a slow client was not served')

    await asyncio.gather(*[repeat(position) for position in range(number)])


@contextlib.asynccontextmanager
async def beside(name, port, number):
    """Have so many clients be slow, in a process of their own, lest they delay who measures."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, os.path.abspath(__file__), '--be', name, '--port', str(port), '--clients', str(number))
    try:
        # Until they are as evenly spread as they stay.
        await asyncio.sleep(15)
        yield
        if process.returncode is not None:
            raise RuntimeError('slow clients were not served')
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def measure(options, port):
    """Do all of it, and print the figures."""
    await ask(port, 2)
    took = {'alone': [], 'uploaders': [], 'readers': []}
    for _ in range(options.rounds):
        took['alone'] += await ask(port, options.seconds)
        for name in SLOW:
            async with beside(name, port, options.clients):
                took[name] += await ask(port, options.seconds)
    for name, values in took.items():
        print('%-10s median %6.1f ms, p99 %6.1f ms, at most %6.1f ms, of %d' % (
            name, 1000 * percentile(values, 0.5), 1000 * percentile(values, 0.99), 1000 * max(values), len(values)))
    for name in SLOW:
        print('p99 beside %s: %.2f times what it is alone' % (
            name, percentile(took[name], 0.99) / percentile(took['alone'], 0.99)))


def main(arguments=None):
    """Run the program; return the exit status."""
    options = parser().parse_args(arguments)
    if options.be:
        asyncio.run(be_slow(SLOW[options.be], options.port, options.clients))
    with serving(workers=2) as (port, workers):
        asyncio.run(measure(options, port))
    return 0


if __name__ == '__main__':
    sys.exit(main())
