"""
A client that has closed its half of a connection (TCP's FIN) behind a request.

`nc`, tools of HTTP/1.0 and health checks do that and wait for the answer; a
client that went sends the same, and is known only by what comes back once
something is written to it. So the answer is given as long as there is hope of
a reader, and nobody is waited for where none can be: TLS has no half of a
connection in asyncio, and a proxy that closes a connection has lost its
client.
"""
from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from ...types import Peer
from ..connections import ConnectionLimiter

#: Seconds in which most systems that a client ran on say that it has gone.
_ANSWER_TIME = 0.1


def may_be_there(limiter: ConnectionLimiter, peer: Peer) -> bool:
    """Return whether a client at `peer` that says nothing more may want its answer."""
    return not peer.uses_tls and not limiter.proxies.trusts(peer.client)


class HalfClose:
    """
    The time that such a client has.

    It is taken to be gone, and `give_up` is called, when nothing could be
    written to it for `seconds`; 0 stands for ever. While something is written
    the system says whether it is there: a client that went resets the
    connection, which the system would only tell at the next write.
    """

    __slots__ = ("_has_written", "_is_asking", "_transport", "_seconds", "_give_up", "_loop")

    def __init__(self, transport: Any, seconds: float, give_up: Callable[[], None]) -> None:
        self._has_written = self._is_asking = False
        self._transport = transport
        self._seconds = seconds
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._wait()

    def _wait(self) -> None:
        if self._seconds:
            self._loop.call_later(self._seconds, self._look)

    def wrote(self) -> None:
        """Take note that something is being written to it."""
        self._has_written = True
        if not self._is_asking:
            self._is_asking = True
            self._loop.call_later(_ANSWER_TIME, self._ask)

    def _ask(self) -> None:
        self._is_asking = False
        if not self._transport.is_closing():
            connection = self._transport.get_extra_info("socket")
            if connection is not None and connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._give_up()

    def _look(self) -> None:
        if self._transport.is_closing():
            return
        if self._has_written or self._transport.get_write_buffer_size():
            # What isn't read has its own time.
            self._has_written = False
            self._wait()
        else:
            self._give_up()
