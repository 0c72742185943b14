"""
The connections to each shard, and what to do when one is cut.
"""
from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Coroutine, Sequence
from typing import Any, Optional

import redis.asyncio
from django.channels.layers.redis.outage import (
    COMMAND_TIMEOUT, CONNECT_TIMEOUT, LEAVE_TIMEOUT, REDIRECTED, RETRY_LATER, Outage, unavailable,
)
from django.channels.layers.transport import scripts
from django.channels.layers.transport.resp import ReplyError

from ..backport import exceptions
from .connection import FAILURES, Outcome, RedisConnection

logger = logging.getLogger(__name__)

#: Seconds between two questions who the master is.
WATCH_INTERVAL = 1.0


class ConnectionPool:
    """
    The connections to one shard: one that all senders share, and the readers'.

    `server` says where it is, and `transport` what to greet it with. While
    it can't be reached, calls fail at once, and one task keeps trying.
    """

    def __init__(self, number: int, server: Any, transport: Any) -> None:
        self.number = number
        self.name: str = server.name
        self._server = server
        self._transport = transport
        self._shared: Optional[RedisConnection] = None
        self._task: Optional[asyncio.Task[None]] = None
        self.outage = Outage(server.name, logger)
        # Set while there is a connection, and while it is known that none
        # can be had; clear while one is being made.
        self._known = asyncio.Event()
        #: Set while there is a connection.
        self.reachable = asyncio.Event()
        #: The Blocks that wait on connections of readers.
        self.waits: set[Any] = set()
        self._opened: weakref.WeakSet[RedisConnection] = weakref.WeakSet()
        self._watch: Optional[asyncio.Task[None]] = None

    def start(self) -> None:
        """Connect, and connect again whenever the connection is cut."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._stay_connected())
            if self._server.needs_watching:
                self._watch = asyncio.get_running_loop().create_task(self._watch_master())

    async def _watch_master(self) -> None:
        """
        Leave a master that another server has replaced.

        While it is alive, it would go on taking what is lost (see masters.py of the package).
        """
        while True:
            await asyncio.sleep(WATCH_INTERVAL)
            try:
                url, _ = await self._locate()
            except FAILURES:
                # Who needs a connection will say so.
                continue
            left = [
                connection for connection in self._opened
                if connection.is_open and not connection.is_over and connection.address != url
            ]
            if left:
                logger.warning("The master of %s is another server now: %s.", self.name, url)
                self._leave(left)

    def _leave(self, left: list[RedisConnection]) -> None:
        shared = self._shared
        if shared in left and shared is not None:
            self._known.clear()
            self.reachable.clear()
            self._shared = None
            for wait in self.waits:
                # A waiting reader is answered, with a message if there was one.
                shared.call_then(wait.wake[self.number], LEAVE_TIMEOUT, _ignore)
        for connection in left:
            connection.retire(LEAVE_TIMEOUT)

    async def _locate(self) -> tuple[str, dict[str, Any]]:
        """Return the URL of the server, and options for redis-py."""
        if self._server.needs_resolving:
            found = await asyncio.get_running_loop().run_in_executor(None, self._server.resolve)
        else:
            found = self._server.resolve()
        return found[0], found[1]

    async def _stay_connected(self) -> None:
        while True:
            try:
                connection = await self.open()
            except exceptions.LayerUnavailable as error:
                pause = self.outage.record_failure(error)
                self._known.set()
                await asyncio.sleep(pause)
                continue
            self.outage.record_recovery()
            self._shared = connection
            self._known.set()
            self.reachable.set()
            try:
                # The next one doesn't wait for the last replies over it.
                await asyncio.wait([connection.left])
            finally:
                self._known.clear()
                self.reachable.clear()
                self._shared = None
                if not connection.is_over:
                    connection.close()

    @property
    def shared(self) -> Optional[RedisConnection]:
        """The connection that all senders share, if there is one."""
        connection = self._shared
        return connection if connection is not None and connection.is_open else None

    async def exchange(self, commands: Sequence[bytes]) -> list[Any]:
        """Send `commands`, and return their replies; raise LayerUnavailable."""
        connection = self.shared
        if connection is None:
            self.start()
            await self._known.wait()
            connection = self._shared
            if connection is None:
                # A reader's connection may have come through what cut this one off.
                failure = self.outage.failure or ConnectionError("it is about to be connected again")
                raise unavailable(self.name, failure, False)
        return await self.carry_out(connection, commands, COMMAND_TIMEOUT) if commands else []

    async def carry_out(self, connection: RedisConnection, commands: Sequence[bytes], timeout: float) -> list[Any]:
        """As exchange(), over a connection of the caller's."""
        try:
            replies = await connection.call(commands, timeout)
        except FAILURES as error:
            raise unavailable(self.name, error, True) from error
        if ReplyError in map(type, replies):
            return await self.repaired(connection, commands, replies, timeout)
        return replies

    async def repaired(
        self, connection: RedisConnection, commands: Sequence[bytes], replies: list[Any], timeout: float
    ) -> list[Any]:
        """
        Return `replies`, of which some are errors, with what can be repaired.

        What failed for want of a script is repeated, and a server that isn't
        what it was is left.
        """
        missing = scripts.to_repeat(commands, replies)
        if missing:
            try:
                again = await connection.call(scripts.with_texts([commands[index] for index in missing]), timeout)
            except FAILURES as error:
                raise unavailable(self.name, error, True) from error
            for index, reply in zip(missing, again[len(scripts.LOAD):]):
                replies[index] = reply
        moved = [reply for reply in replies if type(reply) is ReplyError and reply.code in REDIRECTED | RETRY_LATER]
        if moved:
            connection.close(moved[0])
        return replies

    async def open(self) -> RedisConnection:
        """Return a connection of the caller's own; raise LayerUnavailable."""
        try:
            url, options = await self._locate()
            pool = redis.asyncio.ConnectionPool.from_url(url, **options)
            greeter: Any = pool.connection_class(**pool.connection_kwargs)
            await within(CONNECT_TIMEOUT, greeter.connect())
        except FAILURES as error:
            raise unavailable(self.name, error, False) from error
        connection = RedisConnection(greeter, url)
        self._opened.add(connection)
        asked = self._transport.monotonic()
        greeting = self._transport.greeting(self.number)
        try:
            replies = await connection.call(greeting, COMMAND_TIMEOUT)
            commands = self._transport.greeted(self.number, replies, asked)
            if commands:
                await connection.call(commands, COMMAND_TIMEOUT)
        except FAILURES + (exceptions.LayerUnavailable,) as error:
            connection.close()
            raise unavailable(self.name, error, False) from error
        return connection

    async def close(self) -> None:
        """Close the connection, and try no more."""
        if self._watch is not None:
            self._watch.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for connection in list(self._opened):
            if connection.is_over:
                connection.close()


class AnsweredRequest:
    """A request that went out, and got an answer that needs attention."""

    def __init__(
        self, pool: ConnectionPool, connection: RedisConnection, commands: Sequence[bytes], outcome: Any
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._commands = commands
        self._outcome = outcome

    async def answer(self) -> list[Any]:
        """Return the replies after all; raise LayerUnavailable."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return await self._pool.repaired(self._connection, self._commands, self._outcome, COMMAND_TIMEOUT)


async def within(seconds: float, connecting: Coroutine[Any, Any, None]) -> None:
    """
    Connect, or raise asyncio.TimeoutError.

    Until Python 3.12, asyncio.wait_for() forgets that its caller was cancelled if
    what it waits for ends in the same moment: the caller then goes on for ever.
    """
    task = asyncio.ensure_future(connecting)
    # Nobody asks what came of it once we are cancelled.
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        is_late = task.cancel()
    if is_late:
        raise asyncio.TimeoutError()
    await task


def _ignore(outcome: Outcome) -> None:
    """Nothing depends on a wake-up's answer."""
