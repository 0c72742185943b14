#!/usr/bin/env python3
"""
Hold many WebSockets for a long time, and see that nothing grows or is lost.

Clients come and go, one broadcasts each second, and some never read. At the
end: memory is what it was after a fifth of the time, within 5 %; no healthy
client has missed a message or got one twice; those that don't read have been
closed by the server, with 1013.
"""
import asyncio
import functools
import os
import re
import statistics
import sys
import time
import urllib.request

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.harness import own_site  # noqa: E402: found by the line above
from benchmarks.harness.programs import free_port  # noqa: E402
from benchmarks.harness.sockets import Listener, Sluggard, connect  # noqa: E402

#: How much memory may change, as a part of what it was.
TOLERANCE = 0.05


def parser():
    """Return the ArgumentParser of soak.py."""
    result = own_site.parser('soak.py', __doc__)
    add = result.add_argument
    add('--seconds', type=float, default=600, help='how long (default: 600)')
    add('--sockets', type=int, default=2000, metavar='N', help='healthy clients (default: 2000)')
    add('--slow', type=int, default=20, metavar='N', help='clients that never read (default: 20)')
    add('--churn', type=int, default=20, metavar='N',
        help='healthy clients that are replaced each second (default: 20)')
    add('--size', type=int, default=16384, metavar='BYTES',
        help="of a broadcast (default: 16384; what the kernel holds for a client that doesn't read is megabytes)")
    return result


class Soak:
    """One soak against the port of a site."""

    def __init__(self, options, stack, management, say):
        self.options = options
        self.management = management
        self.stack = stack
        self.say = say
        self.healthy = []
        self.gone = []
        self.memory = []
        self.sent = 0

    async def run(self):
        """Do all of it; return a list of what was wrong, as text."""
        options, started = self.options, time.monotonic()
        self.sender = await connect(self.stack.port, '/broadcast/', Listener())
        await self.open(options.sockets)
        sluggards = [await connect(self.stack.port, '/broadcast/', Sluggard()) for _ in range(options.slow)]
        self.say('%d sockets are open after %.0f s' % (options.sockets + options.slow + 1, time.monotonic() - started))
        begin = time.monotonic()
        while time.monotonic() - begin < options.seconds:
            tick = time.monotonic()
            self.sent += 1
            self.sender.send(self.sent, options.size)
            await self.churn()
            if self.sent % 10 == 0:
                for sluggard in sluggards:
                    sluggard.ping()
                memory = self.stack.memory()
                self.memory.append((time.monotonic() - begin, memory))
                self.say('%4.0f s: %d broadcasts, %.1f MB, %d slow clients left' % (
                    time.monotonic() - begin, self.sent, memory / 1e6,
                    sum(not sluggard.ended.done() for sluggard in sluggards),
                ))
            await asyncio.sleep(max(0, 1 - (time.monotonic() - tick)))
        await self.drain()
        return list(self.wrong(sluggards))

    def closed_with(self, code):
        """Return how many sockets the server says it has closed with a code."""
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % self.management, timeout=60) as response:
            text = response.read().decode()
        found = re.search(r'sockets_closed_total\{code="%d"\} (\d+)' % code, text)
        return int(found.group(1)) if found else 0

    async def open(self, number):
        """Open so many healthy clients, a few at a time."""
        async def some(count):
            for _ in range(count):
                client = Listener()
                client.born = self.sent
                self.healthy.append(await connect(self.stack.port, '/broadcast/', client))
        tasks = [number // 20 + (position < number % 20) for position in range(20)]
        await asyncio.gather(*[some(count) for count in tasks if count])

    async def churn(self):
        """Replace the oldest clients."""
        leaving, self.healthy = self.healthy[:self.options.churn], self.healthy[self.options.churn:]
        for client in leaving:
            client.close()
        self.gone += leaving
        await self.open(len(leaving))

    async def drain(self):
        """Wait until all have got the last broadcast, or nothing comes any more."""
        before = None
        while before != (before := sum(client.received for client in self.healthy)):
            await asyncio.sleep(3)

    def wrong(self, sluggards):
        """Yield what was not as it should be."""
        lost = sum(client.lost for client in self.healthy + self.gone)
        repeated = sum(client.repeated for client in self.healthy + self.gone)
        closed = [client for client in self.healthy if not client.is_open]
        behind = [
            client for client in self.healthy
            if client.is_open and client.last != self.sent and client.born < self.sent
        ]
        # Who was there when a number was sent gets it, and all after it.
        late = [client for client in self.healthy + self.gone if client.first and client.first > client.born + 2]
        received = sum(client.received for client in self.healthy + self.gone)
        self.say('%d messages were received; %d clients came and went' % (received, len(self.gone)))
        if lost or repeated:
            yield '%d messages were lost, %d came twice' % (lost, repeated)
        if closed:
            yield '%d healthy clients were closed, the first with %s' % (len(closed), closed[0].close_code)
        if behind:
            yield '%d healthy clients did not get the last message' % len(behind)
        if late:
            yield '%d clients missed the first message after they were accepted' % len(late)
        busy = self.closed_with(1013)
        if busy != len(sluggards):
            yield 'the server has closed %d sockets with 1013, not the %d that never read' % (busy, len(sluggards))
        left = [sluggard for sluggard in sluggards if not sluggard.ended.done()]
        if left:
            yield '%d of %d clients that never read were not closed' % (len(left), len(sluggards))
        seconds = self.options.seconds
        early = [memory for at, memory in self.memory if 0.2 * seconds <= at < 0.4 * seconds]
        end = [memory for at, memory in self.memory if at >= 0.8 * seconds]
        if not early or not end:
            yield 'too short to compare memory'
            return
        change = statistics.median(end) / statistics.median(early) - 1
        self.say('memory of server and worker: %.1f MB, at the end %.1f MB (%+.1f %%)' % (
            statistics.median(early) / 1e6, statistics.median(end) / 1e6, 100 * change))
        if abs(change) > TOLERANCE:
            yield 'memory has changed by %+.1f %%' % (100 * change)


def soak(options, machine, reporter):
    """Soak a site; yield what was wrong."""
    management = free_port()
    # Those who leave are still there for a moment.
    most = options.sockets + options.slow + 20 * options.churn + 100
    limits = ('--management', management, '--max-connections', max(10000, most))
    with own_site.own_site(machine, options=limits) as stack:
        say = functools.partial(reporter.progress, 'soak')
        yield from asyncio.run(Soak(options, stack, management, say).run())


def main(arguments=None):
    """Soak; return the exit status."""
    options = parser().parse_args(arguments)
    return own_site.run(functools.partial(soak, options), options.cache)


if __name__ == '__main__':
    sys.exit(main())
