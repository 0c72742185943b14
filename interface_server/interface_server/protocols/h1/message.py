"""
One message as llhttp reads it, under our limits.
"""
from __future__ import annotations

from typing import Optional

import httptools

from ...errors import Refused
from ...options import Options
from ..requests import Headers, check_body_size

#: What is read before chunks whose own head llhttp has left for an upgrade.
_HEAD_OF_CHUNKS = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class MessageParser:
    """Reads one message at a time; begin() each of them."""

    __slots__ = (
        "headers", "tokens", "upgrade", "expects_continue", "head_complete", "complete", "content", "content_size",
        "_options", "_parser", "_header_bytes", "_muted",
    )

    def __init__(self, options: Options) -> None:
        self._options = options
        self._parser: Optional[httptools.HttpRequestParser] = None
        self._muted = False
        self.begin()

    def begin(self) -> None:
        """Expect another message; forget the last one."""
        #: Names in lower case.
        self.headers: Headers = []
        #: Of the Connection header, in lower case.
        self.tokens: list[bytes] = []
        self.upgrade = b""
        self.expects_continue = False
        self.head_complete = self.complete = False
        #: Pieces of a chunked body that nobody took yet, and its size so far.
        self.content: list[bytes] = []
        self.content_size = 0
        self._header_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take more of the message; raise Refused for what isn't one."""
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # It reads no more, whatever is decided about the upgrade.
            self._parser = None
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, Refused):
                raise cause from None
            raise Refused(400, "This is not an HTTP request.") from error

    def leave_body(self) -> None:
        """Have the rest of the message read by others, or by nobody."""
        # It refers to us.
        self._parser = None

    def expect_chunks(self) -> None:
        """Go on with a chunked body, whatever the head said beside it."""
        if self._parser is None:
            self._muted, self.complete = True, False
            self.feed(_HEAD_OF_CHUNKS)
            self._muted = False

    # What llhttp calls

    def on_message_begin(self) -> None:
        if self.complete:
            raise Refused(400, "This is not an HTTP request.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._muted:
            return
        options = self._options
        self._header_bytes += len(name) + len(value) + 4
        if options.max_header_bytes and self._header_bytes > options.max_header_bytes:
            raise Refused(431, "The headers of the request are too large.")
        if self.head_complete:
            # A trailer; it may not pass for a header (RFC 9110 section 6.5.1).
            return
        name = name.lower()
        self.headers.append((name, value))
        if options.max_headers and len(self.headers) > options.max_headers:
            raise Refused(431, "The request has too many headers.")
        if name == b"connection":
            self.tokens += [token.strip().lower() for token in value.split(b",")]
        elif name == b"upgrade":
            self.upgrade = value.strip().lower()
        elif name == b"expect":
            self.expects_continue = value.strip().lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        self.head_complete = True

    def on_body(self, body: bytes) -> None:
        self.content_size += len(body)
        check_body_size(self.content_size, self._options)
        self.content.append(body)

    def on_message_complete(self) -> None:
        self.complete = True
