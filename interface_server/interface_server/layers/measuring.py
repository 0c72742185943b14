"""
Length of a queue in Redis.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.channels.layers.redis.outage import COMMAND_TIMEOUT
from django.channels.layers.transport.resp import pack

from .connection import Outcome
from .pool import ConnectionPool

__all__ = ["measure_then"]


def measure_then(pools: Sequence[ConnectionPool], keys: Any, queue: str, tell: Callable[[int], None]) -> None:
    """
    Call `tell` with the length of `queue`: the average of those that it has, one on each shard.

    It follows what was sent before on the same connections. A server that is
    away has an empty one: who sends to it is told so.
    """
    shards = keys.shards_to(queue)
    lengths: list[int] = []

    def take(outcome: Outcome) -> None:
        known = isinstance(outcome, list) and type(outcome[0]) is int
        lengths.append(outcome[0] if known else 0)  # type: ignore[index]
        if len(lengths) == len(shards):
            tell(sum(lengths) // len(shards))

    for shard in shards:
        connection = pools[shard].shared
        if connection is None:
            take([0])
        else:
            connection.call_then((pack("LLEN", keys.queue(shard, queue)),), COMMAND_TIMEOUT, take)
