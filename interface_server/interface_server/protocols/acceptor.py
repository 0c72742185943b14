"""
TLS for connections that are counted before their handshake.

A server of the event loop would hand us connections only after it: those who
never finish one could take all that the process has.
"""
from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from .connections import Guard
    from .h1.protocol import Http1Protocol

logger = logging.getLogger(__name__)

#: Seconds until the next try to accept, when the system refuses.
PAUSE = 1.0


class TlsServer:
    """Accepts on `listener`, and has clients shake hands within `timeout` s."""

    def __init__(
        self, listener: socket.socket, guard: Guard, context: ssl.SSLContext, timeout: float,
        new_protocol: Callable[[], Http1Protocol],
    ) -> None:
        self._listener = listener
        self._guard = guard
        self._context = context
        self._timeout = timeout
        self._new_protocol = new_protocol
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accept no more; handshakes under way are finished."""
        self._accepting.cancel()

    def abort(self) -> None:
        """End the handshakes that are still under way."""
        for handshake in self._handshakes:
            handshake.cancel()

    async def _accept(self) -> None:
        while True:
            try:
                connection, address = await self._loop.sock_accept(self._listener)
            except ConnectionError:
                # It is gone again.
                continue
            except OSError as error:
                logger.error("Accepting a connection failed; trying again in a second: %s", error)
                await asyncio.sleep(PAUSE)
                continue
            admitted = self._guard.admit(address[:2] if isinstance(address, tuple) else None)
            if admitted is None:
                connection.close()
                continue
            task = self._loop.create_task(self._shake_hands(connection, admitted))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: socket.socket, admitted: str) -> None:
        protocol: Optional[Http1Protocol] = None

        def factory() -> Http1Protocol:
            nonlocal protocol
            protocol = self._new_protocol()
            protocol.admitted = admitted
            return protocol

        try:
            await self._loop.connect_accepted_socket(
                factory, connection, ssl=self._context, ssl_handshake_timeout=self._timeout,
            )
        except (OSError, asyncio.CancelledError):
            # No TLS, not ours, or not in time: there is nobody to tell.
            connection.close()
        finally:
            # Who was connected gives it back upon the end of that.
            if protocol is None or protocol.transport is None:
                self._guard.lost(admitted)
