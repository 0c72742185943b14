"""
HTTP/1.1 by uvicorn and llhttp, with what they leave open closed.

Limits are kept while a request comes in, and requests that two programs in a
row might read differently are refused (RFC 9112, section 11.2).
"""
from __future__ import annotations

import asyncio
import http
from typing import TYPE_CHECKING, Any, Optional

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ...errors import Refused
from ..requests import check_body_size, check_framing, read_target
from ..ws.protocol import WebSocketProtocol, check_handshake, offered_subprotocols, plain_response
from .response import Cycle

if TYPE_CHECKING:
    from ...app.application import Application
    from ..connections import Guard

#: RFC 9113 section 3.4; what an HTTP/2 client begins with.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: Headers that are about an upgrade, and tokens of Connection.
_UPGRADING = frozenset([b"upgrade", b"http2-settings"])
#: Bytes that may come between two looks at a request's headers.
_SLACK = 65536
#: Bytes of a chunked body for each one of content. Chunks of one byte need 6;
#: their extensions and trailers could be endless (CVE-2024-22019 of Node.js).
_CHUNKING = 16
#: Requests that may wait for the answer to one before them.
_PIPELINED = 100


class Http1Protocol(HttpToolsProtocol):
    """One connection, from its first byte to its end, or an upgrade."""

    #: Given by the server that makes the class its own.
    guard: Guard
    application: Application

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.guard.options
        self._options = options
        self.deadline = 0.0
        #: What the guard counts the connection as, once it does.
        self.admitted: Optional[str] = None
        self._first: Optional[bytes] = b""
        self._in_headers = False
        self._received = 0
        self._header_bytes = 0
        self._body_bytes = 0
        self._in_body = False
        self._refusal: Optional[Refused] = None
        self._unsent = 0
        self._unknown_upgrade = False
        #: The requests that have no answer yet, the oldest first.
        self._unanswered: list[Cycle] = []
        #: Whether the connection is at its end, but for what is on its way.
        self._lingering = False

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.admitted is None:
            self.admitted = self.guard.admit(self.client)
        if self.admitted is None:
            transport.write(_error(503, "Too many connections."))
            transport.close()
            return
        self.guard.connections.add(self)
        self.deadline = self.loop.time() + (self._options.header_timeout or float("inf"))
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is not None:
            if ssl_object.selected_alpn_protocol() == "h2":
                self._become_http2(b"")
            self._first = None

    def connection_lost(self, exc: Optional[Exception]) -> None:
        super().connection_lost(exc)
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        self._leave()
        if self.admitted is not None:
            self.guard.lost(self.admitted)
            self.admitted = None

    def _leave(self) -> None:
        self.guard.connections.discard(self)
        self.connections.discard(self)
        self._unset_keepalive_if_required()

    def abort(self) -> None:
        """End the connection now."""
        self.transport.abort()

    def on_deadline(self) -> None:
        """Take the client to be gone, or never to have been serious."""
        now = self.loop.time()
        if self._lingering:
            self.transport.abort()
        elif self.flow.write_paused and self._options.write_timeout:
            size = self.transport.get_write_buffer_size()
            if size < self._unsent:
                self._unsent = size
                self.deadline = now + self._options.write_timeout
                return
            self.transport.abort()
        elif self._in_body:
            if self.flow.read_paused:
                # It isn't the client who is slow.
                self.deadline = now + self._options.body_timeout
                return
            self._refuse(Refused(408, "The body of the request doesn't come."))
        elif self._in_headers and self._received:
            self._refuse(Refused(408, "The headers of the request don't come."))
        else:
            self.transport.close()

    def _wait(self, seconds: float) -> None:
        """Give the client so long for what is to come; 0 stands for ever."""
        if not self.flow.write_paused:
            # Otherwise it has to read first, whatever else it does.
            self.deadline = self.loop.time() + seconds if seconds else 0.0

    def pause_writing(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._wait(self._options.write_timeout)
        super().pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._in_body:
            self._wait(self._options.body_timeout)
        else:
            self._wait(self._options.header_timeout if self._in_headers else 0)

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self._first is not None and self._is_http2(data):
            return
        if self._refusal is not None or self.parser is None:
            # On its way out.
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if not self._in_body and not self._in_headers:
            self._in_headers = True
            self._received = 0
            self._wait(self._options.header_timeout)
        elif self._in_body:
            self._wait(self._options.body_timeout)
        self._received += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0]:])
            return
        except httptools.HttpParserError as error:
            refusal = error.__context__
            if not isinstance(refusal, Refused):
                refusal = Refused(400, "This is no HTTP request.")
            self._refuse(refusal)
            return
        if not self._options.max_header_bytes:
            return
        limit = self._options.max_header_bytes + self._options.max_request_line + _SLACK
        if self._received > limit:
            # One header without an end; the parser hasn't shown it yet.
            if self._in_headers:
                self._refuse(Refused(431, "The headers of the request are too large."))
            elif self._in_body and self._received > limit + self._body_bytes * _CHUNKING:
                self._refuse(Refused(400, "The chunks of the body have more around them than in them."))

    def _is_http2(self, data: bytes) -> bool:
        """Look at the first bytes; say if they were dealt with."""
        data = (self._first or b"") + data
        if data.startswith(PREFACE):
            self._become_http2(data)
            return True
        if len(data) < len(PREFACE) and PREFACE.startswith(data):
            self._first = data
            return True
        held, self._first = self._first, None
        if held:
            self.data_received(data)
            return True
        return False

    def _become_http2(self, data: bytes) -> None:
        from ..h2.protocol import Http2Protocol

        self._leave()
        protocol = Http2Protocol(self.application, self.guard, self.admitted, self.server_state)
        self.admitted = None
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if data:
            protocol.data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers = True
        # It may have come behind another, in bytes that were counted there.
        self._received = self._received or 1
        self._wait(self._options.header_timeout)
        self._header_bytes = 0
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        limit = self._options.max_request_line
        # With the method and the version, which the parser keeps short.
        if limit and len(self.url) > limit - 20:
            raise Refused(414, "The request line is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        options = self._options
        self._header_bytes += len(name) + len(value) + 4
        if options.max_header_bytes and self._header_bytes > options.max_header_bytes:
            raise Refused(431, "The headers of the request are too large.")
        if self._in_body:
            # A trailer; it may not pass for a header (RFC 9110 section 6.5.1).
            return
        super().on_header(name, value)
        if options.max_headers and len(self.headers) > options.max_headers:
            raise Refused(431, "The request has too many headers.")

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._wait(0)
        has_body = check_framing(
            self.parser.get_method(), self.parser.get_http_version(), self.headers, self._options
        )
        if self.parser.should_upgrade():
            if not self._should_upgrade():
                self._unknown_upgrade = True
                return
            # A body would be read as frames, and by others as a request.
            if has_body:
                raise Refused(400, "A WebSocket handshake has no body.")
        if has_body:
            self._in_body = True
            self._wait(self._options.body_timeout)
        self._begin_to_answer()

    def _begin_to_answer(self) -> None:
        scope, version = self.scope, self.parser.get_http_version()
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        if len(self.pipeline) >= _PIPELINED:
            raise Refused(503, "Too many requests wait for the answer to one before them.")
        url = read_target(self.url, self.headers)
        # The application reads the path as it came.
        scope["path"] = ""
        scope["raw_path"] = url.path or b"/"
        scope["query_string"] = url.query or b""
        cycle = self.cycle = Cycle(
            scope=scope, transport=self.transport, flow=self.flow, logger=self.logger,
            access_logger=self.access_logger, access_log=False, default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(), expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(), on_response=self.on_response_complete,
        )
        if self._unanswered:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))
        else:
            task = self.loop.create_task(cycle.run_asgi(self.app))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        self._unanswered.append(cycle)

    def on_response_complete(self) -> None:
        if self._unanswered:
            del self._unanswered[0]
        super().on_response_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        check_body_size(self._body_bytes, self._options)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._unknown_upgrade:
            # It will be read again; see _read_again().
            return
        self._in_body = False
        # The next one may lie in the same bytes already.
        self._in_headers = False
        self._received = 0
        self._wait(0)
        super().on_message_complete()

    # Ways out

    def _refuse(self, refusal: Refused) -> None:
        """Answer the request that is coming in with an error, and end."""
        self._refusal = refusal
        self._wait(0)
        incomplete = self._unanswered.pop() if self._unanswered and self._unanswered[-1].more_body else None
        if self._unanswered:
            # An answer in the middle of others would be taken for one of
            # them. They are finished; then the connection ends.
            if incomplete is not None:
                self.pipeline.popleft()
            self._unanswered[-1].keep_alive = False
            self.flow.pause_reading()
            return
        if incomplete is not None:
            incomplete.disconnected = True
            incomplete.message_event.set()
            if incomplete.response_started:
                self.transport.abort()
                return
        self.transport.write(_error(refusal.status, refusal.detail, refusal.headers))
        self._linger()

    def _linger(self) -> None:
        """
        Let the client read the answer before the connection is closed.

        What it is still sending would have the system cut the connection,
        and the answer be lost (RFC 9112 section 9.6).
        """
        self._lingering = True
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.deadline = self.loop.time() + (self._options.close_timeout or float("inf"))

    def _read_again(self, rest: bytes) -> None:
        """
        Take a request for an upgrade that isn't known here as ordinary.

        RFC 9110 section 7.8 wants it so. The parser, for which the request
        ended with its headers, gets it anew without what asked for it.
        """
        self._unknown_upgrade = False
        lines = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(token for token in tokens if token.lower() not in _UPGRADING)
            if name not in _UPGRADING:
                lines += [name, b": ", value, b"\r\n"]
        lines += [b"\r\n", rest]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join(lines))

    def _should_upgrade_to_ws(self) -> bool:
        # uvicorn would look for a protocol of its own.
        return True

    def _upgrade(self, rest: bytes) -> None:
        if self._unknown_upgrade:
            self._read_again(rest)
            return
        if self._unanswered:
            self._refuse(Refused(400, "A WebSocket handshake can't be pipelined."))
            return
        try:
            accept = check_handshake(self.scope["method"], self.parser.get_http_version(), self.headers)
            url = read_target(self.url, self.headers)
        except Refused as refusal:
            self._refuse(refusal)
            return
        self._leave()
        admitted, self.admitted = self.admitted, None
        protocol = WebSocketProtocol(self.application, self.guard, self.transport, accept, admitted or "")
        protocol.start({
            "type": "websocket",
            "http_version": "1.1",
            "scheme": "wss" if self.scheme == "https" else "ws",
            "path": "",
            "raw_path": url.path or b"/",
            "query_string": url.query or b"",
            "headers": self.headers,
            "client": self.client,
            "server": self.server,
            "subprotocols": offered_subprotocols(self.headers),
        }, rest)


def _error(status: int, detail: str, headers: Optional[list[tuple[bytes, bytes]]] = None) -> bytes:
    """Return a response that says what was wrong."""
    text = f"{status} {http.HTTPStatus(status).phrase}: {detail}\n".encode("utf-8")
    return plain_response(status, [(b"content-type", b"text/plain; charset=utf-8")] + (headers or []), text)
