"""
Probes: whether a shard's server answers, for those who don't wait long.
"""
from __future__ import absolute_import, unicode_literals

from ...compat.clock import monotonic
from ...exceptions import LayerUnavailable
from ..transport import absences
from .connection import failures
from .outage import unavailable


class Prober(object):
    """
    Carries Probes out, over the `pools` of a layer.

    A server that didn't answer, such as a node of a cluster, isn't asked again
    at once for its other shards.
    """

    def __init__(self, pools):
        self._pools = pools
        # Address -> (until when that is remembered, the error).
        self._silent = {}

    def carry_out(self, probe):
        """Return the replies to `probe`; raise LayerUnavailable."""
        pool = self._pools[probe.shard]
        try:
            address = pool.address or pool.server.locate()
        except failures() as error:
            raise unavailable(pool.server.name, error, False)
        until, error = self._silent.get(address, (0, None))
        if until > monotonic():
            raise unavailable(pool.server.name, error, False)
        try:
            return pool.exchange(probe.commands, timeout=probe.timeout)
        except LayerUnavailable as error:
            # Where it has led to: maybe elsewhere by now.
            self._silent[pool.address or address] = monotonic() + absences.REMEMBERED, error.__cause__
            raise
