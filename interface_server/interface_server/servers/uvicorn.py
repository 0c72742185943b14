"""
uvicorn underneath: its HTTP/1.1, with the protocols and limits of ours.

Chosen by measurement (see the README): it costs as little as any, its parts
can be given limits, and nothing of a connection is out of reach.
"""
from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import math
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Optional

import h2  # noqa: F401  Named here if it is missing.
import httptools  # noqa: F401
import uvicorn
import websockets  # noqa: F401

from ..app.application import Application
from ..errors import UsageError
from ..operation.listeners import BACKLOG
from ..options import NEVER, Options
from ..protocols.acceptor import TlsServer
from ..protocols.connections import Guard
from ..protocols.h1.protocol import Http1Protocol
from ..protocols.tls import load_certificate, make_context

logger = logging.getLogger(__name__)

#: What the server can't hold: nothing.
UNSUPPORTED: dict[str, str] = {}


class Server(uvicorn.Server):
    """uvicorn's server, which tells us when it listens and what ended it."""

    def __init__(
        self, application: Application, options: Options, ready: Optional[Callable[[], None]] = None
    ) -> None:
        self._application = application
        self.guard = application.guard = Guard(options)
        self._protocol_class: type[Http1Protocol] = type(
            "Protocol", (Http1Protocol,), {"guard": self.guard, "application": application}
        )
        super().__init__(uvicorn.Config(
            application,
            http=self._protocol_class,
            ws="none",
            loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=math.ceil(options.keep_alive_timeout) or 10 ** 9,
        ))
        self.ended_by: Optional[int] = None
        self.tls: Optional[ssl.SSLContext] = None
        self._tls_servers: list[TlsServer] = []
        self._options = options
        self._ready = ready
        self._reload = False
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._stop: Optional[asyncio.Event] = None

    async def startup(self, sockets: Optional[list[socket.socket]] = None) -> None:
        if self._options.uses_tls:
            self.tls = make_context(self._options)
        await self.lifespan.startup()
        loop = self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.guard.start()
        self.servers = []
        await self.on_tick(0)
        for listener in sockets or ():
            if self.tls is None:
                self.servers.append(await loop.create_server(self._new_protocol, sock=listener, backlog=BACKLOG))
            else:
                timeout = self._options.header_timeout or NEVER
                self._tls_servers.append(TlsServer(listener, self.guard, self.tls, timeout, self._new_protocol))
        self.started = True
        if self._ready is not None:
            self._ready()

    def _new_protocol(self) -> Http1Protocol:
        return self._protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state,
        )

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether to end; we are told.
        assert self._stop is not None
        while not self.should_exit:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1)
            # The Date header.
            await self.on_tick(0)
            if self._reload:
                self._reload = False
                self._load_certificate()

    def _load_certificate(self) -> None:
        try:
            if self.tls is not None:
                load_certificate(self.tls, self._options)
                logger.warning("The certificate was loaded again.")
        except UsageError as error:
            logger.error("The certificate stays as it was: %s", error)

    def stop(self) -> None:
        """Have the server end; safe in any thread and in signal handlers."""
        self.should_exit = True
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):
                # A closed loop has ended already.
                self._loop.call_soon_threadsafe(self._stop.set)

    async def shutdown(self, sockets: Optional[list[socket.socket]] = None) -> None:
        self._application.begin_to_stop()
        for server in self.servers:
            server.close()
        for tls_server in self._tls_servers:
            tls_server.close()
        # So that they leave the sockets before these are closed.
        await asyncio.sleep(0)
        for listener in sockets or ():
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in list(self.guard.connections):
            connection.shutdown()
        await self._close_sockets()
        until = loop.time() + self._options.shutdown_timeout
        while self.guard.total and loop.time() < until and not self.force_exit:
            await asyncio.sleep(0.02)
        if self.guard.total:
            logger.warning("%d connections were cut off: they didn't end in time.", self.guard.total)
        await self._cut_off()
        self.guard.stop()
        await self.lifespan.shutdown()

    async def _close_sockets(self) -> None:
        """Close the WebSockets, over the drain time, so that not all come back at once."""
        connections = list(self.guard.sockets)
        pause = self._options.drain_time / len(connections) if connections else 0
        owed = 0.0
        for connection in connections:
            connection.shutdown()
            owed += pause
            if owed >= 0.05 and not self.force_exit:
                await asyncio.sleep(owed)
                owed = 0.0

    async def _cut_off(self) -> None:
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        for connection in [*self.guard.connections, *self.guard.sockets]:
            connection.abort()
        for server in self._tls_servers:
            server.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again once it is done, which would kill
        # the program that we are embedded in.
        if not self._options.signal_handlers or threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        if hasattr(signal, "SIGHUP"):
            before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_hangup)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_hangup(self, sig: int, frame: Optional[FrameType]) -> None:
        self._reload = True

    def handle_exit(self, sig: int, frame: Optional[FrameType]) -> None:
        self.ended_by = sig
        # A second signal says that waiting is over.
        if self.should_exit:
            self.force_exit = True
        self.stop()


def serve(
    application: Any, sockets: Sequence[socket.socket], options: Options, ready: Optional[Callable[[], None]] = None
) -> Optional[int]:
    """Serve `application` until a signal comes; return its number."""
    server = Server(application, options, ready)
    server.run(sockets=list(sockets))
    return server.ended_by
