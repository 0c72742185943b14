#!/usr/bin/env python3
"""
What one more of everything costs: bytes of memory and microseconds of CPU.

Each quantity is measured at three points, and the slope of the line through
them is printed: what one more socket, member of a group, server process,
worker, shard, byte or request costs each process. The costs of what isn't
there once for each, such as Python itself, are the line's beginning.

CPU time is what the kernel accounts for the threads of a process, the least of
several rounds; memory is its pages, shared ones in proportion (PSS: a worker
and the process that watches over it share most), and what Redis says of itself.
No seconds of a clock enter, but other load costs CPU time, too. It starts
a Redis, interface servers and workers of this checkout on this Python, which
needs Django, redis, hiredis, msgpack and what the interface server needs.
"""
import argparse
import asyncio
import os
import resource
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(HERE)
PATHS = [os.path.join(CHECKOUT, 'backport'), os.path.join(CHECKOUT, 'interface_server'),
         os.path.join(HERE, 'programs', 'slopes_site')]
if __name__ == '__main__':
    if os.environ.get('PYTHONPATH') != os.pathsep.join(PATHS):
        # Before Python starts: an installed hook would be there first.
        os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, PYTHONPATH=os.pathsep.join(PATHS)))
    sys.path[0] = CHECKOUT
    sys.path.append(os.path.join(CHECKOUT, 'tests', 'channels_tests'))

import channels  # noqa: E402, F401: installs the import hook

from benchmarks.harness import sockets as protocol  # noqa: E402
from benchmarks.harness.checkout_site import PATIENCE, Failed, Site, info, started  # noqa: E402
from benchmarks.harness.sockets import Listener, connect  # noqa: E402
from benchmarks.harness.statistics import slope  # noqa: E402

#: Seconds in which each idle socket is sent one ping.
PINGS = 20
#: How often CPU time is measured; the least counts.
ROUNDS = 7
GROUP = 'slopes'
PARTS = 'server, us', 'worker, us', 'redis, us'


def difference(after, before):
    return tuple(new - old for new, old in zip(after, before))


async def least(site, work):
    """Return the microseconds that `work()` costs (servers, workers, Redis), each the least of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        before = site.cpu()
        await work()
        rounds.append(difference(site.cpu(), before))
    return tuple(min(costs) for costs in zip(*rounds))


# What is measured: each yields (the quantity, its amount, {cost: number})

async def sockets(points):
    """Open sockets, idle; and those that are members of one group, to which is sent."""
    for path, what in (('/', 'idle socket'), ('/member/', 'member of a group')):
        async with started(Site()) as site:
            layer, clients = site.layer(), []
            for amount in points:
                before = site.cpu()
                opened = amount - len(clients)
                while len(clients) < amount:
                    clients += await asyncio.gather(*[connect(site.ports[0], path, Listener()) for _ in range(50)])
                await asyncio.sleep(1)
                handshakes = [cost / opened for cost in difference(site.cpu(), before)]
                figures = {'server, bytes': site.servers[0].memory(), 'redis, bytes': site.used_memory()}
                if path == '/':
                    before = site.cpu()
                    await asyncio.sleep(PINGS)
                    server, worker, redis = difference(site.cpu(), before)
                    figures.update({'server, us a second': server / PINGS, 'redis, us a second': redis / PINGS})
                    yield 'handshake', amount, dict(zip(PARTS, handshakes))
                else:
                    figures.update(await broadcasts(site, layer, clients))
                yield what, amount, figures


async def broadcasts(site, layer, clients, number=50):
    """Return what each of so many sends to the group costs, once all its members have all of them."""
    def send_all(begin):
        for sent in range(number):
            layer.send_group(GROUP, {'text': '%08d' % (begin + sent) + 'x' * 100})

    async def send():
        received, until = sum(client.received for client in clients), time.monotonic() + PATIENCE
        await asyncio.to_thread(send_all, received)
        while sum(client.received for client in clients) < received + number * len(clients):
            if time.monotonic() > until:
                raise Failed('Members have not got what was sent to their group.')
            await asyncio.sleep(0.01)
    server, worker, redis = await least(site, send)
    return {'server, us a send': server / number, 'redis, us a send': redis / number}


async def processes(points):
    """Server processes with one member each of a group; and workers; and shards."""
    for amount in points:
        async with started(Site(servers=amount)) as site:
            layer = site.layer()
            clients = [await connect(port, '/member/', Listener()) for port in site.ports]
            yield 'server process with members', amount, await broadcasts(site, layer, clients)
    for amount in points:
        async with started(Site(workers=amount)) as site:
            await asyncio.sleep(2)
            server, worker, redis = await least(site, lambda: asyncio.sleep(2))
            yield 'worker, idle', amount, {
                'worker, bytes': sum(process.memory() for process in site.workers),
                'worker, us a second': worker / 2, 'redis, us a second': redis / 2,
                'connections': info(site.hosts[0], 'clients')['connected_clients'],
            }
    for amount in points:
        async with started(Site(shards=amount)) as site:
            layer = site.layer()
            clients = [await connect(site.ports[0], '/member/', Listener()) for _ in range(20)]
            yield 'shard', amount, await broadcasts(site, layer, clients)


async def sizes(points):
    """Messages of so many bytes that wait in a channel, and a pair of send and receive."""
    async with started(Site(servers=0, workers=0)) as site:
        layer, number = site.layer(), 90
        for size in points:
            message, costs = {'text': 'x' * size}, []
            for _ in range(ROUNDS):
                redis, own = site.cpu()[2], cpu_of_self()
                for _ in range(number):
                    layer.send('sizes', message)
                held = site.keys_memory()
                for _ in range(number):
                    layer.receive(['sizes'])
                costs.append((site.cpu()[2] - redis, cpu_of_self() - own))
            yield 'byte of a message', size, {
                'redis, bytes': held / number, 'redis, us': min(cost[0] for cost in costs) / number,
                'sender and reader, us': min(cost[1] for cost in costs) / number,
            }


def cpu_of_self():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


async def traffic(points):
    """Requests over kept connections, and frames that are echoed, 16 at a time."""
    async with started(Site()) as site:
        connections = [await asyncio.open_connection('127.0.0.1', site.ports[0]) for _ in range(16)]

        async def ask(reader, writer, number):
            for _ in range(number):
                writer.write(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
                await reader.readuntil(b'\r\n\r\n')
                await reader.readexactly(2)
        await asyncio.gather(*[ask(*connection, 20) for connection in connections])
        for amount in points:
            costs = await least(site, lambda: asyncio.gather(*[ask(*pair, amount // 16) for pair in connections]))
            yield 'request', amount, dict(zip(PARTS, costs))
        clients = [await connect(site.ports[0], '/', Listener()) for _ in range(16)]

        async def echo(client, number):
            for _ in range(number):
                expected = client.received + 1
                client.transport.write(protocol.frame(protocol.TEXT, b'%08d' % expected))
                while client.received < expected:
                    await asyncio.sleep(0.001)
        for amount in points:
            costs = await least(site, lambda: asyncio.gather(*[echo(client, amount // 16) for client in clients]))
            yield 'frame that is echoed', amount, dict(zip(PARTS, costs))


async def measure(options):
    """Print each quantity's costs, and the slopes of the lines through them."""
    parts = {
        'sockets': lambda: sockets(options.sockets), 'processes': lambda: processes((1, 2, 3)),
        'sizes': lambda: sizes((100, 10000, 50000)), 'traffic': lambda: traffic(options.requests),
    }
    print('%-28s %-24s %s' % ('one more', 'costs', 'slope; line begins at; points'))
    for name in options.only or parts:
        found = {}
        async for what, amount, figures in parts[name]():
            for cost, figure in figures.items():
                found.setdefault((what, cost), []).append((amount, figure))
        for (what, cost), points in found.items():
            rise, begin = slope(points)
            shown = ', '.join('%d: %.5g' % point for point in points)
            print('%-28s %-24s %.4g; %.4g; %s' % (what, cost, rise, begin, shown), flush=True)


def main():
    parser = argparse.ArgumentParser(
        prog='slopes.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('only', nargs='*', metavar='PART', help='sockets, processes, sizes, traffic (default: all)')
    parser.add_argument('--sockets', type=int, nargs=3, default=(500, 1000, 2000), metavar='N')
    parser.add_argument('--requests', type=int, nargs=3, default=(320, 640, 960), metavar='N')
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    asyncio.run(measure(options))


if __name__ == '__main__':
    main()
