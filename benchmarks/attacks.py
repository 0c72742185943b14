#!/usr/bin/env python3
"""
Attack an interface server in many ways, and see what others notice of it.

For each attack: how long the others' requests take (the median, as a multiple
of what they take in peace), what the server's memory grows to, its CPU time,
and how many lines it logs. The exit status is 1 if a row is beyond its limit.

Since there may be other work on the machine, a request is taken to have lasted
as long as the site's processes were busy meanwhile, if that is less than what the
clock says and they had to wait for a processor.

All attackers come from one address, which is not loopback's where the machine
has another: as many connections as one address may have. Where they ask for what
workers have to do, the one worker here is always busy: others wait for the
request that it is at, and for one more, so that three times as long is what can
be had.
"""
import contextlib
import functools
import http.client
import os
import socket
import statistics
import sys
import time

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.harness import CHECKOUT, accounting, own_site  # noqa: E402: found by the line above
from benchmarks.harness.programs import free_port  # noqa: E402
from benchmarks.load.attacks import ATTACKS, LONG_REQUESTS, TAKE_WORKERS  # noqa: E402

#: What others' median may be multiplied by, the megabytes that the server may
#: have, and the lines that it may log for one attack.
TIMES, MEGABYTES, LINES = 3.0, 600, 20
#: The first of these where single requests keep the one worker busy for long: a
#: multiple of what such a request takes alone, since others wait until it has
#: done that and one more.
TIMES_OF_LONG = 3.0
#: Milliseconds between two requests of somebody else.
INTERVAL = 10.0
#: Milliseconds below which a median is no harm, whatever it was in peace.
UNNOTICED = 5.0


def parser():
    """Return the ArgumentParser of attacks.py."""
    result = own_site.parser('attacks.py', __doc__)
    add = result.add_argument
    add('--only', metavar='TEXT', default='', help='attacks whose names contain this')
    add('--seconds', type=float, default=4, help='for each attack (default: 4)')
    add('--list', action='store_true', help='print the names, and end')
    return result


def own_address():
    """Return an address of this machine, if possible not loopback's; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('192.0.2.1', 9))
            return probe.getsockname()[0]
        except OSError:
            return '127.0.0.1'


def name_of(attack):
    return '%s: %s' % (attack.protocol, attack.name)


def while_it_lasted(milliseconds):
    """Return what a request took, and what those would have taken that were to come until it ended."""
    return [milliseconds - INTERVAL * number for number in range(max(1, int(milliseconds // INTERVAL)))]


class Others:
    """Somebody who wants a page now and then, over one connection."""

    def __init__(self, port, pids=()):
        self.pids = [os.getpid(), *pids]
        self.connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)

    def ask(self, seconds):
        """
        Return the milliseconds that each of the requests of so many seconds took.

        Not counted is what the processes of `pids` had to wait for a processor,
        as far as they were not busy in that time, each or another one.

        While one takes long, others would have come in the same interval, and
        have waited for the rest of it: they count, or a stop of seconds would
        be one number among hundreds.
        """
        took, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            before, began = accounting.scheduled(self.pids), time.monotonic()
            try:
                self.connection.request('GET', '/hello/')
                response = self.connection.getresponse()
                is_well = response.status == 200
                response.read()
            except (OSError, http.client.HTTPException):
                is_well = False
                self.connection.close()
            seconds = time.monotonic() - began
            busy, delayed = (after - so_far for after, so_far in zip(accounting.scheduled(self.pids), before))
            seconds = min(seconds, max(seconds - delayed, busy))
            took += while_it_lasted(seconds * 1000 if is_well else 30000.0)
            time.sleep(INTERVAL / 1000)
        return took


class Row:
    """What one attack did."""

    def __init__(self, attack, before, during, memory, cpu, lines, long=0.0):
        self.attack, self.long = attack, long
        self.median, self.worst = statistics.median(during), max(during)
        self.before = statistics.median(before)
        self.times = self.median / self.before
        self.memory, self.cpu, self.lines = memory, cpu, lines

    def wrong(self):
        """Yield what is beyond its limit."""
        if self.median > max(UNNOTICED, TIMES * self.before, TIMES_OF_LONG * self.long):
            yield 'others wait %.1f times as long' % self.times
        if self.memory > MEGABYTES * 1e6:
            yield 'the server has %.0f MB' % (self.memory / 1e6)
        if self.lines > LINES:
            yield '%d lines were logged' % self.lines

    def __str__(self):
        name = name_of(self.attack)
        return '%-46s %4d %7.1f %5.1fx %7.1f %6.0f %5.0f %5d%s' % (
            name, self.attack.connections, self.median, self.times, self.worst, self.memory / 1e6, self.cpu * 100,
            self.lines, '  takes workers' if name in TAKE_WORKERS else '',
        ) + (', each for %.0f ms: others wait for %.1f of these' % (
            self.long, self.median / self.long) if self.long else '')


HEADING = '%-46s %4s %7s %6s %7s %6s %5s %5s' % ('attack', 'of', 'ms', '', 'worst', 'MB', 'CPU %', 'lines')


def count_lines(log):
    with open(log, 'rb') as file:
        return sum(1 for _ in file)


def long_request(port):
    """Return the milliseconds that 10 MB take where nobody else asks for anything."""
    took = []
    for _ in range(5):
        with contextlib.closing(http.client.HTTPConnection('127.0.0.1', port, timeout=30)) as connection:
            began = time.monotonic()
            connection.request('GET', '/stream/')
            connection.getresponse().read()
            took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)


def measure(machine, attack, seconds):
    """Attack a new site; return the Row."""
    address, port = own_address(), free_port()
    site = own_site.own_site(machine, options=('-b', '%s:%d' % (address, port)))
    with site as stack, machine.programs() as attackers:
        server, others = stack.programs[0], Others(stack.port, stack.roots)
        others.ask(0.5)
        before = others.ask(1.5)
        long = long_request(stack.port) if name_of(attack) in LONG_REQUESTS else 0.0
        lines, cpu = count_lines(server.log), accounting.cpu_seconds([server.pid])
        attacker = machine.program('attacker', [
            sys.executable, str(CHECKOUT / 'benchmarks' / 'load' / 'attacks.py'), '%s:%d' % (address, port),
            name_of(attack),
        ])
        attackers.append(attacker)
        others.ask(1)
        during, memory = others.ask(seconds), accounting.memory([server.pid])
        spent = (accounting.cpu_seconds([server.pid]) - cpu) / (seconds + 1)
        if attacker.process.poll() is not None:
            raise attacker.failed('ended')
        return Row(attack, before, during, memory, spent, count_lines(server.log) - lines, long)


def attack_with(chosen, seconds, machine, reporter):
    """Attack in each of the ways; yield what is beyond its limit."""
    reporter.say(HEADING)
    for attack in chosen:
        row = measure(machine, attack, seconds)
        reporter.say(str(row))
        yield from row.wrong()


def main(arguments=None):
    """Attack; return the exit status."""
    options = parser().parse_args(arguments)
    chosen = [attack for attack in ATTACKS if options.only in name_of(attack)]
    if options.list:
        print('\n'.join(map(name_of, chosen)))
        return 0
    return own_site.run(functools.partial(attack_with, chosen, options.seconds), options.cache)


if __name__ == '__main__':
    sys.exit(main())
