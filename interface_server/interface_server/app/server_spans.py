"""
The spans of a server, by OpenTelemetry: requests, handshakes, frames, deliveries.

Only --tracing loads this module. Names and attributes are those of
OpenTelemetry's semantic conventions for HTTP and messaging.
"""
from __future__ import annotations

import http
import logging
from typing import Any, Optional

from django.channels.tracing.carriers import TRACEPARENT, TRACESTATE, context_of, keys_of, told_by_headers
from django.channels.tracing.sampling import LAST, Sampling, unsampled_span
from opentelemetry import context as contexts, trace

from ..types import AsgiApplication, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

KEYS = (TRACEPARENT, TRACESTATE)
_HEADERS = tuple(key.encode("ascii") for key in KEYS)
#: Others could be any text, and each would be a name of spans.
_METHODS = frozenset(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"])


class ServerTracer:
    """
    Makes the spans of one process, those of them that are sampled.

    `provider` is a TracerProvider of OpenTelemetry; None means the global one.
    """

    def __init__(self, provider: Optional[trace.TracerProvider] = None) -> None:
        if provider is None and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            logger.warning(
                "--tracing has no effect: OpenTelemetry has no tracer provider. Start the server with "
                "opentelemetry-instrument, or have the project's settings set one.",
            )
        self._sampling = Sampling("interface_server", provider)

    async def serve(self, answer: AsgiApplication, scope: Scope, receive: Receive, send: Send) -> None:
        """Have `answer` answer a request inside a span, if there is one."""
        carrier = told_by_headers(scope["headers"])
        if self._declined(scope, carrier) is not None:
            await answer(scope, receive, send)
            return
        span = self._begin(scope, carrier)

        async def watched(event: dict[str, Any]) -> None:
            if event["type"] == "http.response.start":
                _record(span, event["status"])
            await send(event)

        try:
            await answer(scope, receive, watched)
        finally:
            span.end()

    def begin_handshake(self, scope: Scope) -> Handshake:
        """Return the span of a WebSocket's handshake, which begins now."""
        carrier = told_by_headers(scope["headers"])
        parent = self._declined(scope, carrier)
        span = self._begin(scope, carrier, "WebSocket handshake") if parent is None else unsampled_span(parent)
        return Handshake(self, self._sampling, span)

    def _declined(self, scope: Scope, carrier: dict[str, str]) -> Optional[str]:
        """
        Return the `traceparent` of a request without spans, which its headers say then, or None.

        Its messages are told of the trace by the headers, as a proxy would;
        `carrier` is what they say.
        """
        parent: Optional[str] = self._sampling.declined(carrier)
        if parent is not None:
            if not carrier:
                scope["headers"] = [*scope["headers"], (_HEADERS[0], parent.encode("ascii"))]
            elif TRACEPARENT not in carrier:
                _put(scope, {TRACEPARENT: parent})
        return parent

    def _begin(self, scope: Scope, carrier: dict[str, str], name: str = "") -> trace.Span:
        """
        Begin the span of a request, which its headers say from now on; `carrier` is what they said.

        Its `name` is the method where it isn't given.
        """
        method = "GET" if name else scope["method"]
        if method not in _METHODS:
            name, method = "HTTP", "_OTHER"
        path = scope.get("raw_path") or scope["path"].encode("utf-8")
        attributes: dict[str, Any] = {
            "http.request.method": method, "url.path": path.decode("latin-1"),
            "url.scheme": scope.get("scheme", "http"), "network.protocol.version": scope.get("http_version", "1.1"),
        }
        if scope.get("client"):
            attributes["client.address"] = scope["client"][0]
        # What the task did before is no part of it.
        parent = context_of(carrier)
        span = self._sampling.tracer.start_span(
            name or method, parent, kind=trace.SpanKind.SERVER, attributes=attributes,
        )
        keys = keys_of(span)
        if keys:
            _put(scope, keys)
        return span

    def stamp(self, message: dict[str, Any], name: str, handshake: trace.Span) -> None:
        """As Handshake.stamp(), with its span, of a trace that may be sampled."""
        span = self._sampling.tracer.start_span(
            name, contexts.Context(), kind=trace.SpanKind.SERVER,
            attributes={"url.path": message["path"], "messaging.channels.order": message["order"]},
            links=[trace.Link(handshake.get_span_context())],
        )
        message.update(keys_of(span))
        span.end()

    def begin_delivery(self, channel: str, message: Message, members: int) -> Optional[trace.Span]:
        """Return the span of handing `message` to as many sockets as `members` says; None without a trace."""
        said = message.get(TRACEPARENT)
        if not isinstance(said, str) or said[LAST] in self._sampling.unsampled_ends:
            return None
        parent = context_of({key: message[key] for key in KEYS if isinstance(message.get(key), str)})
        if not trace.get_current_span(parent).get_span_context().is_valid:
            return None
        attributes: dict[str, Any] = {
            "messaging.system": "channels", "messaging.operation.type": "process",
            # Of all that this process has; who it is for is a matter of a number behind it.
            "messaging.destination.name": channel.partition("!")[0] + "!",
            "messaging.batch.message_count": members,
        }
        return self._sampling.tracer.start_span(
            "deliver websocket.send", parent, kind=trace.SpanKind.CONSUMER, attributes=attributes,
        )


class Handshake:
    """The span of a handshake, which those of what comes from the socket link to."""

    __slots__ = ("_tracer", "_sampling", "_span", "_ended")

    def __init__(self, tracer: ServerTracer, sampling: Sampling, span: trace.Span) -> None:
        self._tracer = tracer
        self._sampling = sampling
        self._span = span
        self._ended = False

    def stamp(self, message: dict[str, Any], name: str = "websocket.receive") -> None:
        """
        Make a span, `name`, for `message`, what a socket sent or its end, and have it say its trace.

        It begins a trace of its own: that of a handshake would go on for as
        long as the socket is open, which may be days.
        """
        parent = self._sampling.decline()
        if parent is None:
            self._tracer.stamp(message, name, self._span)
        else:
            message[TRACEPARENT] = parent

    def end(self, status: Optional[int]) -> None:
        """Record the answer, None if the client went before it; does nothing the second time."""
        if not self._ended:
            self._ended = True
            if status is not None:
                _record(self._span, status)
            self._span.end()


def _put(scope: Scope, keys: dict[str, str]) -> None:
    """Have the headers of `scope` say `keys` in place of what they say of a trace."""
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _HEADERS] + [
        (key.encode("ascii"), value.encode("latin-1")) for key, value in keys.items()
    ]


def _record(span: trace.Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_status(trace.StatusCode.ERROR)
