"""
The bytes of responses of HTTP/1.

Headers and content were checked by the bridge, so nothing is looked at twice
here, and what belongs together goes out in one write.
"""
from __future__ import annotations

from typing import Union

from ..date import http_date
from ..responses import STATUS_LINES, Headers

#: Headers as they were given -> their lines: most responses have the same.
#: How many are kept, and the bytes of one.
_lines: dict[tuple[bytes, bytes], bytes] = {}
_MOST_LINES, _SHORT = 512, 128
#: All headers of a response -> their lines, and whether Content-Length is among
#: them: how many responses, and the bytes of one.
_blocks: dict[tuple[tuple[bytes, bytes], ...], tuple[bytes, bool]] = {}
_MOST_BLOCKS, _SMALL = 256, 1024

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ResponseWriter:
    """
    One response, from its head to its last byte.

    `version` is the client's, and `keep_alive` whether it expects more on the
    connection; it is False afterwards if the response can only end with it.
    """

    __slots__ = ("keep_alive", "_bodiless", "_version", "_chunked")

    def __init__(self, method: str, version: str, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self._bodiless = method == "HEAD"
        self._version = version
        self._chunked = False

    def head(self, status: int, headers: Headers) -> bytes:
        """Return the bytes up to the content."""
        given = tuple(headers)
        block, has_length = _blocks.get(given) or _make_block(given)
        end = b"\r\n"
        if not has_length and status not in (204, 304) and not self._bodiless:
            if self._version == "1.1":
                self._chunked = True
                end = b"transfer-encoding: chunked\r\n\r\n"
            else:
                # RFC 9112 section 6.1: such a client knows no chunks, and
                # takes the end of the connection for the end of the content.
                self.keep_alive = False
        if not self.keep_alive:
            end = b"connection: close\r\n" + end
        return b"%bdate: %b\r\n%b%b" % (STATUS_LINES[status], http_date(), block, end)

    def whole(self, status: int, headers: Headers, content: bytes) -> bytes:
        """Return the bytes of a response whose `content` is all there is."""
        head = self.head(status, headers)
        return head + (self.body(content, False) if self._chunked or self._bodiless else content)

    def body(self, content: bytes, more: bool) -> bytes:
        """Return the bytes for a piece of the content."""
        return b"".join(self.pieces(content, more))

    def pieces(self, content: Union[bytes, memoryview], more: bool) -> list[Union[bytes, memoryview]]:
        """As body(), in pieces: `content` isn't copied."""
        if self._bodiless:
            return []
        if not self._chunked:
            return [content]
        pieces = [b"%x\r\n" % len(content), content, b"\r\n"] if content else []
        if not more:
            pieces.append(b"0\r\n\r\n")
        return pieces


def _make_block(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[bytes, bool]:
    """Return the lines of `headers`, and whether Content-Length is among them."""
    lines, has_length = [], False
    for header in headers:
        line = _lines.get(header)
        if line is None:
            name, value = header
            name = name.lower()
            line = b"%b: %b\r\n" % (name, value)
            if name == b"content-length":
                has_length = True
            elif len(line) <= _SHORT:
                if len(_lines) >= _MOST_LINES:
                    _lines.clear()
                _lines[header] = line
        lines.append(line)
    made = b"".join(lines), has_length
    if len(made[0]) <= _SMALL:
        if len(_blocks) >= _MOST_BLOCKS:
            _blocks.clear()
        _blocks[headers] = made
    return made
