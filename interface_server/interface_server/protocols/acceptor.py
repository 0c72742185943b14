"""
The accept path of every listener: plain, TLS, Unix and inherited sockets.

Connections are counted before anything else, TLS's handshake included: those
who never finish one could take all that the process has. When the system has
no descriptor left, one line says so and accepting pauses; the event loop's own
servers try again at once, with a traceback each time.
"""
from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from typing import Any, Optional

from ..errors import Refused
from ..options import NEVER
from ..types import Peer
from .connections import ConnectionLimiter
from .responses import error_response
from .tls import Certificate

logger = logging.getLogger(__name__)

#: Seconds until the next try to accept, when the system refuses.
PAUSE = 1.0
#: Connections that are accepted before others get their turn.
BURST = 64
#: How often that is done at the end: as many as may wait (4096 on Linux).
LAST_BURSTS = 64

_TOO_MANY = error_response(Refused(503, "Too many connections."))


class Acceptor:
    """
    Accepts on `listener`, and hands each connection to a new protocol.

    `new_protocol` is called with (peer, slot). With a `certificate` clients
    have `handshake_timeout` seconds for TLS's handshake.
    """

    def __init__(
        self, listener: socket.socket, limiter: ConnectionLimiter,
        new_protocol: Callable[[Peer, str], asyncio.BaseProtocol],
        certificate: Optional[Certificate] = None, handshake_timeout: float = 60,
    ) -> None:
        self._listener = listener
        self._limiter = limiter
        self._new_protocol = new_protocol
        self._certificate = certificate
        self._handshake_timeout = handshake_timeout
        self._loop = asyncio.get_running_loop()
        #: Connections on their way to a protocol.
        self._beginning: set[asyncio.Task[None]] = set()
        self._retry: Optional[asyncio.TimerHandle] = None
        self._closed = False
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Accept who has connected, and no more; handshakes under way are finished."""
        if self._closed:
            return
        self._closed = True
        if self._retry is None:
            # The system resets who waits in a socket that is closed.
            for _ in range(LAST_BURSTS):
                self._accept()
        if self._retry is None:
            self._loop.remove_reader(self._listener)
        else:
            self._retry.cancel()

    def abort(self) -> None:
        """End the handshakes that are still under way."""
        for beginning in self._beginning:
            beginning.cancel()

    def _accept(self) -> None:
        for _ in range(BURST):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                # It is gone again.
                continue
            except OSError as error:
                self._pause(error)
                return
            connection.setblocking(False)
            client = address[:2] if isinstance(address, tuple) else None
            slot = self._limiter.acquire(client)
            if slot is None:
                self._refuse(connection)
            else:
                self._begin(connection, client, slot)

    def _pause(self, error: OSError) -> None:
        self._loop.remove_reader(self._listener)
        self._retry = self._loop.call_later(PAUSE, self._resume)
        self._limiter.repeats.log(
            logger, logging.ERROR, ("accept", error.errno), 1,
            "Accepting connections failed (%s); those that wait are accepted once it works again. "
            "If it is files that are missing, raise their number: ulimit -n, LimitNOFILE=.",
            error.strerror or error,
        )

    def _resume(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listener, self._accept)

    def _refuse(self, connection: socket.socket) -> None:
        with connection:
            if self._certificate is None:
                try:
                    connection.send(_TOO_MANY)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    # It is gone, or has no room for so much as that.
                    return

    def _begin(self, connection: socket.socket, client: Any, slot: str) -> None:
        task = self._loop.create_task(self._connect(connection, client, slot))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    def _tls(self) -> dict[str, Any]:
        """Return the arguments of a connection for TLS, if it has that."""
        if self._certificate is None:
            return {}
        tls = {"ssl": self._certificate.context, "ssl_handshake_timeout": self._handshake_timeout}
        if sys.version_info >= (3, 11) or not isinstance(self._loop, asyncio.BaseEventLoop):
            # What isn't sent when the library's time is over would be lost.
            # See WriteProgress for ours; older versions have none.
            tls["ssl_shutdown_timeout"] = NEVER
        return tls

    async def _connect(self, connection: socket.socket, client: Any, slot: str) -> None:
        protocol: Any = None
        is_connected = False
        tls = self._tls()

        def factory() -> Any:
            nonlocal protocol
            protocol = self._new_protocol(Peer(client, server, bool(tls)), slot)
            return protocol

        try:
            address = connection.getsockname()
            server = address[:2] if isinstance(address, tuple) else (address, None)
            await self._loop.connect_accepted_socket(factory, connection, **tls)
            is_connected = True
        except (OSError, asyncio.CancelledError):
            # No TLS, not ours, or not in time: there is nobody to tell.
            connection.close()
        finally:
            if not is_connected and (protocol is None or not protocol.is_connected):
                # Who was connected releases it upon the end of that.
                self._limiter.release(slot)
