"""
The channel layers alone: messages through Redis and through memory, groups.

Producer and consumer are processes of their own (programs/layer.py); the
Redis is new for each measurement. What is counted is what has arrived, from
the first send to the last receive.
"""
import dataclasses
import json

from ..harness import BENCHMARKS
from ..harness.accounting import cpu_seconds
from ..harness.statistics import Goal, Metric
from ..harness.workload import Workload

PROGRAM = BENCHMARKS / 'programs' / 'layer.py'


class LayerWorkload(Workload):
    """What the workloads of layers share."""

    def seconds(self, machine):
        return 0.6 if machine.quick else 1.5

    def start(self, machine, peer, role, urls, variant='', **job):
        """Start one end; return its Program, ready."""
        job = dict(
            {'adapter': str(peer.folder / peer.adapter), 'role': role, 'urls': urls, 'config': {}, 'size': 200,
             'seconds': self.seconds(machine), 'mode': '_batches' if variant == 'batched' else ''}, **job
        )
        if variant and variant != 'batched':
            job['config'] = {'kind': variant}
        return machine.program(
            '%s %s' % (peer.name, role), [peer.environment(machine).python, PROGRAM, json.dumps(job)], talks=True,
        )


RATE = Metric('rate', 'messages/s')
CPU = Metric('cpu', 'µs')
REDIS_CPU = Metric('redis cpu', 'µs')
ARRIVED = Metric('lost', '%', 1)


@dataclasses.dataclass(frozen=True)
class Pairs(LayerWorkload):
    """`pairs` producers and consumers, a channel each, over `shards` Redis servers."""
    size: int = 200
    pairs: int = 1
    shards: int = 1

    def measure(self, machine, peer, variant):
        with machine.redises(self.shards) as servers, machine.programs() as programs:
            urls = [server.url for server in servers]
            ends = []
            for number in range(self.pairs):
                for role in ('consume', 'produce'):
                    ends.append(self.start(
                        machine, peer, role, urls, variant, channel='bench-%d' % number, size=self.size,
                    ))
                    programs.append(ends[-1])
            for program in ends:
                program.answer()
            roots = [server.process.pid for server in servers]
            before = cpu_seconds(roots)
            for program in ends:
                program.tell('go')
            answers = [program.answer(90) for program in ends]
            redis_cpu = cpu_seconds(roots) - before
        consumed = sum(answer['count'] for answer in answers[::2])
        produced = sum(answer['count'] for answer in answers[1::2])
        seconds = max(answer['end'] for answer in answers) - min(answer['begin'] for answer in answers[1::2])
        return {
            'rate': consumed / seconds,
            'cpu': sum(answer['cpu'] for answer in answers) / consumed * 1e6,
            'redis cpu': redis_cpu / consumed * 1e6,
            'lost': 100 * (1 - consumed / produced),
        }


@dataclasses.dataclass(frozen=True)
class GroupSend(LayerWorkload):
    """One sender to a group of `members`, all held by one process, which reads all the time."""
    members: int = 1000

    def measure(self, machine, peer, variant):
        with machine.redises() as servers, machine.programs() as programs:
            urls = [server.url for server in servers]
            receiver = self.start(machine, peer, 'group_receive', urls, variant, members=self.members)
            programs.append(receiver)
            receiver.answer()
            sender = self.start(machine, peer, 'group_send', urls, variant, seconds=self.seconds(machine) / 2)
            programs.append(sender)
            sender.answer()
            before = cpu_seconds([servers[0].process.pid])
            sender.tell('go')
            sent = sender.answer()
            # Some were sent to warm up.
            expected = (sent['count'] + sent['warm']) * self.members
            receiver.tell(str(expected))
            received = receiver.answer(100)
            redis_cpu = cpu_seconds([servers[0].process.pid]) - before
        return {
            'sends': sent['count'] / (sent['end'] - sent['begin']),
            'deliveries': received['count'] / max(received['end'] - sent['begin'], 1e-3),
            'cpu': sent['cpu'] / sent['count'] * 1e6,
            'redis cpu': redis_cpu / sent['count'] * 1e6,
            'lost': 100 * (1 - received['count'] / expected),
        }


class MemoryPair(LayerWorkload):
    """Send and receive in one process, one message at a time."""

    def measure(self, machine, peer, variant):
        with machine.programs() as programs:
            program = self.start(machine, peer, 'memory_pair', [], variant)
            programs.append(program)
            program.answer()
            program.tell('go')
            answer = program.answer()
        return {'cpu': answer['cpu'] / answer['count'] * 1e6}


class MemoryGroup(LayerWorkload):
    """Group sends to 1,000 members in one process."""

    def measure(self, machine, peer, variant):
        with machine.programs() as programs:
            program = self.start(machine, peer, 'memory_group', [], variant, members=1000)
            programs.append(program)
            program.answer()
            program.tell('go')
            answer = program.answer()
        return {'sends': answer['count'] / answer['busy']}


PAIR = (RATE, CPU, REDIS_CPU, ARRIVED)
GROUP = (Metric('sends', 'group sends/s', 1), Metric('deliveries', 'messages/s'), CPU, REDIS_CPU, ARRIVED)
#: Series of the growth, see growth.py.
SIZES, MEMBERS, SHARDS = (
    'messages through Redis, by bytes', 'group sends, by members', 'messages of four pairs, by shards',
)

#: Contenders on the other Pythons.
PYTHONS = ('ours-py3.13', 'channels4-py3.13', 'ours-py3.6', 'ours-py2.7', 'channels1-py2.7')

REDIS_PEERS = ('ours', 'channels1', 'channels4')

WORKLOADS = [
    Pairs(
        'layer-pair', 'Redis layer: one producer, one consumer, 200 bytes, one message a call', PAIR,
        REDIS_PEERS + ('redis-py/script', 'redis-py', 'baseline'), series=SIZES, x=200,
        goals=(
            Goal('cpu', '<=', 1.03, 'baseline'),
            Goal('rate', '>=', 2.3, 'channels1'), Goal('rate', '>=', 5, 'channels4'),
            Goal('cpu', '<=', 1.3, 'redis-py/script'),
        ),
    ),
    Pairs(
        'layer-pair-pythons', 'the same on other Pythons', PAIR, ('ours',) + PYTHONS, rounds=2,
    ),
    Pairs(
        'layer-pair-batched', 'the same, many messages a call', PAIR, ('ours/batched', 'redis-py/batched'),
        goals=(Goal('rate', '>=', 60000, of='ours/batched'),),
    ),
    Pairs(
        'layer-pair-100kB', 'Redis layer: one producer, one consumer, 100 kB, one message a call', PAIR,
        REDIS_PEERS + ('redis-py/script', 'redis-py', 'baseline'), size=100000, series=SIZES, x=100000,
        goals=(
            Goal('rate', '>=', 2.5, 'channels1'), Goal('rate', '>=', 5, 'channels4'),
            Goal('rate', '>=', 0.75, 'redis-py'), Goal('redis cpu', '<=', 1.5, 'redis-py'),
        ),
    ),
    Pairs(
        'layer-pair-1MB', 'Redis layer: one producer, one consumer, 1 MB, one message a call', PAIR,
        REDIS_PEERS + ('redis-py', 'baseline'), size=1000000, rounds=3, series=SIZES, x=1000000,
        goals=(
            Goal('rate', '>=', 2.5, 'channels1'), Goal('rate', '>=', 5, 'channels4'),
            Goal('rate', '>=', 0.95, 'redis-py'), Goal('redis cpu', '<=', 1.15, 'redis-py'),
        ),
    ),
    Pairs(
        'layer-4-pairs', 'Redis layer: four producers, four consumers, 200 bytes', PAIR, REDIS_PEERS,
        pairs=4, rounds=3, series=SHARDS, x=1,
    ),
    Pairs(
        'layer-4-shards', 'the same over four Redis servers', PAIR, REDIS_PEERS, pairs=4, shards=4, rounds=3,
        series=SHARDS, x=4,
    ),
    GroupSend(
        'group-1000', 'Redis layer: group sends to 1,000 members of one process', GROUP,
        REDIS_PEERS + ('channels4/pubsub',), rounds=3, series=MEMBERS, x=1000,
        goals=(Goal('sends', '>=', 100, 'channels1'), Goal('sends', '>=', 1, 'channels4/pubsub')),
    ),
    MemoryPair(
        'memory-pair', 'In-memory layer: send and receive, 200 bytes', (CPU,),
        ('ours', 'asgiref1', 'channels4/memory', 'baseline'),
        rounds=3,
        goals=(
            Goal('cpu', '<=', 0.5, 'asgiref1'), Goal('cpu', '<=', 0.5, 'channels4/memory'),
            Goal('cpu', '<=', 1.03, 'baseline'),
        ),
    ),
    MemoryGroup(
        'memory-group', 'In-memory layer: group sends to 1,000 members', (Metric('sends', 'group sends/s', 1),),
        ('ours', 'asgiref1', 'channels4/memory'), rounds=3,
        goals=(Goal('sends', '>=', 20, 'asgiref1'), Goal('sends', '>=', 20, 'channels4/memory')),
    ),
]
