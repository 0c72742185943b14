"""
Messages for this process' clients, from one connection to Redis.

What is read is handed out where it is read, and asked for again: no task
wakes up for that. One goes on with what is rare: large messages, errors.
"""
from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from django.channels.layers.redis.outage import COMMAND_TIMEOUT, unavailable
from django.channels.layers.transport.operations import Block, Result, flatten
from django.channels.layers.transport.resp import ReplyError, is_wrong_type

from ..backport import exceptions
from . import Dispatch
from .batches import BatchSize
from .connection import Outcome, RedisConnection
from .pool import ConnectionPool

__all__ = ["Reading"]

#: Seconds that a reader waits before it asks again.
READ_TIMEOUT = 10.0


class ReadingDriver(Protocol):
    """The layer that is read from."""

    async def next_request(self, plan: Any, request: Any) -> Any:
        """Carry out `request`, for which `plan` has asked; return what it asks for next."""

    def run_soon(self, running: Coroutine[Any, Any, None]) -> None:
        """Have a coroutine run in a task."""


class Reading:
    """
    Reads by the plans of `reader`, on one shard, over `connection`, which is of `pool`.

    `batch` learns how many messages to ask for, and `dispatch` gets them;
    `token` is the reader's name among all that wait.
    """

    def __init__(
        self, driver: ReadingDriver, reader: Any, pool: ConnectionPool, connection: RedisConnection, token: str,
        batch: BatchSize, dispatch: Dispatch,
    ) -> None:
        self._driver = driver
        self._reader = reader
        self._pool = pool
        self._connection = connection
        self._token = token
        self._batch = batch
        self._dispatch = dispatch
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Read until the connection has ended; raise what the reader or `dispatch` does."""
        self._ask()
        try:
            await self._ended
        finally:
            self._ended.cancel()

    def _ask(self) -> None:
        """Ask for more until that takes waiting."""
        try:
            while not self._ended.done():
                if not self._connection.is_open:
                    self._ended.set_result(None)
                    return
                plan = flatten(self._reader.receive(self._batch.number, READ_TIMEOUT, self._token))
                request = next(plan)
                if type(request) is not Result:
                    self._carry_out(plan, request)
                    return
                self._hand_out(request.value)
        except Exception as error:
            self._fail(error)

    def _hand_out(self, deliveries: Sequence[Any]) -> None:
        if deliveries:
            self._batch.learn(deliveries)
            self._dispatch(deliveries)

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    def _carry_out(self, plan: Any, request: Any) -> None:
        if type(request) is not Block:
            self._driver.run_soon(self._run(plan, request))
            return
        # A reader has the queues of one shard only; see RedisLayer.read().
        [(_, commands)] = request.requests
        self._pool.waits.add(request)
        self._connection.call_then(
            commands, request.timeout + COMMAND_TIMEOUT, functools.partial(self._on_replies, plan, request))

    def _on_replies(self, plan: Any, wait: Block, replies: Outcome) -> None:
        """Go on with a `plan` that has waited."""
        self._pool.waits.discard(wait)
        if self._ended.done():
            return
        try:
            if not isinstance(replies, list) or ReplyError in map(type, replies):
                self._driver.run_soon(self._run(plan, _Failed(self._pool, self._connection, wait, replies)))
                return
            self._pool.outage.record_recovery()
            after = plan.send([(self._pool.number, replies)])
            if type(after) is not Result:
                self._driver.run_soon(self._run(plan, after))
                return
            self._hand_out(after.value)
        except Exception as error:
            self._fail(error)
        else:
            self._ask()

    async def _run(self, plan: Any, request: Any) -> None:
        try:
            while type(request) is not Result:
                request = await self._driver.next_request(plan, request)
                if type(request) is Block:
                    self._carry_out(plan, request)
                    return
            if not self._ended.done():
                self._hand_out(request.value)
        except Exception as error:
            self._fail(error)
        else:
            self._ask()


class _Failed:
    """A wait that ended with errors among its `replies`, or with one in place of them."""

    def __init__(self, pool: ConnectionPool, connection: RedisConnection, wait: Block, replies: Outcome) -> None:
        self._pool = pool
        self._connection = connection
        self._wait = wait
        self._replies = replies

    async def answer(self) -> list[Any]:
        """Return what the plan waits for, which may be that the shard can't be read."""
        pool, replies, wait = self._pool, self._replies, self._wait
        if not isinstance(replies, list):
            return [(pool.number, unavailable(pool.name, replies, True))]
        [(_, commands)] = wait.requests
        pool.waits.add(wait)
        try:
            replies = await pool.repaired(self._connection, commands, replies, wait.timeout + COMMAND_TIMEOUT)
        except exceptions.LayerUnavailable as error:
            return [(pool.number, error)]
        finally:
            pool.waits.discard(wait)
        if type(replies[-1]) is ReplyError and not is_wrong_type(replies[-1]):
            # Out of memory, or its disk is full: it says so again at once.
            refusal = unavailable(pool.name, replies[-1], True)
            await asyncio.sleep(pool.outage.record_failure(refusal))
            return [(pool.number, refusal)]
        pool.outage.record_recovery()
        return [(pool.number, replies)]
