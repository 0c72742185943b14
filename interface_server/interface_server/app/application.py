"""
The ASGI application: it translates between sockets and messages.
"""
from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable
from typing import Any, Optional

from ..backport import Disconnects
from ..layers import AsyncLayer
from ..layers.queues import SendQueues
from ..operation.metrics import Metrics
from ..options import Options
from ..types import ActionLogger, Receive, RequestCarrier, Scope, Send, SocketAdapter
from .asgi_socket import AsgiSocket
from .context import Context
from .http import HttpExchange
from .plain_exchange import PlainExchange, PlainExchanges
from .presence import Presence
from .proxy_headers import TrustedProxies
from .replies import ReplyDispatcher
from .shares import Shares
from .spool import SpoolBudget
from .tracing import tracer_for
from .websocket import WebSocketSession

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
        metrics = Metrics()
        options = options or Options()
        self._proxies = TrustedProxies(options.trusted_proxies, options.forwarded_header)
        queues = SendQueues(layer, options.queue_bytes)
        tracer = tracer_for(options)
        self.context = Context(
            layer, options, metrics, ReplyDispatcher(
                layer, metrics, options.websocket_lifetime, options.websocket_handshake_timeout, tracer,
            ),
            queues, Shares(
                queues, self._proxies, options.requests_per_address, options.max_requests_per_address,
                options.queue_bytes,
            ),
            SpoolBudget(options.max_buffered, options.max_spooled),
            Disconnects(functools.partial(layer.send_soon, "http.disconnect")),
            action_logger, tracer,
        )
        self._plain_exchanges = PlainExchanges(self.context)
        self._project = list(layer.project)
        self._presence = Presence(
            layer, self._facts, self.context.disconnects, () if options.any_project else self._project,
            self._on_refused,
        )
        #: Why nothing is served: the layer is another project's.
        self.refusal: Optional[Exception] = None
        self._started = self._may_serve = False
        # When the layer was last seen to work.
        self._worked = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None

    @property
    def options(self) -> Options:
        """The settings of the server."""
        return self.context.options

    @property
    def metrics(self) -> Metrics:
        """The counters of the process."""
        return self.context.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(receive, send)
            return
        if not self._may_serve and not await self.begin():
            await self._refuse(kind, receive, send)
            return
        if kind in ("http", "websocket"):
            self._proxies.apply(scope)
        if kind == "http":
            tracer = self.context.tracer
            if tracer is None:
                await self._exchange(scope, receive, send)
            else:
                await tracer.serve(self._exchange, scope, receive, send)
        elif kind == "websocket":
            await AsgiSocket(self.context, scope, receive, send).run()
        else:
            raise ValueError(f"This application serves HTTP and WebSocket, not {kind!r}.")

    def _exchange(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return HttpExchange(self.context, scope, receive, send).run()

    def open_request(self, scope: Scope, carrier: RequestCarrier) -> Optional[PlainExchange]:
        """
        Begin to answer a request without a body whose server is our own.

        Return what it tells if the client leaves, or None for one that takes a task from the first.
        """
        if not self._may_serve or self.context.tracer is not None:
            return None
        self._proxies.apply(scope)
        return self._plain_exchanges.begin(scope, carrier)

    def open_socket(self, scope: Scope, adapter: SocketAdapter) -> WebSocketSession:
        """Return the session of a WebSocket whose server is our own."""
        if not self._started:
            self.start()
        self._proxies.apply(scope)
        return WebSocketSession(self.context, scope, adapter)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                if not await self.begin():
                    await self.stop()
                    await send({"type": "lifespan.startup.failed", "message": str(self.refusal)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                self.begin_to_stop()
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def begin(self) -> bool:
        """Start, and wait until it is known whose the layer is; return whether it may be used."""
        self.start()
        await self._presence.wait_for_claim()
        self._may_serve = self.refusal is None
        return self._may_serve

    def _on_refused(self, error: Exception) -> None:
        logger.error("Nothing is served. %s", error)
        self.refusal, self._may_serve = error, False

    async def _refuse(self, kind: str, receive: Receive, send: Send) -> None:
        """Answer for a server that didn't ask, or serves since before the layer could say whose it is."""
        if kind == "http":
            text = b"This server isn't set up correctly."
            await send({
                "type": "http.response.start", "status": 503, "headers": [
                    (b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text)),
                ],
            })
            await send({"type": "http.response.body", "body": text})
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close"})

    def start(self) -> None:
        """Begin to read replies; call it on the event loop that serves."""
        if not self._started:
            self._started = True
            self.context.layer.start()
            self.context.replies.start()
            self._presence.start()
            self._look_at_layer()

    def _look_at_layer(self) -> None:
        """Close the sockets if the layer has been away for too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        limit = self.options.outage_timeout
        if self.context.layer.is_reachable or not self._worked:
            self._worked = now
        elif limit and now - self._worked > limit:
            self._worked = now
            self.context.replies.close_sockets("the channel layer has been away for %g seconds" % limit)
        self._timer = loop.call_later(1, self._look_at_layer)

    def _facts(self) -> dict[str, Any]:
        """Return what the server says of itself to its layer."""
        replies = self.context.replies
        return {
            "sockets": replies.socket_count, "requests": replies.exchange_count, "stopping": self.context.stopping,
            "served": self.metrics.facts(), **({"project": self._project} if self._project else {}),
        }

    def begin_to_stop(self) -> None:
        """Report from now on that the server is stopping."""
        self.context.stopping = True

    async def stop(self) -> None:
        """Send what is under way, and close the layer."""
        if self._timer is not None:
            self._timer.cancel()
        await self._presence.stop()
        await self.context.replies.stop()
        await self.context.layer.close()
