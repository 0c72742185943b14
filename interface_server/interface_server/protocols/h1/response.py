"""
One response of HTTP/1: ASGI's messages in, bytes out.

Headers and content were checked by the bridge, so nothing is looked at twice
here, and what belongs together goes out in one write.
"""
from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

#: Bytes of content that are copied to share a write with their headers.
_SMALL = 65536


class Cycle(RequestResponseCycle):
    """A request that is being answered; HTTP/1.0 gets what it can read."""

    _head = b""

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected or self.response_complete:
            return
        if not self.response_started:
            self.response_started = True
            self.waiting_for_100_continue = False
            # It waits for the content, which follows at once.
            self._head = self._make_head(message["status"], message.get("headers", ()))
            return
        body, more_body = message.get("body", b""), message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            body = b""
        elif self.chunked_encoding:
            pieces = [b"%x\r\n" % len(body), body, b"\r\n"] if body else []
            if not more_body:
                pieces.append(b"0\r\n\r\n")
            body = b"".join(pieces)
        head, self._head = self._head, b""
        if head and len(body) > _SMALL:
            self.transport.write(head)
            self.transport.write(body)
        elif head or body:
            self.transport.write(head + body)
        if not more_body:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def _make_head(self, status: int, headers: Any) -> bytes:
        lines = [STATUS_LINE[status]]
        has_length = False
        for name, value in [*self.default_headers, *headers]:
            name = name.lower()
            has_length = has_length or name == b"content-length"
            lines.append(b"%b: %b\r\n" % (name, value))
        if not has_length and status not in (204, 304) and self.scope["method"] != "HEAD":
            if self.scope["http_version"] == "1.1":
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked\r\n")
            else:
                # RFC 9112 section 6.1: such a client knows no chunks, and
                # takes the end of the connection for the end of the content.
                self.keep_alive = False
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)
