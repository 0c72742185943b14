"""
Queues of what waits for room in a full channel: one for each, first come,
first served.

Were each message tried again by a timer of its own, newcomers would overtake
those that wait. So only the head of a queue is tried, a few at once while the
channel takes them; the number, the bytes and the time of what waits have
bounds, and those who come last are refused. Where it is known that readers have
finished something, as much is tried, and the channel hardly asked meanwhile:
most tries at a full channel were made for nothing.
"""
from __future__ import annotations

import asyncio
import collections
import functools
import math
import operator
from collections.abc import Callable
from typing import Optional

from ..backport import exceptions
from ..types import Message
from . import AsyncLayer, Done, ignore
from .waiting import CANCELLED, ON_ITS_WAY, WAITS, Waiting, unwanted

__all__ = ["SendQueues"]

#: Seconds between two tries at a full channel: after one that took something,
#: and the longest after others that didn't. A queue of 100 that lasts less
#: has a reader that is idle now and then.
FIRST_PAUSE, LAST_PAUSE = 0.002, 0.05
#: Messages that are tried at once.
MOST_AT_ONCE = 64


class SendQueue:
    """What waits for room in one channel."""

    def __init__(self, queues: SendQueues, channel: str) -> None:
        self._queues = queues
        self._channel = channel
        self._waiting: collections.deque[Waiting] = collections.deque()
        self._in_flight = 0
        self._at_once = 1
        self._taken = 0
        self._refused: list[Waiting] = []
        self._pause = FIRST_PAUSE
        self._timer: Optional[asyncio.Handle] = None
        #: What readers have finished that nothing was tried for, and whether the
        #: last try, or what follows it, is for the sake of this.
        self._finished, self._is_led = 0, False
        #: How many wait that have not been cancelled.
        self.length = 0

    def add(self, waiting: Waiting) -> None:
        """
        Put a message that found the channel full, or others that wait, behind those that came before it.

        Who came later may be here first: they asked for no room.
        """
        place = len(self._waiting)
        while place and self._waiting[place - 1].number > waiting.number:
            place -= 1
        self._waiting.insert(place, waiting)
        self.length += 1
        self._queues.size += waiting.size
        if not self._in_flight and self._timer is None:
            self._try_later()

    def cancel(self, waiting: Waiting) -> bool:
        """Take a message out; return False if it isn't here, but at the layer for the last time."""
        if waiting.state is not WAITS:
            waiting.is_wanted = unwanted
            return False
        waiting.state = CANCELLED
        self._forget(waiting)
        # Its place stays until those before it are gone, and isn't counted.
        waiting.message, waiting.done, waiting.is_wanted = {}, ignore, None
        return True

    def later_than(self, number: int, places: int, size: int) -> Optional[list[Waiting]]:
        """
        Return those that came last, if they leave `places` places and `size` bytes and came after `number`.

        None says that they don't; until pop_last() they stay.
        """
        found: list[Waiting] = []
        for waiting in reversed(self._waiting):
            if places <= 0 and size <= 0:
                break
            if waiting.state is CANCELLED:
                continue
            if waiting.number < number:
                return None
            found.append(waiting)
            places, size = places - 1, size - waiting.size
        return found if places <= 0 and size <= 0 else None

    def pop_last(self, found: list[Waiting]) -> None:
        """Take out those that later_than() returned, `done` uncalled."""
        for waiting in found:
            while self._waiting.pop() is not waiting:
                # Of those between them each was cancelled.
                pass
            waiting.state = ON_ITS_WAY
            self._forget(waiting)

    def age(self) -> float:
        """Return for how many seconds the head has been waiting, about as long as who comes now will have to."""
        return asyncio.get_running_loop().time() - self._waiting[0].since if self._waiting else 0.0

    def _forget(self, waiting: Waiting) -> None:
        self.length -= 1
        self._queues.size -= waiting.size

    def discard_if_idle(self) -> None:
        """Forget a queue that nothing was put into."""
        if self._timer is None and not self._in_flight:
            self._queues.discard(self._channel)

    def progress(self) -> None:
        """Try one more message: a reader has finished something."""
        self._finished += 1
        if self._finished == 1 and self._timer is not None:
            self._timer.cancel()
            self._try_soon()

    def _try_later(self) -> None:
        if self._finished:
            self._try_soon()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._try)

    def _try_soon(self) -> None:
        # What others have finished in this turn of the loop goes with it.
        self._timer = asyncio.get_running_loop().call_soon(self._try)

    def _try(self) -> None:
        self._timer = None
        self._is_led = self._finished > 0
        if self._is_led:
            self._at_once = min(self._finished, MOST_AT_ONCE)
            # The others are tried next: readers have made that room, too.
            self._finished -= self._at_once
        now = asyncio.get_running_loop().time()
        batch: list[Waiting] = []
        given_up: list[Waiting] = []
        while self._waiting and len(batch) < self._at_once:
            waiting = self._waiting.popleft()
            if waiting.state is CANCELLED:
                continue
            is_given_up = waiting.is_wanted is not None and not waiting.is_wanted()
            if is_given_up or now - waiting.since >= waiting.timeout:
                self._forget(waiting)
                given_up.append(waiting)
            else:
                batch.append(waiting)
            waiting.state = ON_ITS_WAY
        self._taken = 0
        self._in_flight = len(batch)
        if not batch:
            self._queues.discard(self._channel)
        for waiting in batch:
            self._queues.layer.send_then(
                self._channel, waiting.message, functools.partial(self._on_outcome, waiting))
        for waiting in given_up:
            waiting.done(exceptions.ChannelFull(f"The channel {self._channel} had no room in time."))

    def _on_outcome(self, waiting: Waiting, error: Optional[Exception]) -> None:
        is_full = isinstance(error, exceptions.ChannelFull)
        if is_full and waiting.is_wanted is not unwanted:
            waiting.state = WAITS
            self._refused.append(waiting)
        else:
            self._taken += not is_full
            self._forget(waiting)
            waiting.done(error)
        self._in_flight -= 1
        if not self._in_flight:
            self._after_all()

    def _after_all(self) -> None:
        """Go on after the last of a batch."""
        if self._refused:
            # At once, a later one may have found the room that an earlier one didn't.
            self._waiting.extendleft(sorted(self._refused, key=operator.attrgetter("number"), reverse=True))
            self._refused = []
            self._pause = FIRST_PAUSE if self._taken else min(self._pause * 2, LAST_PAUSE)
            if self._is_led:
                self._pause = LAST_PAUSE
            # About as many as readers take in a pause: each that finds no room was made for nothing.
            self._at_once = min(self._taken + self._taken // 4 + 1, MOST_AT_ONCE)
            self._try_later()
        elif self._waiting and self._is_led:
            self._pause, self._at_once = LAST_PAUSE, 1
            self._try_later()
        elif self._waiting:
            self._pause = FIRST_PAUSE
            self._at_once = min(2 * self._at_once, MOST_AT_ONCE)
            # Not from here: a layer in this process answers before it returns.
            self._timer = asyncio.get_running_loop().call_soon(self._try)
        else:
            self._queues.discard(self._channel)


class SendQueues:
    """
    Sends over an AsyncLayer, waiting for room in turn.

    `most_bytes` is the bound of what waits in all channels, 0 for none.
    """

    def __init__(self, layer: AsyncLayer, most_bytes: int) -> None:
        self.layer = layer
        self._most_bytes = most_bytes
        self._queues: dict[str, SendQueue] = {}
        self._numbers = 0
        #: Bytes that wait, as Waiting counts them.
        self.size = 0

    def length(self, channel: str) -> int:
        """Return how many messages wait for room in `channel`."""
        queue = self._queues.get(channel)
        return queue.length if queue is not None else 0

    def retry_after(self, channel: str) -> int:
        """Return for how many seconds a client that was refused does well to wait, 1 at least."""
        queue = self._queues.get(channel)
        return max(1, math.ceil(queue.age())) if queue is not None else 1

    def send_then(
        self, channel: str, message: Message, done: Done, timeout: float, most: int = 0,
        queued: Optional[Callable[[Waiting], None]] = None, is_wanted: Optional[Callable[[], bool]] = None,
    ) -> None:
        """
        Send `message` and call `done` after it, as AsyncLayer.send_then() does.

        While `channel` is full it waits for `timeout` seconds, behind those
        that came before, unless there are `most` of them (0 for no bound);
        `queued` is called with it then. ChannelFull says that it had to wait
        too long, that too many wait, or that `is_wanted` said no.
        """
        self._numbers += 1
        queue = self._queues.get(channel)
        if queue is not None:
            self._wait(queue, channel, message, done, timeout, most, queued, is_wanted, self._numbers)
        else:
            # No closure: of each of its variables a cell would be made.
            self.layer.send_then(channel, message, functools.partial(
                self._on_outcome, channel, message, done, timeout, most, queued, is_wanted, self._numbers))

    def _on_outcome(
        self, channel: str, message: Message, done: Done, timeout: float, most: int,
        queued: Optional[Callable[[Waiting], None]], is_wanted: Optional[Callable[[], bool]], number: int,
        error: Optional[Exception],
    ) -> None:
        """Call `done` with what became of a message that was tried, or have it wait."""
        if error is None or not isinstance(error, exceptions.ChannelFull):
            done(error)
            return
        queue = self._queues.get(channel)
        if queue is None:
            queue = self._queues[channel] = SendQueue(self, channel)
        self._wait(queue, channel, message, done, timeout, most, queued, is_wanted, number)

    def _wait(
        self, queue: SendQueue, channel: str, message: Message, done: Done, timeout: float, most: int,
        queued: Optional[Callable[[Waiting], None]], is_wanted: Optional[Callable[[], bool]], number: int,
    ) -> None:
        waiting, later = Waiting(queue, message, done, timeout, is_wanted, number), None
        places = queue.length + 1 - most if most else 0
        size = self.size + waiting.size - self._most_bytes if self._most_bytes else 0
        if places > 0 or size > 0:
            later = queue.later_than(number, places, size)
            if later is None:
                queue.discard_if_idle()
                done(too_many(channel))
                return
            queue.pop_last(later)
        queue.add(waiting)
        if queued is not None:
            queued(waiting)
        for last in later or ():
            last.done(too_many(channel))

    def progress(self, channel: str) -> None:
        """Take note that a reader of `channel` has finished something."""
        queue = self._queues.get(channel)
        if queue is not None:
            queue.progress()

    def discard(self, channel: str) -> None:
        """Forget the empty queue of `channel`."""
        del self._queues[channel]


def too_many(channel: str) -> Exception:
    return exceptions.ChannelFull(  # type: ignore[no-any-return]
        f"Too many messages wait for room in the channel {channel}.")
