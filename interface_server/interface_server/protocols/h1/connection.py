"""
A connection of HTTP/1 without its socket: bytes in, events out.

llhttp (httptools) reads headers and chunks; three rules are kept around it:

1. The request line is read here. llhttp has a list of methods and refuses all
   others, which are Django's to judge; it gets the line with a method that it
   knows. An unknown version is refused with 505 and never guessed.
2. Where a message ends is known here, too, and llhttp has to agree. A head ends
   at the first blank line, a body of a Content-Length is counted and never
   parsed, and a chunked one can only end at a blank line. So llhttp gets one
   message at a time, and a boundary that two readers might see differently
   (RFC 9112, section 11.2) is an error.
3. An upgrade that isn't a WebSocket's is ignored (RFC 9110 section 7.8), and so
   is any of HTTP/1.0: the request is read as what it is, once.

Requests may come before the ones in front of them are answered; the driver
says with `answered()` when one was.
"""
from __future__ import annotations

from typing import Optional

from ...errors import Refused
from ...options import Options
from ..requests import CHUNKED, read_framing, read_target
from ..ws.handshake import accept_key
from .events import Data, End, Event, Http2, Refuse, Request, Upgrade
from .head import check_beginning, read_request_line, without_upgrade
from .latest import LatestRequest
from .message import MessageParser
from .reading_states import BEGUN, BODY, BODY_DUE, ENDED, FAILED, HEADERS, IDLE, LAST_ENDED, TRANSITIONS, UPGRADING

#: What an HTTP/2 client begins with (RFC 9113 section 3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#: Requests that may wait for the answer to one before them.
MOST_PIPELINED = 100

#: Methods that llhttp reads as nothing special; it gets the others as POST.
_PLAIN_METHODS = frozenset([b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"])
#: Bytes around chunks for each one of content. Chunks of one byte need 6;
#: their extensions and trailers could be endless (CVE-2024-22019 of Node.js).
_CHUNKING = 16
#: Bytes that a head or a chunked body may have more than is counted in them.
_SLACK = 65536

_END = End()


class H1Connection:
    """
    What a client has said on one connection.

    `may_be_http2` if that wasn't settled by TLS.
    """

    __slots__ = (
        "state", "_options", "_events", "_kept", "_may_be_http2", "_message", "_line", "_raw_bytes", "_due",
        "_keep_alive", "_unanswered", "_latest",
    )

    def __init__(self, options: Options, may_be_http2: bool = True) -> None:
        self.state = IDLE
        self._options = options
        self._events: list[Event] = []
        #: Bytes that wait for more: of a request line, or the last three that
        #: were read, which may begin a blank line.
        self._kept = b""
        self._may_be_http2 = may_be_http2
        self._message = MessageParser(options)
        #: (method, target, version) of the request whose head is being read.
        self._line: Optional[tuple[bytes, bytes, str]] = None
        self._raw_bytes = 0
        #: Bytes of the body that are to come, or CHUNKED.
        self._due = 0
        self._keep_alive = True
        self._unanswered = 0
        self._latest = LatestRequest()

    def receive(self, data: bytes) -> list[Event]:
        """Return the events that `data` from the client completes."""
        events = self._events = []
        try:
            if data == self._latest.head and self.state is IDLE:
                # As most clients do that ask again.
                self._move(BEGUN)
                self._begin(self._latest.repeated(), 0)
                return events
            while data:
                if self.state is BODY:
                    data = self._read_chunks(data) if self._due == CHUNKED else self._read_counted(data)
                elif self._line is not None:
                    data = self._read_head(data)
                elif self.state is IDLE or self.state is HEADERS:
                    data = self._read_line(data)
                else:
                    break
        except Refused as refusal:
            self.refuse(refusal)
        return events

    def refuse(self, refusal: Refused) -> list[Event]:
        """Read nothing more; return the events for a request that is refused."""
        self._move(FAILED)
        self._line = None
        self._events.append(Refuse(refusal.bare()))
        return self._events

    def close(self) -> None:
        """Let go of what is read; call it at the end."""
        self._message.leave_body()

    @property
    def counted_due(self) -> int:
        """The bytes of a body of a Content-Length that are to come; 0 if none is being read."""
        return max(self._due, 0) if self.state is BODY else 0

    def count(self, size: int) -> bool:
        """Count so many of those as read; return whether there are no more."""
        if self.state is BODY:
            self._due -= size
            if not self._due:
                self._end()
        return self.state is not BODY

    def answered(self) -> None:
        """Count the oldest request as answered."""
        self._unanswered -= 1

    def _move(self, event: str) -> None:
        self.state = TRANSITIONS[self.state][event]

    # The request line

    def _read_line(self, data: bytes) -> bytes:
        if self._kept:
            data, self._kept = self._kept + data, b""
        if self._may_be_http2:
            if PREFACE.startswith(data[:len(PREFACE)]):
                return self._read_preface(data)
            self._may_be_http2 = False
        if self.state is IDLE:
            # RFC 9112 section 2.2: some send a blank line before a request.
            data = data.lstrip(b"\r\n")
            if not data:
                return b""
        end = data.find(b"\n") + 1
        limit = self._options.max_request_line
        if limit and (end or len(data)) > limit:
            raise Refused(414, "The request line is too long.")
        if not end:
            check_beginning(data)
            return self._keep(data)
        self._line = line = read_request_line(data, end)
        if self.state is IDLE:
            self._move(BEGUN)
            request = self._latest.again(line, data, end, self._message)
            if request is not None:
                self._line = None
                self._begin(request, 0)
                return b""
        self._message.begin()
        self._raw_bytes = 0
        method = line[0]
        return data if method in _PLAIN_METHODS else b"POST" + data[len(method):]

    def _read_preface(self, data: bytes) -> bytes:
        if len(data) < len(PREFACE):
            return self._keep(data)
        self._move(UPGRADING)
        self._events.append(Http2(data))
        return b""

    def _keep(self, data: bytes) -> bytes:
        if self.state is IDLE:
            self._move(BEGUN)
        self._kept = data
        return b""

    # The head

    def _read_head(self, data: bytes) -> bytes:
        part, rest, at_blank_line = self._split(data)
        options = self._options
        self._raw_bytes += len(part)
        if options.max_header_bytes and self._raw_bytes > (
            options.max_header_bytes + options.max_request_line + _SLACK
        ):
            # One header without an end; llhttp hasn't shown it yet.
            raise Refused(431, "The headers of the request are too large.")
        self._message.feed(part)
        if not at_blank_line:
            return b""
        if not self._message.head_complete:
            raise Refused(400, "This is not an HTTP request.")
        line, message = self._line, self._message
        rest = self._end_head(rest)
        if self.state is IDLE and not (rest or message.upgrade) and self._raw_bytes == len(data):
            self._latest.keep(line, data, self._events[-1])  # type: ignore[arg-type]
        return rest

    def _split(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """Return `data` up to the end of a blank line, the rest, and whether there was one."""
        kept = self._kept
        seam = (kept + data[:3]).find(b"\r\n\r\n") if kept else -1
        end = seam + 4 - len(kept) if seam >= 0 else data.find(b"\r\n\r\n") + 4
        if end < 4 and seam < 0:
            self._kept = (kept + data)[-3:] if len(data) < 3 else data[-3:]
            return data, b"", False
        self._kept = b""
        if end == len(data):
            return data, b"", True
        return data[:end], data[end:], True

    def _end_head(self, rest: bytes) -> bytes:
        assert self._line is not None
        (method, target, version), self._line = self._line, None
        message = self._message
        request = Request(method, version, message.headers)
        due = read_framing(version, request.headers, self._options)
        is_websocket = False
        if message.upgrade:
            # RFC 9110 section 7.8: there is none in HTTP/1.0, and what isn't
            # known is ignored.
            is_websocket = version == "1.1" and b"upgrade" in message.tokens and message.upgrade == b"websocket"
            if not is_websocket:
                request.headers = without_upgrade(request.headers)
        url = read_target(target, request.headers)
        request.path, request.query = url.path or b"/", url.query or b""
        if is_websocket:
            if due:
                # It would be read as frames, and by others as a request.
                raise Refused(400, "A WebSocket handshake has no body.")
            if self._unanswered:
                raise Refused(400, "A WebSocket handshake can't be pipelined.")
            self._events.append(Upgrade(request, accept_key(request.method, request.headers), rest))
            self._move(UPGRADING)
            return b""
        if not due and not message.complete:
            raise Refused(400, "This is not an HTTP request.")
        if b"close" in message.tokens:
            request.keep_alive = False
        self._begin(request, due)
        return rest

    def _begin(self, request: Request, due: int) -> None:
        if self._unanswered >= MOST_PIPELINED:
            raise Refused(503, "Too many requests wait for the answer to one before them.")
        self._unanswered += 1
        self._keep_alive = request.keep_alive
        request.ended = not due
        self._events.append(request)
        if not due:
            self._end()
            return
        message = self._message
        request.expects_continue = message.expects_continue and request.version == "1.1"
        self._due = due
        self._move(BODY_DUE)
        if due == CHUNKED:
            message.expect_chunks()
        else:
            message.leave_body()

    def _end(self) -> None:
        self._move(ENDED if self._keep_alive else LAST_ENDED)
        self._kept = b""

    # The body

    def _read_counted(self, data: bytes) -> bytes:
        rest = b""
        if len(data) > self._due:
            data, rest = data[:self._due], data[self._due:]
        self._events.append(Data(data))
        if self.count(len(data)):
            self._events.append(_END)
        return rest

    def _read_chunks(self, data: bytes) -> bytes:
        part, rest, _ = self._split(data)
        self._raw_bytes += len(part)
        message, options = self._message, self._options
        try:
            message.feed(part)
        finally:
            if message.content:
                content, message.content = message.content, []
                self._events.append(Data(content[0] if len(content) == 1 else b"".join(content)))
        if options.max_header_bytes and self._raw_bytes > (
            options.max_header_bytes + options.max_request_line + _SLACK + message.content_size * _CHUNKING
        ):
            raise Refused(400, "The chunks of the body have more around them than in them.")
        if message.complete:
            self._events.append(_END)
            self._end()
        return rest
