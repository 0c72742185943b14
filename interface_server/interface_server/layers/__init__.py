"""
Channel layers as an event loop wants them.

`AsyncLayer` is what the application needs; `ThreadedLayer` gives it for any
synchronous layer, `RedisLayer` speaks to Redis without threads.
"""
from __future__ import annotations

import abc
import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Optional

from ..backport import Backoff, exceptions, names
from ..types import Delivery, Message

__all__ = ["AsyncLayer", "Dispatch", "Done", "ignore"]

Dispatch = Callable[[Sequence[Delivery]], None]
Done = Callable[[Optional[Exception]], None]

#: Seconds between two tries to send into a full channel, first and last.
ROOM_PAUSES = 0.005, 0.2
#: Seconds between two tries to reach a layer that is away, first and last.
RETRY = 0.1, 5.0


def ignore(error: Optional[Exception]) -> None:
    """Take an outcome that nobody asked for: it is counted by the layer."""


class AsyncLayer(abc.ABC):
    """
    A channel layer for one event loop.

    Exceptions are those of `django.channels.exceptions`, whatever the layer
    underneath raises.
    """

    #: The synchronous layer that this is made of, for questions that may be
    #: asked in a thread, and its name among those of the project.
    synchronous: Any = None
    alias = "default"
    #: The fingerprints of the project that has made it, if one has.
    project: Sequence[str] = ()

    @property
    def is_reachable(self) -> bool:
        """Whether messages can be sent and read now, as far as is known."""
        return True

    def can_hear(self, channel: str) -> bool:
        """
        Say whether what is sent to `channel`, a client's, would arrive now, as
        far as is known: an answer that can't is not to be asked for.
        """
        return True

    def check_hearing(self, channel: str) -> None:
        """Raise LayerUnavailable unless can_hear() says so."""
        if not self.can_hear(channel):
            raise exceptions.LayerUnavailable("What would be answered can't be received: its shard is away.")

    def start(self) -> None:
        """Connect; call it on the event loop that serves."""

    def watch_loss(self, callback: Callable[[Sequence[str]], None]) -> None:
        """
        Have `callback` called when the layer, or a part of it, has lost its data.

        It gets those of the channels being read that were there: their
        clients are in no group any more. What was sent may have been there,
        wherever it is answered.
        """

    @abc.abstractmethod
    def send_then(self, channel: str, message: Message, done: Done) -> None:
        """
        Send `message`, without waiting for room, and call `done` after it.

        `done` gets None, or what would have been raised: ChannelFull,
        MessageTooLarge or LayerUnavailable. It may be called at once.
        """

    def measure_then(self, channel: str, tell: Callable[[int], None]) -> None:
        """
        Call `tell` with about how many messages wait in `channel`, 0 if the layer doesn't know.

        Where they are on several servers, it is as many as on one of them.
        """
        tell(0)

    async def send(self, channel: str, message: Message) -> None:
        """As send_then(), but the outcome is returned or raised."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: Optional[Exception]) -> None:
            if outcome.done():
                # The task that waited was cancelled.
                return
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)

        self.send_then(channel, message, done)
        await outcome

    def send_soon(self, channel: str, message: Message, patience: float = 0.0) -> None:
        """
        Send `message`; nobody waits for the outcome.

        While the channel is full, try again for `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        retry = Backoff(*ROOM_PAUSES)

        def done(error: Optional[Exception]) -> None:
            if isinstance(error, exceptions.ChannelFull) and loop.time() < deadline:
                loop.call_later(retry.next_pause(), self.send_then, channel, message, done)

        self.send_then(channel, message, done if patience else ignore)

    def throttle(self, channel: str) -> bool:
        """
        Have sends to `channel`, a client's, refused as if it were full.

        Workers wait then, or give up. Return False if the layer can't.
        """
        return False

    def unthrottle(self, channel: str) -> None:
        """End a throttle() of `channel`."""

    @property
    def supports_presence(self) -> bool:
        """Whether it lists the processes that use it."""
        return False

    async def announce(self, process: Any, facts: dict[str, Any]) -> list[int]:
        """As BaseChannelLayer.announce(); a layer that doesn't list processes lists none."""
        return []

    async def claim(self, process: Any, facts: dict[str, Any], project: Sequence[str]) -> list[int]:
        """As BaseChannelLayer.claim()."""
        return []

    async def withdraw(self, process: Any) -> None:
        """As BaseChannelLayer.withdraw()."""

    async def new_processes(self, known: set[str]) -> tuple[list[str], list[dict[str, Any]]]:
        """As BaseChannelLayer.new_processes()."""
        return [], []

    async def promises(self) -> list[Any]:
        """As BaseChannelLayer.promises(); a layer whose servers aren't known to promise anything has none."""
        return []

    @abc.abstractmethod
    async def read(self, channels: Sequence[str], dispatch: Dispatch) -> None:
        """
        Call `dispatch` with what arrives on `channels`, until cancelled.

        Trouble with the layer is logged once and waited out.
        """

    @abc.abstractmethod
    async def close(self) -> None:
        """Send what is under way, and close all connections."""

    async def send_with_room(self, channel: str, message: Message, timeout: float) -> None:
        """Send `message`, waiting up to `timeout` seconds for room."""
        retry = Backoff(*ROOM_PAUSES)
        deadline = time.monotonic() + timeout
        while True:
            try:
                return await self.send(channel, message)
            except exceptions.ChannelFull:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
            await asyncio.sleep(min(retry.next_pause(), left))

    def new_channel(self, pattern: str) -> str:
        """Return a channel name nobody has: `pattern` and random letters."""
        while True:
            name = pattern + str(names.random_token(20))
            if self.keeps_place(name):
                return name

    def keeps_place(self, channel: str) -> bool:
        """As BaseChannelLayer.keeps_place()."""
        return True
