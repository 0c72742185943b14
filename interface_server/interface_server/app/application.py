"""
The ASGI application: it translates between sockets and messages.
"""
from __future__ import annotations

import asyncio
import logging
from typing import Optional

from ..layers import AsyncLayer
from ..operation import systemd
from ..operation.management import Management
from ..operation.metrics import Metrics
from ..options import Options
from ..protocols.connections import Guard
from ..types import ActionLogger, Receive, Scope, Send
from .asgi_socket import AsgiSocket
from .http import HttpExchange
from .origins import host_is_allowed, origin_is_allowed
from .proxy_headers import TrustedProxies
from .replies import Mailroom
from .websocket import WebSocketSession, Wire

logger = logging.getLogger(__name__)


class Application:
    """
    An ASGI 3 application in front of a channel layer.

    `layer` is an AsyncLayer. One instance serves one event loop. Servers
    that know the lifespan protocol start and stop it; under others it starts
    with the first connection.
    """

    def __init__(
        self, layer: AsyncLayer, options: Optional[Options] = None, action_logger: Optional[ActionLogger] = None
    ) -> None:
        self.layer = layer
        self.options = options or Options()
        self.action_logger = action_logger
        self.metrics = Metrics()
        self.mailroom = Mailroom(layer, self.metrics, self.options.websocket_lifetime)
        self.proxies = TrustedProxies(self.options.trusted_proxies, self.options.forwarded_header)
        #: Answers for health and metrics, if anybody does.
        self.management: Optional[Management] = None
        #: What counts connections, if the server underneath is our own.
        self.guard: Optional[Guard] = None
        #: Set once the server has been asked to stop.
        self.stopping = False
        self._started = False
        self._watchdog = systemd.watchdog_interval()
        self._tasks: set[asyncio.Task[None]] = set()
        # When the layer was last seen to work.
        self._worked = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(receive, send)
            return
        if not self._started:
            self.start()
        if kind in ("http", "websocket"):
            self.proxies.apply(scope)
        if kind == "http":
            await HttpExchange(self, scope, receive, send).run()
        elif kind == "websocket":
            await AsgiSocket(self, scope, receive, send).run()
        else:
            raise ValueError(f"This application serves HTTP and WebSocket, not {kind!r}.")

    def open_socket(self, scope: Scope, wire: Wire) -> WebSocketSession:
        """Return the session of a WebSocket whose server is our own."""
        if not self._started:
            self.start()
        self.proxies.apply(scope)
        return WebSocketSession(self, scope, wire)

    def refusal(self, scope: Scope) -> Optional[tuple[int, str]]:
        """Return (status, why) if the host or the origin isn't served."""
        options = self.options
        if options.allowed_hosts and not host_is_allowed(_header(scope, b"host") or b"", options.allowed_hosts):
            self.metrics.dropped["host"] += 1
            return 400, "This host isn't served here."
        if scope["type"] == "websocket" and options.allowed_origins:
            if not origin_is_allowed(_header(scope, b"origin"), options.allowed_origins):
                self.metrics.dropped["origin"] += 1
                return 403, "This origin may not open WebSockets here."
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                self.begin_to_stop()
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def start(self) -> None:
        """Begin to read replies; call it on the event loop that serves."""
        if not self._started:
            self._started = True
            self.layer.start()
            self.mailroom.start()
            self._look_at_layer()
            if self.management is not None:
                task = asyncio.get_running_loop().create_task(self.management.start())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _look_at_layer(self) -> None:
        """Let sockets go if the layer has been away for too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        limit = self.options.outage_timeout
        if self.layer.is_reachable or not self._worked:
            self._worked = now
        elif limit and now - self._worked > limit:
            self._worked = now
            self.mailroom.close_sockets("the channel layer has been away for %g seconds" % limit)
        if self._watchdog is not None:
            systemd.notify("WATCHDOG=1")
        self._timer = loop.call_later(min(1.0, (self._watchdog or 2.0) / 2), self._look_at_layer)

    def begin_to_stop(self) -> None:
        """Let everybody who asks know that the server is about to end."""
        if not self.stopping:
            self.stopping = True
            systemd.notify("STOPPING=1")

    async def stop(self) -> None:
        """Send what is under way, and give back what is held open."""
        if self._timer is not None:
            self._timer.cancel()
        if self.management is not None:
            await self.management.stop()
        await self.mailroom.stop()
        await self.layer.close()


def _header(scope: Scope, wanted: bytes) -> Optional[bytes]:
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None
