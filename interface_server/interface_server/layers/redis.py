"""
The asynchronous driver of the Redis transport.

What is said to Redis, and what the answers mean, is in
`django.channels.layers.transport`; how it is carried there, in `links`.
"""
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Optional

from django.channels.layers.redis.outage import COMMAND_TIMEOUT, unavailable
from django.channels.layers.transport import Transport
from django.channels.layers.transport.operations import Block, Result
from django.channels.layers.transport.resp import ReplyError

from ..backport import exceptions, names
from ..types import Message
from . import LAST_PAUSE, AsyncLayer, Dispatch, Done, ignore
from .connection import Link, Outcome, Shard

#: Messages that are taken from Redis at once.
BATCH = 200
#: Seconds that a reader waits before it asks again.
READ_TIMEOUT = 10.0
#: Seconds that a message nobody waits for stays, so that it goes with others:
#: there is one at the end of every request.
SOON = 0.01


class _Answered:
    """A request that went out, and got an answer that needs attention."""

    def __init__(self, shard: Shard, link: Link, commands: Sequence[bytes], outcome: Any) -> None:
        self._shard = shard
        self._link = link
        self._commands = commands
        self._outcome = outcome

    async def answer(self) -> list[Any]:
        """Return the replies after all; raise LayerUnavailable."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return await self._shard.mended(self._link, self._commands, self._outcome, COMMAND_TIMEOUT)


class RedisLayer(AsyncLayer):
    """
    A channel layer on Redis, for one event loop.

    `layer` is the RedisChannelLayer that says how it is set up. No call of
    it is used, so it may be shared with anybody.
    """

    def __init__(self, layer: Any) -> None:
        self._servers = layer.servers
        self._options = layer.transport_options
        self._shards: list[Shard] = []
        self._pending: set[asyncio.Task[None]] = set()
        # (what to send, until when to try) of what nobody waits for.
        self._soon: list[tuple[tuple[str, Message], float]] = []
        self._courier: Optional[asyncio.Task[None]] = None
        self._lost: Optional[Callable[[Sequence[str]], None]] = None
        self._read_channels: dict[int, list[str]] = {}
        self._transport = Transport(self._options, time.monotonic, self._on_lost_state)

    @property
    def is_reachable(self) -> bool:
        return bool(self._shards) and all(shard.link is not None for shard in self._shards)

    def can_hear(self, channel: str) -> bool:
        shard = self._shards[self._options.keys.shard_of(names.non_local_name(channel))]
        return shard.link is not None or shard.outage.failure is None

    def start(self) -> None:
        if not self._shards:
            self._shards = [Shard(number, server, self._transport) for number, server in enumerate(self._servers)]
            for shard in self._shards:
                shard.start()

    def watch_loss(self, callback: Callable[[Sequence[str]], None]) -> None:
        self._lost = callback

    def _on_lost_state(self, shard: int) -> None:
        if self._lost is not None and shard in self._read_channels:
            self._lost(self._read_channels[shard])

    # Sending

    def send_then(self, channel: str, message: Message, done: Done) -> None:
        # Names come from the bridge, from us, or out of messages of ours.
        plan = self._transport.sender.send(channel, message)
        try:
            request = next(plan)
        except exceptions.ChannelsError as error:
            done(error)
            return
        link = self._shards[request[0]].link if type(request) is tuple else None
        if link is None:
            self._finish(plan, request, done)
            return

        def tell(replies: Outcome) -> None:
            if not isinstance(replies, list) or type(replies[0]) is ReplyError:
                # As it goes rarely: with waiting, repeating, reporting.
                outcome = replies if isinstance(replies, list) else unavailable(shard.name, replies, True)
                self._finish(plan, _Answered(shard, link, request[1], outcome), done)
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

        shard = self._shards[request[0]]
        link.call_then(request[1], COMMAND_TIMEOUT, tell)

    def send_soon(self, channel: str, message: Message, patience: float = 0.0) -> None:
        self._soon.append(((channel, message), time.monotonic() + patience))
        if self._courier is None or self._courier.done():
            self._courier = asyncio.get_running_loop().create_task(self._carry_soon())

    async def _carry_soon(self) -> None:
        """Send what nobody waits for, until there is none."""
        pause = SOON
        while self._soon:
            await asyncio.sleep(pause)
            waiting, self._soon = self._soon, []
            plan = self._transport.sender.send_many([pair for pair, deadline in waiting])
            try:
                refused = await self._run(plan, next(plan))
            except exceptions.ChannelsError as error:
                # What surely wasn't sent has its time left.
                refused = getattr(error, "refused", ())
            pause = min(pause * 2, LAST_PAUSE) if refused else SOON
            now = time.monotonic()
            deadlines = {id(pair): deadline for pair, deadline in waiting}
            self._soon[:0] = [(pair, deadlines[id(pair)]) for pair in refused if deadlines[id(pair)] > now]

    def _finish(self, plan: Any, request: Any, done: Done) -> None:
        task = asyncio.get_running_loop().create_task(self._run_then(plan, request, done))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _run_then(self, plan: Any, request: Any, done: Done) -> None:
        try:
            await self._run(plan, request)
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

    # Receiving

    async def read(self, channels: Sequence[str], dispatch: Dispatch) -> None:
        by_shard: dict[int, list[str]] = {}
        for channel in channels:
            by_shard.setdefault(self._options.keys.shard_of(channel), []).append(channel)
        self._read_channels = by_shard
        readers = [
            asyncio.ensure_future(self._read(self._shards[number], on_shard, dispatch))
            for number, on_shard in by_shard.items()
        ]
        try:
            await asyncio.gather(*readers)
        finally:
            for reader in readers:
                reader.cancel()

    async def _read(self, shard: Shard, channels: Sequence[str], dispatch: Dispatch) -> None:
        reader = self._transport.reader(sorted(channels))
        token = str(names.random_token())
        link: Optional[Link] = None
        try:
            while True:
                if link is None or not link.is_open:
                    await shard.reachable.wait()
                    try:
                        link = await shard.open_link()
                    except exceptions.LayerUnavailable:
                        # The senders' connection finds out, too, and logs it.
                        await asyncio.sleep(COMMAND_TIMEOUT / 100)
                        continue
                deliveries = await self._receive(reader.receive(BATCH, READ_TIMEOUT, token), link)
                if deliveries:
                    dispatch(deliveries)
        finally:
            if link is not None:
                link.close()

    async def close(self) -> None:
        if self._courier is not None:
            await asyncio.wait([self._courier], timeout=COMMAND_TIMEOUT)
        if self._pending:
            await asyncio.wait(self._pending, timeout=COMMAND_TIMEOUT)
        for shard in self._shards:
            await shard.close()
        # What was cut off is told so in the loop's next turn, which may be
        # the last one.
        await asyncio.sleep(0)

    # Carrying out plans: see transport.plans

    async def _receive(self, plan: Any, link: Link) -> Any:
        return await self._run(plan, next(plan), link)

    async def _run(self, plan: Any, request: Any, link: Optional[Link] = None) -> Any:
        """Return the Result of `plan`, which asks for `request`; wait over `link`."""
        while True:
            kind = type(request)
            try:
                if kind is tuple:
                    answer: Any = await self._shards[request[0]].exchange(request[1])
                elif kind is Result:
                    return request.value
                elif kind is Block:
                    answer = await self._wait(request, link)
                elif kind is _Answered:
                    answer = await request.answer()
                else:
                    answer = await asyncio.gather(*[self._outcome(*part) for part in request])
            except exceptions.LayerUnavailable as error:
                request = plan.throw(error)
            else:
                request = plan.send(answer)

    async def _outcome(self, number: int, commands: Sequence[bytes]) -> Any:
        try:
            return await self._shards[number].exchange(commands)
        except exceptions.LayerUnavailable as error:
            return error

    async def _wait(self, wait: Any, link: Optional[Link]) -> Any:
        # A reader has the queues of one shard only; see read().
        [(number, commands)] = wait.requests
        if link is None:
            raise ValueError("Only a reader, which has a connection of its own, can wait.")
        shard = self._shards[number]
        try:
            replies = await shard.carry_out(link, commands, wait.timeout + COMMAND_TIMEOUT)
        except exceptions.LayerUnavailable as error:
            return [(number, error)]
        if type(replies[-1]) is ReplyError:
            # Out of memory, or its disk is full: it says so again at once.
            refusal = unavailable(shard.name, replies[-1], True)
            await asyncio.sleep(shard.outage.record_failure(refusal))
            return [(number, refusal)]
        shard.outage.record_recovery()
        return [(number, replies)]
