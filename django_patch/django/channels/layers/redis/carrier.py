"""
The carrier of a layer's plans: its connections, and who waits on them.

It is loaded, and made, when the layer has something to say.
"""
from __future__ import absolute_import, unicode_literals

import types

from ...compat.clock import monotonic
from ...exceptions import LayerUnavailable
from ..transport.operations import Exchange, ExchangeAll, Probe, Result
from ..transport.plans import Transport
from .blocking_read import BlockingReader
from .pool import ConnectionPool, exchange_all
from .probing import Prober


class Carrier(object):
    """
    Carries out the plans of its `transport`, on the shards that are `servers`.

    `options` and lost_state(shard) are the transport's. `token` is a random
    name of the layer, the same in processes that are forked from one another.
    """

    def __init__(self, servers, options, token, lost_state):
        self.transport = Transport(options, monotonic, lost_state)
        self.pools = [ConnectionPool(number, server, self.transport) for number, server in enumerate(servers)]
        self.prober = Prober(self.pools)
        self.blocking = BlockingReader(self.pools, token)
        for pool in self.pools:
            pool.end_waiting = self.blocking.end_waiting

    def run(self, plan):
        """Return the Result of `plan`, and of the plans that it yields; raise what it raises."""
        callers, answer, error = [], None, None
        while True:
            try:
                request = plan.send(answer) if error is None else plan.throw(error)
            except Exception as raised:
                if not callers:
                    # Its traceback has this frame: no circle.
                    error = None
                    raise
                plan, answer, error = callers.pop(), None, raised
                continue
            kind, answer, error = type(request), None, None
            if kind is Result:
                if not callers:
                    return request.value
                plan, answer = callers.pop(), request.value
            elif kind is types.GeneratorType:
                callers.append(plan)
                plan = request
            else:
                try:
                    if kind is Exchange:
                        answer = self.pools[request.shard].exchange(request.commands)
                    elif kind is Probe:
                        answer = self.prober.carry_out(request)
                    elif kind is ExchangeAll:
                        answer = exchange_all(self.pools, request.requests)
                    else:
                        answer = self.blocking.carry_out(request)
                except LayerUnavailable as raised:
                    error = raised
