"""
Health, readiness and metrics, on an address of their own.

It speaks as much HTTP as probes and Prometheus do, and belongs on an address
that clients don't reach.
"""
from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Optional

from ..app.context import Context
from ..options import Options
from ..protocols.acceptor import Acceptor
from ..protocols.connections import ConnectionLimiter
from ..protocols.tls import Certificate
from ..types import Peer
from .layer_metrics import LayerMetrics
from .metrics import END, OPENMETRICS, TEXT, Family, exposition, histogram_samples, wants_openmetrics

logger = logging.getLogger(__name__)

#: Seconds that a probe may take, and bytes of its request.
TIMEOUT, LIMIT = 10.0, 8192

_ACCEPT = re.compile(rb"^accept:([^\r\n]*)", re.I | re.M)


class Probe(asyncio.StreamReaderProtocol):
    """A connection that `serve` answers, a coroutine function of its reader and writer."""

    def __init__(self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        super().__init__(asyncio.StreamReader(LIMIT), serve)
        #: Whether there was a connection.
        self.is_connected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.is_connected = True
        super().connection_made(transport)


class Management:
    """
    Answers on `listener` for one process.

    `limiter` counts its connections, and `certificate` is what it has for TLS.
    """

    def __init__(
        self, listener: socket.socket, context: Context, limiter: Optional[ConnectionLimiter] = None,
        certificate: Optional[Certificate] = None,
    ) -> None:
        self._listener = listener
        self._context = context
        self._limiter = limiter
        self._certificate = certificate
        self._layer_metrics = LayerMetrics(context.layer.synchronous, context.layer.alias)
        self._acceptor: Optional[Acceptor] = None
        #: What answers.
        self._tasks: set[Any] = set()

    def start(self) -> None:
        """Begin to answer; call it on the event loop that serves."""
        # Probes are none of the clients that there may be so many of.
        limiter = ConnectionLimiter(Options(max_connections=0, max_connections_per_address=0))
        if self._limiter is not None:
            limiter.repeats = self._limiter.repeats
        self._acceptor = Acceptor(self._listener, limiter, self._new_probe)

    def _new_probe(self, peer: Peer, slot: str) -> Probe:
        return Probe(self._serve)

    async def stop(self) -> None:
        """Answer no more."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._listener.close()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT)
            method, target = head.split(b" ", 2)[:2]
            if method not in (b"GET", b"HEAD"):
                status, kind, body = "405 Method Not Allowed", TEXT, "Only GET.\n"
            else:
                accept = b",".join(_ACCEPT.findall(head)).decode("latin-1")
                status, kind, body = await self.respond(target.split(b"?")[0].decode("latin-1"), accept)
            content = body.encode("utf-8")
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\n"
                "Connection: close\r\n\r\n".encode("ascii")
                + (content if method != b"HEAD" else b"")
            )
            await writer.drain()
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            # A probe that left, or something else.
            return
        finally:
            self._tasks.discard(task)
            writer.close()

    async def respond(self, path: str, accept: str = "") -> tuple[str, str, str]:
        """
        Return (status line, content type, text) for a path.

        `accept` is the request's header. /metrics/all takes a while.
        """
        if path not in ("/metrics", "/metrics/all"):
            status, text = self.answer(path)
            return status, TEXT, text
        is_open = wants_openmetrics(accept)
        try:
            text = exposition(self._families(), is_open)
            if path == "/metrics/all":
                # With the end.
                text += await self._layer_metrics.read(OPENMETRICS if is_open else "")
            elif is_open:
                text += END
            return "200 OK", OPENMETRICS if is_open else TEXT, text
        except ImportError as error:
            return "501 Not Implemented", TEXT, f"{error}\n"
        except asyncio.TimeoutError:
            return "503 Service Unavailable", TEXT, "the channel layer didn't answer in time\n"
        except Exception as error:
            # Whatever a layer raises.
            logger.warning("The metrics of the channel layer could not be read: %s", error)
            return "503 Service Unavailable", TEXT, f"{error}\n"

    def answer(self, path: str) -> tuple[str, str]:
        """Return (status line, text) for a path that isn't of metrics."""
        if path == "/health":
            return "200 OK", "".join(f"{line}\n" for line in self._health())
        if path == "/ready":
            if self._context.stopping:
                return "503 Service Unavailable", "stopping\n"
            if not self._context.layer.is_reachable:
                return "503 Service Unavailable", "the channel layer can't be reached\n"
            return "200 OK", "ready\n"
        return "404 Not Found", "There are /health, /ready, /metrics and /metrics/all.\n"

    def _health(self) -> Iterator[str]:
        yield "alive"
        certificate = self._certificate
        if certificate is None:
            return
        days = certificate.days_left
        if days is not None:
            yield f"the certificate ends in {days:.1f} days" if days >= 0 else \
                f"the certificate ended {-days:.1f} days ago"
        if certificate.failure is not None:
            yield f"the certificate could not be loaded again: {certificate.failure}"

    def _families(self) -> Iterator[Family]:
        metrics, replies = self._context.metrics, self._context.replies
        yield "up", "gauge", "Whether the channel layer can be reached.", [
            ("", int(self._context.layer.is_reachable)),
        ]
        yield "clients", "gauge", "Clients that are being served.", [
            ('protocol="http"', replies.exchange_count), ('protocol="websocket"', replies.socket_count),
        ]
        budget = self._context.budget
        yield "buffered_bytes", "gauge", "Bodies and responses that wait for slow clients.", [
            ('where="memory"', budget.in_memory), ('where="files"', budget.in_files),
        ]
        limiter, certificate = self._limiter, self._certificate
        if limiter is not None:
            yield "connections", "gauge", "Connections of clients.", [("", limiter.total)]
            yield "connections_refused_total", "counter", "Connections beyond a limit.", [
                (f'limit="{limit}"', number) for limit, number in sorted(limiter.refused.items())
            ]
        if certificate is not None:
            days = certificate.days_left
            yield "certificate_days_left", "gauge", "Days until the certificate ends.", [] if days is None else [
                ("", days),
            ]
            yield "certificate_end_timestamp_seconds", "gauge", "Unix time at which the certificate ends.", [] \
                if certificate.ends is None else [("", certificate.ends)]
            yield "certificate_reload_failed", "gauge", "Whether the last reload of the certificate failed.", [
                ("", int(certificate.failure is not None)),
            ]
        yield "responses_total", "counter", "HTTP responses by status.", [
            (f'status="{status}"', number) for status, number in sorted(metrics.responses.items())
        ]
        yield from histogram_samples(
            "request_duration_seconds", "From a request's headers to the end of its response.",
            metrics.request_seconds,
        )
        yield "sockets_opened_total", "counter", "WebSockets that were accepted.", [("", metrics.sockets_opened)]
        yield "sockets_over_http2_total", "counter", "WebSockets that came over HTTP/2.", [("", metrics.tunnels)]
        yield "sockets_closed_total", "counter", "WebSockets that ended, by code.", [
            (f'code="{code}"', number) for code, number in sorted(metrics.sockets_closed.items())
        ]
        yield "messages_sent_total", "counter", "Messages to the channel layer, by channel.", [
            (f'channel="{channel}"', number) for channel, number in sorted(metrics.messages_in.items())
        ]
        yield "messages_received_total", "counter", "Messages for clients, by protocol.", [
            (f'protocol="{protocol}"', number) for protocol, number in sorted(metrics.messages_out.items())
        ]
        yield "dropped_total", "counter", "What was lost or refused, by reason.", [
            (f'reason="{reason}"', number) for reason, number in sorted(metrics.dropped.items())
        ]
