"""
The latest request of a connection, in case that the next one has the same headers.

A client mostly asks with the same ones again, maybe for something else. What
was found good then, to the byte, is not parsed again, but for the target.
"""
from __future__ import annotations

from typing import Optional

from ...errors import Refused
from ..requests import read_target
from .events import Request
from .message import MessageParser

#: Bytes of a head that are kept with each connection, at most.
MOST_KEPT = 2048

#: (method, target, version).
Line = tuple[bytes, bytes, str]


class LatestRequest:
    """A request that had no body and asked for nothing of the connection, if there was one."""

    __slots__ = ("head", "_line", "_start", "_request")

    def __init__(self) -> None:
        #: All of it, to the byte.
        self.head: Optional[bytes] = None
        self._line: Optional[Line] = None
        #: Where its headers begin, with the blank line behind them.
        self._start = 0
        self._request: Optional[Request] = None

    def keep(self, line: Line, head: bytes, request: Request) -> None:
        """Keep a request whose whole `head`, which was good, came with `line`, maybe of another method."""
        # A whole URL changes the headers.
        if len(head) <= MOST_KEPT and line[1].startswith(b"/"):
            # As it came: the parser may have got another method.
            head = line[0] + head[head.find(b" "):]
            self.head, self._start, self._line, self._request = head, head.find(b"\n") + 1, line, request

    def repeated(self) -> Request:
        """Return the request of `head` once more."""
        before = self._request
        assert before is not None and self._line is not None
        request = Request(self._line[0], before.version, before.headers)
        request.path, request.query = before.path, before.query
        return request

    def again(self, line: Line, data: bytes, end: int, message: MessageParser) -> Optional[Request]:
        """
        Return the request of `line`, up to `end` of `data`, if all of the rest is the headers of the latest one.

        `message` looks at its target. Raise Refused if that isn't good.
        """
        before, latest, head = self._request, self._line, self.head
        if before is None or latest is None or head is None or data[end:] != head[self._start:]:
            return None
        method, target, version = line
        if method != latest[0] or version != latest[2] or not target.startswith(b"/"):
            return None
        if target == latest[1]:
            return self.repeated()
        request = Request(method, version, before.headers)
        message.begin()
        message.feed(b"POST %b HTTP/1.1\r\n\r\n" % target)
        if not message.complete:
            raise Refused(400, "This is not an HTTP request.")
        url = read_target(target, request.headers)
        request.path, request.query = url.path or b"/", url.query or b""
        return request
