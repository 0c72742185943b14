"""
How things grow: with members, message size, connections, workers and shards.

A round each, for it is the slope that counts; the other modules have the points
that are measured with care. The report and the plot have each series as a whole.
"""
import dataclasses

from .layers import GROUP, MEMBERS, PAIR, REDIS_PEERS, SHARDS, SIZES, GroupSend, Pairs
from .site import BROADCASTS, ECHOES, GETS, MAIN, MESSAGE, RATE, REQUEST, Broadcast, Echo, Requests


class OfAKind(Requests):
    """GET of stacks that aren't the usual ones: kind() names that of a peer."""

    def kind(self, peer):
        raise NotImplementedError('subclasses of OfAKind must provide a kind() method')

    def stacks(self):
        return {(peer, self.kind(peer)) for peer in self.contenders}

    def measure(self, machine, peer, variant):
        with machine.serving(peer, self.kind(peer.name)) as stack, machine.programs() as programs:
            return self.load(machine, stack, programs, self.seconds(machine))


@dataclasses.dataclass(frozen=True)
class Workers(OfAKind):
    """GET with several workers behind one server."""
    workers: int = 1

    def kind(self, peer):
        return 'site, workers=%d' % self.workers


class Crowd(OfAKind):
    """GET over more connections than requests may wait at our default capacity; the peers' is raised anyway."""

    def kind(self, peer):
        return 'site, capacity=10000' if peer == 'ours' and self.connections > 100 else 'site'


WORKLOADS = [
    GroupSend(
        'group-%d' % members, 'Redis layer: group sends to %d members of one process' % members, GROUP,
        REDIS_PEERS + ('channels4/pubsub',), members=members, rounds=1, series=MEMBERS, x=members,
    ) for members in (10, 100, 10000)
] + [
    Pairs(
        'size-%d' % size, 'Redis layer: one pair, messages of %d bytes' % size, PAIR, REDIS_PEERS, size=size, rounds=1,
        series=SIZES, x=size,
    ) for size in (20, 2000, 20000, 1000000)
] + [
    Pairs(
        'layer-2-shards', 'Redis layer: four pairs over two Redis servers', PAIR, REDIS_PEERS, pairs=4, shards=2,
        rounds=1, series=SHARDS, x=2,
    )
] + [
    Echo(
        'echo-%d' % sockets, 'WebSocket echo of %d sockets' % sockets, MESSAGE, MAIN, sockets=sockets, rounds=1,
        series=ECHOES, x=sockets,
    ) for sockets in (10, 200, 1000)
] + [
    Crowd(
        'get-%d' % connections, 'GET over %d connections' % connections, REQUEST, MAIN, connections=connections,
        rounds=1,
        series=GETS, x=connections,
    ) for connections in (4, 200, 500)
] + [
    Broadcast(
        'broadcast-%d' % sockets, 'Broadcast to %d sockets' % sockets, (RATE,),
        ('ours', 'channels4', 'channels4/pubsub'),
        sockets=sockets, rounds=1, series=BROADCASTS, x=sockets,
    ) for sockets in (50, 2000)
] + [
    Workers(
        'workers-%d' % workers, 'GET with %d worker%s' % (workers, '' if workers == 1 else 's'), REQUEST,
        ('ours', 'channels1'), workers=workers, rounds=1,
        series='GET, by workers', x=workers,
    ) for workers in (1, 2, 4)
]
