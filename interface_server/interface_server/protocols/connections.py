"""
Limits of connections: their number and their deadlines.

Deadlines are looked at once a second, for all connections together: setting
one costs no timer.
"""
from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Coroutine
from typing import Any, Optional, Protocol

from ..app.proxy_headers import TrustedProxies
from ..backport import Repeats
from ..options import Options
from .turns import Turns
from .ws.keepalive import Keepalive
from .ws.unread import UnreadTotal

logger = logging.getLogger(__name__)

#: Seconds between two looks at the deadlines.
SWEEP_INTERVAL = 1.0
#: Seconds after its deadline for which what an idle client has sent may wait to
#: be read.
MOST_UNREAD = 2.0


class Connection(Protocol):
    """A connection that has deadlines."""

    #: By the loop's clock; 0 stands for none.
    deadline: float

    def on_deadline(self) -> None:
        """The deadline is over; end, or set another."""

    def announce_end(self) -> None:
        """Have the client learn that it will soon need another connection."""

    def shutdown(self) -> None:
        """Finish what is under way, and end."""

    def abort(self) -> None:
        """End the connection now."""


class ConnectionLimiter:
    """Counts the connections of one process, and watches their deadlines."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.proxies = TrustedProxies(options.trusted_proxies, options.forwarded_header)
        #: Connections of HTTP, and of WebSocket.
        self.connections: set[Connection] = set()
        self.sockets: set[Any] = set()
        #: What answers requests.
        self.tasks: set[asyncio.Task[None]] = set()
        #: What waits for clients of WebSockets.
        self.unread = UnreadTotal()
        #: When to look whether those are there.
        self.keepalive = Keepalive()
        #: Says once what many clients do.
        self.repeats = Repeats()
        #: Who is read when.
        self.turns = Turns()
        self.total = 0
        #: How long connections may be idle.
        self.idle_time = options.keep_alive_timeout
        #: Whether the server ends, so that each answer is a connection's last.
        self.is_ending = False
        #: Connections that were refused, by reason.
        self.refused: collections.Counter[str] = collections.Counter()
        self._by_address: collections.Counter[str] = collections.Counter()
        #: Requests and sockets inside connections of HTTP/2, in all and by slot.
        self.streams = 0
        self._streams_by_address: collections.Counter[str] = collections.Counter()
        self._task: Optional[asyncio.Task[None]] = None

    def start(self) -> None:
        """Begin to watch; call it on the event loop that serves."""
        self._task = asyncio.get_running_loop().create_task(self._sweep())

    def run(self, answer: Coroutine[Any, Any, None]) -> None:
        """Have a request answered by a task that ends with the server."""
        task = asyncio.get_running_loop().create_task(answer)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def may_ask(self, transport: Any, deadline: float) -> bool:
        """Say if a client whose `deadline` is over has asked for something that just wasn't read."""
        # What isn't a request, such as blank lines, isn't waited for.
        return transport.has_unread() and asyncio.get_running_loop().time() < deadline + MOST_UNREAD

    def announce_end(self) -> None:
        """Have all clients learn that they will soon need other connections."""
        self.is_ending = True
        # 0 would stand for ever.
        self.idle_time = max(self.options.grace_time, SWEEP_INTERVAL)
        for connection in list(self.connections):
            connection.announce_end()

    def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            now = loop.time()
            for connection in [each for each in self.connections if 0 < each.deadline < now]:
                connection.on_deadline()
            self.turns.forget()

    def acquire(self, client: Optional[tuple[str, int]]) -> Optional[str]:
        """
        Count a new connection; return its slot, for release().

        Return None if there are too many already.
        """
        limit = self.options.max_connections
        if limit and self.total >= limit:
            self._refuse("total", f"there are {limit} already")
            return None
        address = self._address(client)
        if address:
            limit = self.options.max_connections_per_address
            if self._by_address[address] >= limit:
                self._refuse("address", f"{address} has {limit} already")
                return None
            self._by_address[address] += 1
        self.total += 1
        return address

    def acquire_stream(self, slot: str) -> bool:
        """
        Count a stream inside a connection; say if there may be one more.

        What is multiplexed costs what a connection costs, so there may be as
        many: release_stream() ends it.
        """
        limit, most = self.options.max_connections, self.options.max_connections_per_address
        if limit and self.streams >= limit:
            self._refuse("streams", f"there are {limit} streams already")
            return False
        if slot and self._streams_by_address[slot] >= most:
            self._refuse("address_streams", f"{slot} has {most} streams already")
            return False
        self.streams += 1
        if slot:
            self._streams_by_address[slot] += 1
        return True

    def release_stream(self, slot: str) -> None:
        """Record that a stream ended; `slot` is its connection's."""
        self.streams -= 1
        if slot:
            self._streams_by_address[slot] -= 1
            if not self._streams_by_address[slot]:
                del self._streams_by_address[slot]

    def _refuse(self, reason: str, explanation: str) -> None:
        self.refused[reason] += 1
        self.repeats.warn(logger, reason, "Connections are being refused: %s.", explanation)

    def release(self, slot: str) -> None:
        """Record that a connection closed; `slot` is what acquire() returned."""
        self.total -= 1
        if slot:
            self._by_address[slot] -= 1
            if not self._by_address[slot]:
                del self._by_address[slot]

    def _address(self, client: Optional[tuple[str, int]]) -> str:
        """Return what one client's connections are counted under, or ""."""
        if client is None or not self.options.max_connections_per_address:
            return ""
        return self.proxies.slot_of(client[0])
