"""
Connections to Redis for an event loop: commands out, replies in.

redis.asyncio connects: addresses, TLS, authentication. From then on bytes go
straight through the transport, and everything that is said in one turn of
the loop shares a write and, mostly, a round trip.
"""
from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

import redis
import redis.asyncio
from django.channels.layers.redis.outage import (
    COMMAND_TIMEOUT, CONNECT_TIMEOUT, REDIRECTED, RETRY_LATER, Outage, unavailable,
)
from django.channels.layers.transport import scripts
from django.channels.layers.transport.resp import INCOMPLETE, Parser, ProtocolError, ReplyError

from ..backport import exceptions

try:
    import hiredis
except ImportError:
    hiredis = None

logger = logging.getLogger(__name__)

FAILURES = (redis.RedisError, OSError, EOFError, asyncio.TimeoutError, ProtocolError)

#: Seconds after which a task that goes on wasn't told that it is cancelled.
LOST_AFTER = 0.1

#: The replies to a call, or one of FAILURES.
Outcome = Union[list[Any], Exception]


class _Replies:
    """The parser of the package, or hiredis where it is installed."""

    def __init__(self) -> None:
        if hiredis is not None:
            reader = hiredis.Reader(protocolError=ProtocolError, replyError=ReplyError)
            self.feed, self.next, self.incomplete = reader.feed, reader.gets, False
        else:
            parser = Parser()
            self.feed, self.next, self.incomplete = parser.feed, parser.next, INCOMPLETE


class Link(asyncio.Protocol):
    """One connection; calls are answered in their order."""

    def __init__(self, connection: Any) -> None:
        self._loop = asyncio.get_running_loop()
        # redis.asyncio has said who we are; nothing more is said through it.
        # The writer would close the transport once nobody holds it.
        self._writer, connection._writer, connection._reader = connection._writer, None, None
        self._transport: asyncio.Transport = self._writer.transport
        self._transport.set_protocol(self)
        replies = _Replies()
        self._feed, self._next, self._incomplete = replies.feed, replies.next, replies.incomplete
        # (number of replies, whom to tell, deadline) of each call.
        self._calls: collections.deque[tuple[int, Callable[[Outcome], None], float]] = collections.deque()
        self._replies: list[Any] = []
        self._outgoing: list[bytes] = []
        self._timer: Optional[asyncio.TimerHandle] = None
        self.closed: asyncio.Future[Optional[Exception]] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        return not self.closed.done()

    def call(self, commands: Sequence[bytes], timeout: float) -> asyncio.Future[list[Any]]:
        """
        Send packed commands; return a future of their replies.

        The future raises one of FAILURES if the connection ends before, or
        has no answer after `timeout` seconds.
        """
        answer: asyncio.Future[list[Any]] = self._loop.create_future()

        def tell(outcome: Outcome) -> None:
            # Whoever was cancelled doesn't want it any more.
            if not answer.done():
                if isinstance(outcome, list):
                    answer.set_result(outcome)
                else:
                    answer.set_exception(outcome)

        self.call_then(commands, timeout, tell)
        return answer

    def call_then(self, commands: Sequence[bytes], timeout: float, tell: Callable[[Outcome], None]) -> None:
        """As call(), but `tell` is called with the replies, or the failure."""
        if self.closed.done():
            tell(self.closed.result() or EOFError("The connection is closed."))
            return
        deadline = self._loop.time() + timeout
        self._calls.append((len(commands), tell, deadline))
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.extend(commands)
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._on_timer)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if not self.closed.done():
            self._transport.write(outgoing[0] if len(outgoing) == 1 else b"".join(outgoing))

    def _on_timer(self) -> None:
        # Set once for many calls; what it finds is usually that the one it
        # was set for was answered long ago.
        self._timer = None
        if self._calls:
            deadline = self._calls[0][2]
            if deadline <= self._loop.time():
                self.close(asyncio.TimeoutError("The server doesn't answer."))
            else:
                self._timer = self._loop.call_at(deadline, self._on_timer)

    def data_received(self, data: bytes) -> None:
        calls, next_reply, incomplete = self._calls, self._next, self._incomplete
        try:
            self._feed(data)
            while True:
                reply = next_reply()
                if reply is incomplete:
                    return
                self._replies.append(reply)
                if not calls:
                    raise ProtocolError(f"A reply came that nobody asked for: {reply!r}")
                if len(self._replies) == calls[0][0]:
                    replies, self._replies = self._replies, []
                    calls.popleft()[1](replies)
        except ProtocolError as error:
            self.close(error)

    def eof_received(self) -> None:
        self.close(EOFError("The server closed the connection."))

    def connection_lost(self, error: Optional[Exception]) -> None:
        self.close(error or EOFError("The server closed the connection."))

    def close(self, error: Optional[Exception] = None) -> None:
        """End the connection; what waits for replies gets `error`."""
        if self.closed.done():
            return
        self.closed.set_result(error)
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        calls, self._calls = self._calls, collections.deque()
        for _, tell, _ in calls:
            tell(error or EOFError("The connection was closed."))


class Shard:
    """
    One Redis server: a connection that all senders share.

    `server` says where it is, and `transport` what to greet it with. While
    it can't be reached, calls fail at once, and one task keeps trying.
    """

    def __init__(self, number: int, server: Any, transport: Any) -> None:
        self.number = number
        self.name: str = server.name
        self._server = server
        self._transport = transport
        self._link: Optional[Link] = None
        self._task: Optional[asyncio.Task[None]] = None
        self.outage = Outage(server.name, logger)
        # Set while there is a connection, and while it is known that none
        # can be had; clear while one is being made.
        self._known = asyncio.Event()
        #: Set while there is a connection.
        self.reachable = asyncio.Event()

    def start(self) -> None:
        """Connect, and connect again whenever the connection is cut."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._stay_connected())

    async def _stay_connected(self) -> None:
        while True:
            try:
                link = await self.open_link()
            except exceptions.LayerUnavailable as error:
                pause = self.outage.record_failure(error)
                self._known.set()
                await asyncio.sleep(pause)
                continue
            self.outage.record_recovery()
            self._link = link
            self._known.set()
            self.reachable.set()
            try:
                await asyncio.wait([link.closed])
            finally:
                self._known.clear()
                self.reachable.clear()
                self._link = None
                link.close()

    @property
    def link(self) -> Optional[Link]:
        """The connection that all senders share, if there is one."""
        link = self._link
        return link if link is not None and link.is_open else None

    async def exchange(self, commands: Sequence[bytes]) -> list[Any]:
        """Send `commands`, and return their replies; raise LayerUnavailable."""
        link = self.link
        if link is None:
            self.start()
            await self._known.wait()
            link = self._link
            if link is None:
                raise unavailable(self.name, self.outage.failure, False)
        return await self.carry_out(link, commands, COMMAND_TIMEOUT) if commands else []

    async def carry_out(self, link: Link, commands: Sequence[bytes], timeout: float) -> list[Any]:
        """As exchange(), over a link of the caller's."""
        try:
            replies = await link.call(commands, timeout)
        except FAILURES as error:
            raise unavailable(self.name, error, True) from error
        if ReplyError in map(type, replies):
            return await self.mended(link, commands, replies, timeout)
        return replies

    async def mended(
        self, link: Link, commands: Sequence[bytes], replies: list[Any], timeout: float
    ) -> list[Any]:
        """
        Return `replies`, of which some are errors, with what can be mended.

        What failed for want of a script is repeated, and a server that isn't
        what it was is left.
        """
        missing = scripts.to_repeat(replies)
        if missing:
            try:
                again = await link.call(scripts.LOAD + tuple(commands[index] for index in missing), timeout)
            except FAILURES as error:
                raise unavailable(self.name, error, True) from error
            for index, reply in zip(missing, again[len(scripts.LOAD):]):
                replies[index] = reply
        moved = [reply for reply in replies if type(reply) is ReplyError and reply.code in REDIRECTED | RETRY_LATER]
        if moved:
            link.close(moved[0])
        return replies

    async def open_link(self) -> Link:
        """Return a connection of the caller's own; raise LayerUnavailable."""
        try:
            locate = self._server.resolve
            if self._server.needs_resolving:
                url, options = await asyncio.get_running_loop().run_in_executor(None, locate)
            else:
                url, options = locate()
            pool = redis.asyncio.ConnectionPool.from_url(url, **options)
            connection: Any = pool.connection_class(**pool.connection_kwargs)
            await asyncio.wait_for(connection.connect(), CONNECT_TIMEOUT)
        except FAILURES as error:
            raise unavailable(self.name, error, False) from error
        link = Link(connection)
        asked = self._transport.monotonic()
        greeting = self._transport.greeting(self.number)
        try:
            self._transport.greeted(self.number, await link.call(greeting, COMMAND_TIMEOUT), asked)
        except FAILURES + (exceptions.LayerUnavailable,) as error:
            link.close()
            raise unavailable(self.name, error, False) from error
        return link

    async def close(self) -> None:
        """Close the connection, and try no more."""
        while self._task is not None and not self._task.done():
            # Once more if need be: until Python 3.12, wait_for() loses what
            # comes in the moment in which the connection is refused.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=LOST_AFTER)
