"""
Shares of the workers: whose messages go to the layer first.

Workers take messages in the order in which they were sent, so behind a
client that sends many everybody else would wait for all of them. Therefore an
address that has more at workers than its share waits here while others ask: in
one line for each address, in turn, until the layer's queue is nearly empty. The
workers then always have something to do, and a newcomer is behind a few
messages, not behind all. An address alone, and one that asks for little, waits
for nothing.
"""
from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Optional

from ..layers import Done
from ..layers.queues import SendQueues
from ..layers.waiting import WAITS, Waiting
from ..types import Message
from .lines import Account, Lines, Place, too_many
from .proxy_headers import TrustedProxies

__all__ = ["Shares"]

#: Seconds for which somebody who sent something counts as one of the others,
#: and for which an address is remembered, at least.
PRESENT = 10.0
#: Addresses that are remembered, twice.
MOST_ACCOUNTS = 20000


class Shares:
    """
    Sends over `queues`, each address with its share.

    `proxies` says which addresses have none; `most` is how many requests of
    one workers may have before the next ones wait while others ask, 0 for no
    shares at all; `limit` how many in any case, 0 for any number; `most_bytes` the bound of what waits, 0 for none.
    """

    def __init__(self, queues: SendQueues, proxies: TrustedProxies, most: int, limit: int, most_bytes: int) -> None:
        self.queues = queues
        self.most = most
        self._limit = limit
        self._slot_of = functools.lru_cache(4096)(proxies.slot_of)
        self._most_bytes = most_bytes
        self._lines: dict[str, Lines] = {}
        # Those heard of of late, and before that.
        self._young: dict[str, Account] = {}
        self._old: dict[str, Account] = {}
        self._rotated = 0.0
        # Who sent last, when, and when somebody else did.
        self._latest: Optional[Account] = None
        self._latest_at = self._before_at = -PRESENT
        self._size = 0
        self._time = self._find_time

    def _find_time(self) -> float:
        # Before Python 3.12, to ask which loop runs takes a call of the system.
        self._time = asyncio.get_running_loop().time
        return self._time()

    def account(self, client: Optional[Sequence[object]]) -> Account:
        """Return the account of the client at (host, port) `client`."""
        slot = self._slot_of(str(client[0])) if client and (self.most or self._limit) else ""
        account = self._young.get(slot)
        if account is None:
            account = self._young[slot] = self._old.pop(slot, Account(slot))
        return account

    def begin_request(self, client: Optional[Sequence[object]]) -> Account:
        """Return the account of `client`, who has one request more until end_request()."""
        account = self.account(client)
        account.requests += 1
        return account

    def end_request(self, account: Account) -> None:
        """Record that a request of `account` has its answer, or its client has gone."""
        account.requests -= 1
        if self._lines:
            self.progress()

    def length(self, channel: str) -> int:
        """Return how many messages wait for their turn at `channel`."""
        lines = self._lines.get(channel)
        return lines.length if lines is not None else 0

    def send_then(
        self, account: Account, channel: str, message: Message, done: Done, timeout: float, most: int = 0,
        queued: Optional[Callable[[Waiting], None]] = None, is_wanted: Optional[Callable[[], bool]] = None,
        is_request: bool = False,
    ) -> None:
        """
        Send a message of `account`, as SendQueues.send_then() does, when it is its turn.

        `is_request` says that it is one of the account's `requests`.
        """
        now = self._time()
        # Not in methods of their own: each message comes this way.
        if account is not self._latest:
            self._latest, self._before_at = account, self._latest_at
        self._latest_at = now
        if now - self._rotated > PRESENT or len(self._young) > MOST_ACCOUNTS:
            self._rotated, self._old, self._young = now, self._young, {}
        # A connection may keep it for longer than we do.
        self._young[account.slot] = account
        has_others = now - self._before_at < PRESENT
        if account.slot and (
            is_request and account.is_full(self._limit, 1)
            or has_others and account.is_ahead(now, self.most, is_request)
        ):
            self._wait(account, channel, message, done, timeout, most, queued, is_wanted, is_request)
            return
        account.charge(now)
        self.queues.send_then(channel, message, done, timeout, most, queued, is_wanted)

    def _wait(
        self, account: Account, channel: str, message: Message, done: Done, timeout: float, most: int,
        queued: Optional[Callable[[Waiting], None]], is_wanted: Optional[Callable[[], bool]], is_request: bool,
    ) -> None:
        lines = self._lines.get(channel)
        if lines is None:
            lines = self._lines[channel] = Lines(
                self.queues, channel, self.most, self._limit, self.add_size, self.discard,
            )
        place = Place(lines, message, done, timeout, is_wanted, 0)
        place.account, place.most, place.queued, place.is_request = account, most, queued, is_request
        # Half of the room is for those who find the channel full.
        is_full = most and lines.length >= most or self._most_bytes and self._size + place.size > self._most_bytes / 2
        if is_full and not (lines.length and lines.make_room(account)):
            done(too_many(channel))
            return
        lines.add(place)
        if queued is not None and place.state is WAITS:
            queued(place)

    def progress(self) -> None:
        """Look if there are turns to give: workers have finished something."""
        for lines in list(self._lines.values()):
            lines.progress()

    def add_size(self, size: int) -> None:
        """Count the bytes of what waits here."""
        self._size += size
        self.queues.size += size

    def discard(self, channel: str) -> None:
        """Forget the empty lines of `channel`."""
        del self._lines[channel]
