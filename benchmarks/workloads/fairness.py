"""
What happens when more comes at once than can be done at once: who waits for how
long, and who is sent away. Everything is at its defaults.
"""
import dataclasses

from ..harness.burst import burst
from ..harness.statistics import Goal, Metric
from .site import MESSAGE, P50, P99, REQUEST, Echo, Requests, SiteWorkload

#: How much longer the unlucky wait than the others.
SPREAD = Metric('p99 / p50', 'times', 2)
REFUSED = Metric('refused', 'clients')


def spread(figures):
    """Return the figures, with SPREAD."""
    if figures['p50'] and figures['p99']:
        figures[SPREAD.name] = figures['p99'] / figures['p50']
    return figures


@dataclasses.dataclass(frozen=True)
class Burst(SiteWorkload):
    """So many clients ask in one moment, once, for a view of 5 ms; `room` of them may wait at most."""
    clients: int = 300
    room: int = 2000

    def load(self, machine, stack, programs, seconds):
        burst(stack.port, '/pause/', 20)
        answers = burst(stack.port, '/pause/', self.clients)
        served = sorted(answer.seconds * 1e3 for answer in answers if answer.status == 200)
        refused = [number for number, answer in enumerate(answers) if answer.status == 503]
        if len(served) + len(refused) < self.clients:
            raise RuntimeError('neither 200 nor 503: %s' % ({answer.status for answer in answers} - {200, 503}))
        return spread({
            'p50': served[len(served) // 2], 'p99': served[int(len(served) * 0.99)], 'last': served[-1],
            'refused': len(refused), 'refused early': sum(number < self.room for number in refused),
            'no Retry-After': sum(answers[number].retry_after is None for number in refused),
        })


class Held(Requests):
    """Requests, with SPREAD."""

    def load(self, machine, stack, programs, seconds):
        return spread(super().load(machine, stack, programs, seconds))

    def settle(self, stack):
        # wrk leaves in the middle of a request on each of its connections,
        # which still has its turn: the clients that count would wait for those.
        burst(stack.port, self.path, 1)


class FairEcho(Echo):
    """Echo, with SPREAD."""

    def load(self, machine, stack, programs, seconds):
        return spread(super().load(machine, stack, programs, seconds))


BURST = (P50, P99, SPREAD, Metric('last', 'ms'), REFUSED)

WORKLOADS = [
    Burst(
        'burst', '300 clients that ask for a view of 5 ms at once, one worker', BURST, ('ours', 'gunicorn', 'hop'),
        rounds=3,
        goals=(
            Goal('refused', '<=', 0), Goal('last', '<=', 1, 'gunicorn'), Goal('p99 / p50', '<=', 2.1),
        ),
    ),
    Burst(
        'burst-2500', 'The same, 2,500 clients: those beyond 2,000 are told to come again', BURST + (
            Metric('refused early', 'clients'), Metric('no Retry-After', 'clients'),
        ), ('ours',), clients=2500, rounds=2,
        goals=(Goal('refused', '>=', 1), Goal('refused early', '<=', 0), Goal('no Retry-After', '<=', 0)),
    ),
    Held(
        'crowd', 'GET of a view of 5 ms over 300 connections for 10 s, one worker', REQUEST + (SPREAD,),
        ('ours', 'gunicorn', 'hop'), path='/pause/', connections=300, least=10, rounds=2,
        goals=(Goal('p99 / p50', '<=', 1.3),),
    ),
    FairEcho(
        'echo-fair-1000', 'WebSocket echo of 1,000 sockets', MESSAGE + (SPREAD,), ('ours', 'channels4'),
        sockets=1000, rounds=2,
        goals=(Goal('p99 / p50', '<=', 1.6), Goal('rate', '>=', 3, 'channels4')),
    ),
    FairEcho(
        'echo-fair-4000', 'WebSocket echo of 4,000 sockets, none of them closed', MESSAGE + (SPREAD,), ('ours', 'hop'),
        sockets=4000, rounds=2, goals=(Goal('p99', '<=', 300),),
    ),
]
