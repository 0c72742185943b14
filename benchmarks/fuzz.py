#!/usr/bin/env python3
"""
Have an interface server read mutated traffic of HTTP/1.1, HTTP/2 and WebSocket.

The site behind it is a real one: what is still a request reaches a worker. No
connection may be without an end, no traceback in the log, nobody else without
an answer, and memory after the last part must be what it was after the second.
"""
import functools
import os
import sys

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.attacks import Others  # noqa: E402: found by the line above
from benchmarks.harness import CHECKOUT, accounting, own_site  # noqa: E402
from benchmarks.peers import PEERS  # noqa: E402

PROTOCOLS = 'HTTP/1.1', 'HTTP/2', 'WebSocket'
#: Parts of the traffic of a protocol, in the first of which caches fill; and how
#: much more memory the server may have after the last than after the second of
#: them, as a part of that.
PARTS, TOLERANCE = 5, 0.05
#: Seconds that a part may take.
PATIENCE = 900


def parser():
    """Return the ArgumentParser of fuzz.py."""
    result = own_site.parser('fuzz.py', __doc__)
    add = result.add_argument
    add('--bytes', type=int, default=10 ** 7, metavar='N', help='of each protocol (default: 10,000,000)')
    add('--only', choices=PROTOCOLS, help='one of them')
    add('--seed', type=int, default=17, metavar='N', help='another one means other mutations (default: 17)')
    return result


def wrong_in(answers, memory, log):
    """Yield what was wrong, given the answers of the parts, the memory after each, and the log's text."""
    for answer in answers:
        for data in answer['hung']:
            yield 'no end: %s' % data
    if 'Traceback' in log:
        yield 'a traceback: ' + log[log.index('Traceback'):][:2000]
    change = memory[-1] / memory[1] - 1
    if change > TOLERANCE:
        yield 'memory has grown by %.1f %%' % (100 * change)


def fuzz(machine, protocol, size, seed, say):
    """Send so many bytes of a protocol to a new site; yield what was wrong."""
    with own_site.own_site(machine) as stack:
        server, answers, memory, worst = stack.programs[0], [], [], 0.0
        for part in range(PARTS):
            fuzzer = machine.program('fuzzer', [
                PEERS['ours'].environment(machine).python, str(CHECKOUT / 'benchmarks' / 'load' / 'fuzzer.py'),
                str(stack.port), protocol, str(size // PARTS), str(seed * PARTS + part),
            ], talks=True)
            answers.append(fuzzer.answer(PATIENCE))
            fuzzer.stop()
            worst = max(worst, *Others(stack.port).ask(0.5))
            stack.check()
            memory.append(accounting.memory([server.pid]))
    say('%-9s %9d bytes, %6d connections, %5d refused amid them; the slowest took %.1f s; %s MB' % (
        protocol, sum(answer['sent'] for answer in answers), sum(answer['connections'] for answer in answers),
        sum(answer['reset'] for answer in answers), max(answer['slowest'] for answer in answers),
        ', '.join('%.1f' % (each / 1e6) for each in memory),
    ))
    with open(server.log, encoding='utf-8', errors='replace') as file:
        yield from wrong_in(answers, memory, file.read())
    if worst >= 30000:
        yield 'somebody else had no answer'


def fuzz_all(options, machine, reporter):
    """Fuzz with each protocol that the options ask for; yield what was wrong."""
    for protocol in [options.only] if options.only else PROTOCOLS:
        yield from fuzz(machine, protocol, options.bytes, options.seed, reporter.say)


def main(arguments=None):
    """Fuzz; return the exit status."""
    options = parser().parse_args(arguments)
    return own_site.run(functools.partial(fuzz_all, options), options.cache)


if __name__ == '__main__':
    sys.exit(main())
