#!/usr/bin/env python3
"""
Async views and event streams of one worker process, beside sync views.

Six async views of a second each are asked for at once; then as many streams as
wanted are opened, each of which gets an event a second, and a sync view is asked
for again and again. At the end all clients leave without a word. It prints how
long the views took, what the worker's memory grew by for a stream, and how long
it was until all generators were closed.

The site is that of tests/system, run by the interpreter that
CHANNELS_SYSTEM_PYTHON names, over a Redis of its own.
"""
import argparse
import asyncio
import contextlib
import os
import resource
import sys
import tempfile
import time

TESTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'tests')
sys.path[:0] = [os.path.join(TESTS, 'system'), os.path.join(TESTS, 'channels_tests')]

import subject  # noqa: E402: found by the line above
from clients import get  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from streaming import open_streams, timed  # noqa: E402


def parser():
    """Return the ArgumentParser of streams.py."""
    result = argparse.ArgumentParser(
        prog='streams.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument('--streams', type=int, default=1000, metavar='N', help='how many (default: 1000)')
    result.add_argument('--seconds', type=float, default=30, help='for how long (default: 30)')
    return result


def resident(pid):
    """Return what a process holds, in kB."""
    with open('/proc/%d/statm' % pid) as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


def percentile(values, part):
    """Return the value that `part` of the values are not above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def ask(port, seconds):
    """Ask for a sync view, 20 times a second; return how long each answer took, in seconds."""
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        status, answer = await timed(port, '/hello/')
        if status != 200:
            raise RuntimeError('the sync view answered with %d' % status)
        took.append(answer)
        await asyncio.sleep(max(0, 0.05 - answer))
    return took


async def measure(options, port, pid):
    """Do all of it, and print the figures."""
    await asyncio.gather(*[timed(port, '/async/nap/') for _ in range(6)])
    began = time.monotonic()
    await asyncio.gather(*[timed(port, '/async/nap/') for _ in range(6)])
    print('six async views of 1 s at once: %.2f s' % (time.monotonic() - began))
    alone = await ask(port, min(options.seconds, 5))
    print('sync view alone: median %.1f ms, p99 %.1f ms' % (
        1000 * percentile(alone, 0.5), 1000 * percentile(alone, 0.99)))
    before, began = resident(pid), time.monotonic()
    streams = await open_streams(port, '/async/events/', options.streams)
    print('%d streams are open after %.1f s' % (len(streams), time.monotonic() - began))
    events, began = sum(stream.events for stream in streams), time.monotonic()
    beside = await ask(port, options.seconds)
    seconds = time.monotonic() - began
    events = sum(stream.events for stream in streams) - events
    print('sync view beside them: median %.1f ms, p99 %.1f ms' % (
        1000 * percentile(beside, 0.5), 1000 * percentile(beside, 0.99)))
    print('%.2f events a second and stream, longest gap %.2f s' % (
        events / seconds / len(streams), max(stream.longest_gap for stream in streams)))
    print('memory of the worker: %d kB before, %.1f kB a stream' % (
        before, (resident(pid) - before) / len(streams)))
    for stream in streams:
        stream.leave()
    began = time.monotonic()
    while get(port, '/async/counts/').json()['open']:
        await asyncio.sleep(0.02)
    print('all generators were closed after %.2f s' % (time.monotonic() - began))


@contextlib.contextmanager
def serving(workers):
    """Serve the site with so many worker processes; give the server's port and the workers, each a Program."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    redis = RedisServer()
    redis.start()
    with tempfile.TemporaryDirectory() as folder:
        site = subject.site(folder, SUT_LAYERS='redis', SUT_REDIS=redis.url, SUT_DEBUG='no', SUT_LINT='no')
        try:
            server, port = site.server()
            programs = [site.manage('runworker') for _ in range(workers)]
            for program in programs:
                program.wait_for('Listening on')
            yield port, programs
        finally:
            site.stop()
            redis.stop()


def main(arguments=None):
    """Run the program; return the exit status."""
    options = parser().parse_args(arguments)
    with serving(workers=1) as (port, workers):
        asyncio.run(measure(options, port, workers[0].pid))
    return 0


if __name__ == '__main__':
    sys.exit(main())
