"""
Accounts of addresses, and the lines in which their messages wait for a turn.
"""
from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable
from typing import Any, Optional

from ..backport import exceptions
from ..layers.queues import SendQueues
from ..layers.waiting import CANCELLED, ON_ITS_WAY, WAITS, Waiting

__all__ = ["Account", "Lines", "Place", "too_many"]

#: Messages a second that are everybody's share, whatever others do, and how
#: many of them at once.
RATE, BURST = 20.0, 20.0
#: Messages in the layer's queue with which workers surely don't run out.
ENOUGH = 1
#: Seconds between two looks at that queue, after one that found room and the
#: longest after others.
FIRST_PAUSE, LAST_PAUSE = 0.001, 0.02
#: Addresses that one look gives a turn.
MOST_AT_ONCE = 64
#: Seconds between two searches for those who have waited for too long.
SEARCH_INTERVAL = 1.0


class Account:
    """What one address asks of the workers."""

    __slots__ = ("slot", "requests", "waiting", "_level", "_since")

    def __init__(self, slot: str) -> None:
        #: What it is counted by; "" stands for those who have no share.
        self.slot = slot
        #: Its requests that have no complete answer, and those of them that
        #: wait here.
        self.requests = self.waiting = 0
        self._level = self._since = 0.0

    def charge(self, now: float) -> None:
        """Count a message that was sent at `now`."""
        self._level = min(2 * BURST, max(0.0, self._level - (now - self._since) * RATE) + 1)
        self._since = now

    def is_ahead(self, now: float, most: int, own: int = 0) -> bool:
        """
        Say if it has had its share: `most` requests at workers (0: no share), or by the number of its messages.

        `own` of its requests are the one that is asked for.
        """
        return most > 0 and (
            self.requests - self.waiting - own >= most or self._level - (now - self._since) * RATE > BURST
        )

    def is_full(self, limit: int, own: int = 0) -> bool:
        """Say if workers have `limit` of its requests, without `own` that are asked for; 0 stands for any number."""
        return 0 < limit <= self.requests - self.waiting - own


class Place(Waiting):
    """A message's place in the line of its address."""

    __slots__ = ("account", "most", "queued", "is_request")

    account: Account
    most: int
    queued: Optional[Callable[[Waiting], None]]
    is_request: bool


class Lines:
    """
    The lines of all addresses in front of one channel, of those who have had `most` requests, or `limit`.

    `add_size` is told of the bytes that come and go, `is_over` of the end of the last line.
    """

    def __init__(
        self, queues: SendQueues, channel: str, most: int, limit: int, add_size: Callable[[int], None],
        is_over: Callable[[str], None],
    ) -> None:
        self._queues = queues
        self._most = most
        self._limit = limit
        self._add_size = add_size
        self._is_over = is_over
        self._channel = channel
        self._lines: dict[Account, collections.deque[Place]] = {}
        #: Whose turn it is; the next one first.
        self._rotation: collections.deque[Account] = collections.deque()
        self._loop = asyncio.get_running_loop()
        self._timer: Optional[asyncio.Handle] = None
        self._pause = FIRST_PAUSE
        self._looking = False
        self._searched = self._loop.time()
        #: How many wait that have not been cancelled.
        self.length = 0

    def add(self, place: Place) -> None:
        """Append a message to the line of its address."""
        line = self._lines.get(place.account)
        if line is None:
            line = self._lines[place.account] = collections.deque()
            self._rotation.append(place.account)
        line.append(place)
        self.length += 1
        self._add_size(place.size)
        place.account.waiting += place.is_request
        if self._timer is None and not self._looking:
            self.look()

    def make_room(self, account: Account) -> bool:
        """Refuse the last of the longest line, unless that is the one of `account`; say if there is room then."""
        longest = max(self._lines, key=self._length_of)
        if longest is account or self._length_of(longest) <= self._length_of(account) + 1:
            return False
        place = self._lines[longest].pop()
        self._leave(place, ON_ITS_WAY)
        place.done(too_many(self._channel))
        return True

    def _length_of(self, account: Account) -> int:
        line = self._lines.get(account)
        return len(line) if line is not None else 0

    def cancel(self, waiting: Any) -> bool:
        """Take a message out; return False if it isn't here."""
        if waiting.state is not WAITS:
            return False
        self._leave(waiting, CANCELLED)
        # A line that is empty now has its turn like the others, and goes then.
        self._lines[waiting.account].remove(waiting)
        return True

    def _leave(self, place: Place, state: int) -> None:
        place.state = state
        self.length -= 1
        self._add_size(-place.size)
        place.account.waiting -= place.is_request

    def progress(self) -> None:
        """Look now: workers have finished something."""
        # The worker that answered may not have taken its next message yet:
        # the look after this one has to come soon.
        self._pause = FIRST_PAUSE / 2
        if self._timer is not None:
            self._timer.cancel()
            self.look()

    def look(self) -> None:
        """Find out how many messages the workers have in front of them, and send those whose turn it is."""
        self._timer, self._looking = None, True
        self._queues.layer.measure_then(self._channel, self._take_turns)

    def _take_turns(self, length: int) -> None:
        now = self._loop.time()
        has_room = length < ENOUGH
        room, went = ENOUGH - length, False
        passed: list[Account] = []
        for _ in range(min(len(self._rotation), MOST_AT_ONCE)):
            account = self._rotation.popleft()
            line = self._lines[account]
            self._give_up_head(line, now)
            is_full = bool(line) and line[0].is_request and account.is_full(self._limit)
            if line and not is_full and (room > 0 or not account.is_ahead(now, self._most)):
                self._send(line.popleft(), now)
                room, went = room - 1, True
            elif line and has_room and not is_full:
                # Somebody else has taken the room; it is the next one.
                passed.append(account)
                continue
            if line:
                self._rotation.append(account)
            else:
                del self._lines[account]
        self._rotation.extendleft(reversed(passed))
        if room <= 0 and now - self._searched > SEARCH_INTERVAL:
            self._searched = now
            for line in list(self._lines.values()):
                self._give_up_head(line, now)
        self._looking = False
        self._pause = FIRST_PAUSE if went else min(2 * self._pause, LAST_PAUSE)
        if not self._lines:
            self._is_over(self._channel)
        elif went and room > 0:
            # Not from here: a layer in this process answers before it returns.
            self._timer = self._loop.call_soon(self.look)
        else:
            self._timer = self._loop.call_later(self._pause, self.look)

    def _give_up_head(self, line: collections.deque[Place], now: float) -> None:
        """Drop those at the head of `line` who are gone, or have waited for too long."""
        while line and (now - line[0].since >= line[0].timeout or not _is_wanted(line[0])):
            place = line.popleft()
            self._leave(place, ON_ITS_WAY)
            place.done(exceptions.ChannelFull(f"The channel {self._channel} had no room in time."))

    def _send(self, place: Place, now: float) -> None:
        self._leave(place, ON_ITS_WAY)
        place.account.charge(now)
        self._queues.send_then(
            self._channel, place.message, place.done, place.since + place.timeout - now, place.most, place.queued,
            place.is_wanted,
        )


def _is_wanted(place: Place) -> bool:
    return place.is_wanted is None or place.is_wanted()


def too_many(channel: str) -> Exception:
    return exceptions.ChannelFull(  # type: ignore[no-any-return]
        f"Too many messages of one address wait for the channel {channel}.")
