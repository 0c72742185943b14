"""
Gathered sends: the messages of one turn of the event loop, in one call.

Those that come for the same channel, of many clients, share a call of the script
and its reply: Redis takes a third of the time for each, and we don't look at a
reply for each. They are written at the end of the turn, as is whatever else is
said in it; who comes alone waits for nothing by that.

What comes while many are on their way to a channel is held until it is known
what came of those: where they found no room, it is behind them, and asks for
none. In a turn that takes long, thousands come before the reply is seen, and
would find the room that a worker has made since.
"""
from __future__ import annotations

import asyncio
import functools
import itertools
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Optional, Protocol

from django.channels.layers.redis.outage import COMMAND_TIMEOUT, unavailable
from django.channels.layers.transport.operations import ExchangeAll, Result
from django.channels.layers.transport.resp import ReplyError

from ..backport import exceptions
from ..types import Message
from . import Done
from .connection import Outcome, RedisConnection
from .courier import PlanRunner
from .pool import AnsweredRequest, ConnectionPool

__all__ = ["GatheredSends"]

logger = logging.getLogger(__name__)

#: Bytes of a message's content above which it goes out by itself: a script
#: reads every byte of its arguments.
SMALL = 16 * 1024
#: Messages on their way to a channel, by one call, from which on others are
#: held: fewer fit into any channel.
MANY = 64

#: A message that waits for the end of the turn.
Send = tuple[str, Message, Done]


class PlanDriver(PlanRunner, Protocol):
    """The layer that the messages are sent over."""

    def send_alone(self, channel: str, message: Message, done: Done) -> None:
        """Send one message, by a call of its own."""

    def run_soon(self, running: Coroutine[Any, Any, None]) -> None:
        """Have a coroutine run in a task."""


class GatheredSends:
    """The sends of one layer; `sender` makes plans, `pools` has the connections to each shard."""

    def __init__(self, driver: PlanDriver, sender: Any, pools: Callable[[], Sequence[ConnectionPool]]) -> None:
        self._driver = driver
        self._sender = sender
        self._pools = pools
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        #: Channel -> what waits for the end of the turn, which is called for
        #: with the first of it.
        self._waiting: dict[str, list[Send]] = {}
        #: Channel -> what is held behind many that are on their way to it.
        self._held: dict[str, list[Send]] = {}

    def take(self, channel: str, message: Message, done: Done) -> bool:
        """
        Keep a message until the end of the turn, or longer.

        Return False for one that the caller has to send by itself.
        """
        if channel in self._held:
            self._held[channel].append((channel, message, done))
            return True
        if _is_large(message):
            return False
        waiting = self._waiting
        if not waiting:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self.send)
        if channel in waiting:
            waiting[channel].append((channel, message, done))
        else:
            waiting[channel] = [(channel, message, done)]
        return True

    def send(self) -> None:
        """Send what waits for the end of the turn."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        connections = [pool.shared for pool in self._pools()]
        for connection in connections:
            if connection is not None:
                connection.hold()
        try:
            for channel, sends in waiting.items():
                self._go_on(channel, sends)
        finally:
            for connection in connections:
                if connection is not None:
                    connection.release()

    def _go_on(self, channel: str, sends: Sequence[Send], is_large: bool = False) -> None:
        if channel in self._held:
            self._held[channel].extend(sends)
        elif is_large or len(sends) == 1:
            self._send_each(sends)
        else:
            self._send_together(sends)

    def _send_each(self, sends: Sequence[Send]) -> None:
        for channel, message, done in sends:
            try:
                self._driver.send_alone(channel, message, done)
            except Exception as error:
                # Its sender, who waits, is not below us any more.
                _tell_one(channel, done, error)

    def _send_together(self, sends: Sequence[Send]) -> None:
        pairs = [(channel, message) for channel, message, done in sends]
        try:
            plan = self._sender.send_many(pairs)
            request = next(plan)
        except Exception:
            # One of them can't be sent, and so none was.
            self._send_each(sends)
            return
        tell: Callable[..., None] = functools.partial(_tell, sends, pairs)
        if len(sends) >= MANY:
            channel = sends[0][0]
            self._held[channel] = []
            tell = functools.partial(self._tell_many, channel, tell)
        if type(request) is ExchangeAll and len(request.requests) == 1:
            number, commands = request.requests[0]
            pool = self._pools()[number]
            connection = pool.shared
            if connection is not None:
                connection.call_then(
                    commands, COMMAND_TIMEOUT,
                    functools.partial(self._on_replies, plan, commands, pool, connection, tell))
                return
        self._driver.run_soon(self._run(plan, request, tell))

    def _tell_many(
        self, channel: str, tell: Callable[..., None], error: Optional[Exception], refused: Sequence[Any] = (),
    ) -> None:
        """Tell many what came of them, and go on with what was held behind them."""
        tell(error, refused)
        held = self._held.pop(channel)
        if refused:
            for _, _, done in held:
                _tell_one(channel, done, exceptions.ChannelFull(f"The channel {channel} is full."))
            return
        for is_large, sends in itertools.groupby(held, lambda send: _is_large(send[1])):
            self._go_on(channel, list(sends), is_large)

    def _on_replies(
        self, plan: Any, commands: Sequence[bytes], pool: ConnectionPool, connection: RedisConnection,
        tell: Callable[..., None], replies: Outcome,
    ) -> None:
        if not isinstance(replies, list) or type(replies[0]) is ReplyError:
            outcome = replies if isinstance(replies, list) else unavailable(pool.name, replies, True)
            answered = AnsweredRequest(pool, connection, commands, outcome)
            self._driver.run_soon(self._run(plan, _Answered(answered), tell))
            return
        try:
            after = plan.send([replies])
        except Exception as error:
            tell(error)
        else:
            if type(after) is Result:
                tell(None, after.value)
            else:
                self._driver.run_soon(self._run(plan, after, tell))

    async def _run(self, plan: Any, request: Any, tell: Callable[..., None]) -> None:
        try:
            refused = await self._driver.run_plan(plan, request)
        except Exception as error:
            tell(error)
        else:
            tell(None, refused)


class _Answered:
    """The one request of an ExchangeAll, which went out."""

    def __init__(self, request: AnsweredRequest) -> None:
        self._request = request

    async def answer(self) -> list[Any]:
        """Return what the plan waits for."""
        try:
            return [await self._request.answer()]
        except exceptions.LayerUnavailable as error:
            return [error]


def _tell(
    sends: Sequence[Send], pairs: Sequence[Any], error: Optional[Exception], refused: Sequence[Any] = (),
) -> None:
    """Tell each of `sends` what came of it: the `error`, if there is one for all, or that it was `refused` as full."""
    if error is not None and not isinstance(error, exceptions.ChannelsError):
        # Each sender has a client to answer, and sees nothing of where it failed.
        logger.error("Sending %d messages to %s failed.", len(sends), sends[0][0], exc_info=error)
    if error is None and not refused:
        for channel, _, done in sends:
            _tell_one(channel, done, None)
        return
    full = {id(pair) for pair in refused}
    for (channel, message, done), pair in zip(sends, pairs):
        is_full = id(pair) in full
        _tell_one(channel, done, exceptions.ChannelFull(f"The channel {channel} is full.") if is_full else error)


def _tell_one(channel: str, done: Done, error: Optional[Exception]) -> None:
    try:
        done(error)
    except Exception:
        # The others have clients of their own.
        logger.exception("Telling the sender of a message to %s failed.", channel)


def _is_large(message: Message) -> bool:
    content = message.get("body") or message.get("text") or message.get("bytes")
    return bool(content) and len(content) > SMALL  # type: ignore[arg-type]
