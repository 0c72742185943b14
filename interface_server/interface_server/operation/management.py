"""
Health, readiness and metrics, on an address of their own.

It speaks as much HTTP as probes and Prometheus do, and belongs on an address
that clients don't reach.
"""
from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .metrics import exposition, histogram_samples

if TYPE_CHECKING:
    from ..app.application import Application

#: Seconds that a probe may take, and bytes of its request.
TIMEOUT, LIMIT = 10.0, 8192

Family = tuple[str, str, str, Sequence[tuple[str, float]]]


class Management:
    """Answers on `listener` for one process."""

    def __init__(self, listener: socket.socket, application: Application) -> None:
        self._listener = listener
        self._application = application
        self._server: Any = None

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._serve, sock=self._listener, limit=LIMIT)

    async def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT)
            method, target = head.split(b" ", 2)[:2]
            status, body = self.answer(target.split(b"?")[0].decode("latin-1"))
            if method not in (b"GET", b"HEAD"):
                status, body = "405 Method Not Allowed", "Only GET.\n"
            content = body.encode("utf-8")
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\n"
                "Connection: close\r\n\r\n".encode("ascii")
                + (content if method != b"HEAD" else b"")
            )
            await writer.drain()
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            # A probe that went, or that is none.
            return
        finally:
            writer.close()

    def answer(self, path: str) -> tuple[str, str]:
        """Return (status line, text) for a path."""
        if path == "/health":
            return "200 OK", "alive\n"
        if path == "/ready":
            if self._application.stopping:
                return "503 Service Unavailable", "stopping\n"
            if not self._application.layer.is_reachable:
                return "503 Service Unavailable", "the channel layer can't be reached\n"
            return "200 OK", "ready\n"
        if path == "/metrics":
            return "200 OK", exposition(self._families())
        return "404 Not Found", "There are /health, /ready and /metrics.\n"

    def _families(self) -> Iterator[Family]:
        metrics, mailroom = self._application.metrics, self._application.mailroom
        yield "up", "gauge", "Whether the channel layer can be reached.", [
            ("", int(self._application.layer.is_reachable)),
        ]
        yield "clients", "gauge", "Clients that are being served.", [
            ('protocol="http"', mailroom.exchange_count), ('protocol="websocket"', mailroom.socket_count),
        ]
        guard = self._application.guard
        if guard is not None:
            yield "connections", "gauge", "Connections of clients.", [("", guard.total)]
            yield "connections_refused_total", "counter", "Connections beyond a limit.", [
                (f'limit="{limit}"', number) for limit, number in sorted(guard.refused.items())
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
