"""
The server of one process: its event loop, listeners, signals and end.
"""
from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Optional

from ..app.application import Application
from ..backport import standard_streams
from ..errors import UsageError
from ..options import NEVER
from ..protocols.acceptor import Acceptor
from ..protocols.connections import ConnectionLimiter
from ..protocols.h1.protocol import Http1Protocol
from ..protocols.intake import Intake
from ..protocols.tls import Certificate
from ..types import Peer
from . import systemd
from .management import Management

logger = logging.getLogger(__name__)

#: Seconds between two looks at what is to be done regularly.
TICK = 1.0
#: Seconds that clients in the middle of TLS's handshake have to ask for
#: something when the server ends: one that never says anything mustn't hold it.
HANDSHAKES = 1.0


class Server:
    """
    Serves `application` on listening sockets until a signal or stop().

    `ready` is called once it listens. On `management`, a listening socket, it
    answers for health and metrics. That `terminal` was closed is a signal, too.
    """

    def __init__(
        self, application: Application, ready: Optional[Callable[[], None]] = None,
        management: Optional[socket.socket] = None, terminal: Optional[standard_streams.Terminal] = None,
    ) -> None:
        self._application = application
        self._options = application.options
        self._ready = ready
        self._management_socket = management
        self._terminal = terminal
        self._management: Optional[Management] = None
        self.limiter = ConnectionLimiter(self._options)
        self.certificate: Optional[Certificate] = None
        #: The signal that ended the server.
        self.ended_by: Optional[int] = None
        self._acceptors: list[Acceptor] = []
        self._stopping = self._forced = self._reload = False
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._wakened: Optional[asyncio.Event] = None

    def run(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on `sockets` with an event loop of its own; raise UsageError."""
        loop = _new_event_loop()
        try:
            asyncio.set_event_loop(loop)
            with self._signals():
                loop.run_until_complete(self.serve(sockets))
        finally:
            try:
                _cancel_all(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                asyncio.set_event_loop(None)
                loop.close()

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on `sockets`, and close them; raise UsageError."""
        self._loop = asyncio.get_running_loop()
        self._wakened = asyncio.Event()
        if self._options.uses_tls:
            self.certificate = Certificate(self._options)
        if not await self._application.begin():
            await self._application.stop()
            raise UsageError(str(self._application.refusal))
        self.limiter.start()
        for listener in sockets:
            self._acceptors.append(Acceptor(
                listener, self.limiter, self._new_protocol, self.certificate, self._options.header_timeout or NEVER,
            ))
        if self._management_socket is not None:
            self._management = Management(
                self._management_socket, self._application.context, self.limiter, self.certificate,
            )
            self._management.start()
        if self._ready is not None:
            self._ready()
        await self._wait()
        await self._end(sockets)
        if self._application.refusal is not None:
            raise UsageError(str(self._application.refusal))

    def _new_protocol(self, peer: Peer, slot: str) -> Intake:
        turns = self.limiter.turns
        return Intake(turns, turns.client(slot), Http1Protocol(self._application, self.limiter, peer, slot))

    async def _wait(self) -> None:
        assert self._wakened is not None
        watchdog = systemd.watchdog_interval()
        tick = min(TICK, (watchdog or 2 * TICK) / 2)
        while not self._stopping and self._application.refusal is None:
            if watchdog is not None:
                systemd.notify("WATCHDOG=1")
            if self._terminal is not None:
                self._terminal.has_just_closed()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wakened.wait(), tick)
            self._wakened.clear()
            if self._reload:
                self._reload = False
                self._reload_certificate()

    def _reload_certificate(self) -> None:
        if self.certificate is None:
            return
        before = self.certificate.length
        try:
            self.certificate.reload()
        except UsageError as error:
            logger.error("The certificate stays as it was: %s", error)
            return
        logger.warning("The certificate was loaded again.")
        if self.certificate.length < before:
            logger.warning(
                "The file had %d certificates, and has %d now: clients that don't know its issuer refuse it.", before,
                self.certificate.length,
            )

    # The end

    def stop(self) -> None:
        """Have the server end; safe in any thread and in signal handlers."""
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        if self._loop is not None and self._wakened is not None:
            with contextlib.suppress(RuntimeError):
                # A closed loop has ended already.
                self._loop.call_soon_threadsafe(self._wakened.set)

    async def _end(self, sockets: Sequence[socket.socket]) -> None:
        self._application.begin_to_stop()
        systemd.notify("STOPPING=1")
        await self._take_last_requests()
        for acceptor in self._acceptors:
            acceptor.close()
        for listener in sockets:
            listener.close()
        self._shut_down_connections()
        await self._close_sockets()
        loop = asyncio.get_running_loop()
        loop.call_later(HANDSHAKES, self._end_handshakes)
        until = loop.time() + self._options.shutdown_timeout
        while self.limiter.total and loop.time() < until and not self._forced:
            await asyncio.sleep(0.02)
        if self.limiter.total:
            logger.warning("%d connections were cut off: they didn't end in time.", self.limiter.total)
        await self._cut_off()
        self.limiter.stop()
        if self._management is not None:
            await self._management.stop()
        await self._application.stop()

    async def _take_last_requests(self) -> None:
        """
        Answer for a while, and tell clients to go elsewhere.

        A connection that is idle here may have a request on its way already,
        which would be lost, and which nobody may send again unless it is
        idempotent (RFC 9112 section 9.3.1, RFC 9113 section 6.8). Who is new
        has nowhere else to go until the listening sockets are closed.
        """
        self.limiter.announce_end()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._options.grace_time
        while self.limiter.connections and loop.time() < until and not self._forced:
            await asyncio.sleep(0.02)

    def _shut_down_connections(self) -> None:
        for connection in list(self.limiter.connections):
            connection.shutdown()

    def _end_handshakes(self) -> None:
        for acceptor in self._acceptors:
            acceptor.abort()
        # Those that have ended since have a connection, or a socket.
        self._shut_down_connections()
        for connection in list(self.limiter.sockets):
            connection.shutdown()

    async def _close_sockets(self) -> None:
        """Close the WebSockets, over the drain time, so that not all come back at once."""
        connections = list(self.limiter.sockets)
        pause = self._options.drain_time / len(connections) if connections else 0
        owed = 0.0
        for connection in connections:
            connection.shutdown()
            owed += pause
            if owed >= 0.05 and not self._forced:
                await asyncio.sleep(owed)
                owed = 0.0

    async def _cut_off(self) -> None:
        tasks = list(self.limiter.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        for connection in [*self.limiter.connections, *self.limiter.sockets]:
            connection.abort()
        for acceptor in self._acceptors:
            acceptor.abort()

    # Signals

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Handle signals, and leave those of the program that we are embedded in as they were."""
        if not self._options.signal_handlers or threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        if hasattr(signal, "SIGHUP"):
            before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_hangup)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_hangup(self, number: int, frame: Optional[FrameType]) -> None:
        if self._terminal is None or not self._terminal.has_just_closed():
            self._reload = True
            self._wake()
        elif not self._stopping:
            # Once: a shell passes it on, and the system sends another.
            self._on_signal(number, frame)

    def _on_signal(self, number: int, frame: Optional[FrameType]) -> None:
        self.ended_by = number
        # A second signal says that waiting is over.
        self._forced = self._stopping
        self.stop()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if importlib.util.find_spec("uvloop"):
        import uvloop

        return uvloop.new_event_loop()  # type: ignore[no-any-return]
    return asyncio.new_event_loop()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left, as asyncio.run() does."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
