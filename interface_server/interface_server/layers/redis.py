"""
The asynchronous driver of the Redis transport.

What is said to Redis, and what the answers mean, is in
`django.channels.layers.transport`; how it is carried there, in `pool` and
`connection`.
"""
from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Optional

from django.channels.layers.backoff import Backoff
from django.channels.layers.promises import with_servers
from django.channels.layers.redis.outage import COMMAND_TIMEOUT, unavailable
from django.channels.layers.transport.operations import Exchange, ExchangeAll, Result
from django.channels.layers.transport.plans import Transport
from django.channels.layers.transport.resp import ReplyError
from django.channels.layers.viewing import decode_viewing

from ..backport import exceptions, names
from ..types import Message
from . import RETRY, AsyncLayer, Dispatch, Done, ignore
from .batches import BatchSize
from .connection import Outcome, RedisConnection
from .courier import Courier
from .gathering import GatheredSends
from .measuring import measure_then
from .pool import AnsweredRequest, ConnectionPool
from .reading import Reading


class RedisLayer(AsyncLayer):
    """
    A channel layer on Redis, for one event loop.

    `layer` is the RedisChannelLayer that says how it is set up. No call of
    it is used here, so it may be shared with anybody.
    """

    def __init__(self, layer: Any) -> None:
        self._servers = layer.servers
        self._options = layer.transport_options
        self._pools: list[ConnectionPool] = []
        self._pending: set[asyncio.Task[None]] = set()
        self._lost: Optional[Callable[[Sequence[str]], None]] = None
        self._read_channels: dict[int, list[str]] = {}
        self._shard_of = functools.lru_cache(64)(self._find_shard)
        self._transport = Transport(self._options, time.monotonic, self._on_lost_state)
        self._transport.decoder.decode_beside = decode_viewing
        self._courier = Courier(self, self._transport.sender)
        self._gathered = GatheredSends(self, self._transport.sender, lambda: self._pools)

    @property
    def is_reachable(self) -> bool:
        return bool(self._pools) and all(pool.shared is not None for pool in self._pools)

    def _find_shard(self, channel: str) -> int:
        return int(self._options.keys.shard_of(names.non_local_name(channel)))

    def can_hear(self, channel: str) -> bool:
        pool = self._pools[self._shard_of(channel)]
        return pool.shared is not None or pool.outage.failure is None

    def keeps_place(self, channel: str) -> bool:
        return bool(self._options.keys.keeps_place(names.non_local_name(channel)))

    def start(self) -> None:
        if not self._pools:
            self._pools = [
                ConnectionPool(number, server, self._transport) for number, server in enumerate(self._servers)
            ]
            for pool in self._pools:
                pool.start()

    def watch_loss(self, callback: Callable[[Sequence[str]], None]) -> None:
        self._lost = callback

    def _on_lost_state(self, shard: int) -> None:
        if self._lost is not None:
            self._lost(self._read_channels.get(shard, ()))

    # Sending

    def send_then(self, channel: str, message: Message, done: Done) -> None:
        if not self._gathered.take(channel, message, done):
            self.send_alone(channel, message, done)

    def send_alone(self, channel: str, message: Message, done: Done) -> None:
        """As send_then(), by a call of its own."""
        # Names come from the bridge, from us, or out of messages of ours.
        plan = self._transport.sender.send(channel, message)
        try:
            request = next(plan)
        except exceptions.ChannelsError as error:
            done(error)
            return
        connection = None
        if type(request) is Exchange:
            pool = self._pools[request.shard]
            connection = pool.shared
        if connection is None:
            self._finish(plan, request, done)
            return
        connection.call_then(
            request.commands, COMMAND_TIMEOUT,
            functools.partial(self._on_replies, plan, request.commands, pool, connection, done))

    def _on_replies(
        self, plan: Any, commands: Sequence[bytes], pool: ConnectionPool, connection: RedisConnection, done: Done,
        replies: Outcome,
    ) -> None:
        """Go on with the `plan` of a send, whose `commands` have the replies."""
        if not isinstance(replies, list) or type(replies[0]) is ReplyError:
            # As it goes rarely: with waiting, repeating, reporting.
            outcome = replies if isinstance(replies, list) else unavailable(pool.name, replies, True)
            self._finish(plan, AnsweredRequest(pool, connection, commands, outcome), done)
            return
        try:
            after = plan.send(replies)
        except exceptions.ChannelsError as error:
            done(error)
        else:
            if type(after) is Result:
                done(None)
            else:
                self._finish(plan, after, done)

    def measure_then(self, channel: str, tell: Callable[[int], None]) -> None:
        # What was sent before is to be counted.
        self._gathered.send()
        measure_then(self._pools, self._options.keys, str(names.non_local_name(channel)), tell)

    def send_soon(self, channel: str, message: Message, patience: float = 0.0) -> None:
        self._courier.send_soon(channel, message, patience)

    def _finish(self, plan: Any, request: Any, done: Done) -> None:
        self.run_soon(self._run_then(plan, request, done))

    def run_soon(self, running: Coroutine[Any, Any, None]) -> None:
        """Have `running` run in a task, which close() waits for."""
        task = asyncio.get_running_loop().create_task(running)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _run_then(self, plan: Any, request: Any, done: Done) -> None:
        try:
            await self.run_plan(plan, request)
        except exceptions.ChannelsError as error:
            done(error)
        else:
            done(None)

    def throttle(self, channel: str) -> bool:
        self._run_soon(self._transport.sender.throttle(channel))
        return True

    def unthrottle(self, channel: str) -> None:
        self._run_soon(self._transport.sender.unthrottle(channel))

    def _run_soon(self, plan: Any) -> None:
        self._finish(plan, next(plan), ignore)

    # Presence

    @property
    def supports_presence(self) -> bool:
        return True

    async def announce(self, process: Any, facts: dict[str, Any]) -> list[int]:
        return await self._perform(self._transport.presence.announce(process, facts))  # type: ignore[no-any-return]

    async def claim(self, process: Any, facts: dict[str, Any], project: Sequence[str]) -> list[int]:
        plan = self._transport.presence.claim(process, facts, project)
        return await self._perform(plan)  # type: ignore[no-any-return]

    async def withdraw(self, process: Any) -> None:
        await self._perform(self._transport.presence.withdraw(process))

    async def new_processes(self, known: set[str]) -> tuple[list[str], list[dict[str, Any]]]:
        return await self._perform(self._transport.presence.new_processes(known))  # type: ignore[no-any-return]

    async def promises(self) -> list[Any]:
        found = await self._perform(self._transport.durability.promises())
        return with_servers(found, self._servers)  # type: ignore[no-any-return]

    # Receiving

    async def read(self, channels: Sequence[str], dispatch: Dispatch) -> None:
        by_shard: dict[int, list[str]] = {}
        for channel in channels:
            by_shard.setdefault(self._options.keys.shard_of(channel), []).append(channel)
        self._read_channels = by_shard
        readers = [
            asyncio.ensure_future(self._read(self._pools[number], on_shard, dispatch))
            for number, on_shard in by_shard.items()
        ]
        try:
            await asyncio.gather(*readers)
        finally:
            for reader in readers:
                reader.cancel()

    async def _read(self, pool: ConnectionPool, channels: Sequence[str], dispatch: Dispatch) -> None:
        reader = self._transport.reader(sorted(channels))
        token = str(names.random_token())
        retry, batch = Backoff(*RETRY), BatchSize()
        while True:
            await pool.reachable.wait()
            try:
                connection = await pool.open()
            except exceptions.LayerUnavailable:
                # The senders' connection finds out, too, and logs it.
                await asyncio.sleep(retry.next_pause())
                continue
            retry.reset()
            try:
                await Reading(self, reader, pool, connection, token, batch, dispatch).run()
            finally:
                connection.close()

    async def close(self) -> None:
        self._gathered.send()
        await self._courier.close()
        if self._pending:
            await asyncio.wait(self._pending, timeout=COMMAND_TIMEOUT)
        for pool in self._pools:
            await pool.close()
        # What was cut off is told so in the loop's next turn, which may be
        # the last one.
        await asyncio.sleep(0)

    # Carrying out plans: see transport.operations

    async def _perform(self, plan: Any) -> Any:
        return await self.run_plan(plan, next(plan))

    async def run_plan(self, plan: Any, request: Any) -> Any:
        """Return the Result of `plan`, which asks for `request`; see Reading for one that waits."""
        while type(request) is not Result:
            request = await self.next_request(plan, request)
        return request.value

    async def next_request(self, plan: Any, request: Any) -> Any:
        """Carry out `request`, for which `plan` has asked; return what it asks for next."""
        kind = type(request)
        try:
            if kind is Exchange:
                answer: Any = await self._pools[request.shard].exchange(request.commands)
            elif kind is ExchangeAll:
                answer = await asyncio.gather(*[self._outcome(*part) for part in request.requests])
            else:
                answer = await request.answer()
        except exceptions.LayerUnavailable as error:
            return plan.throw(error)
        return plan.send(answer)

    async def _outcome(self, number: int, commands: Sequence[bytes]) -> Any:
        try:
            return await self._pools[number].exchange(commands)
        except exceptions.LayerUnavailable as error:
            return error
