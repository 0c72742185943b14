"""
Status lines, and whole responses of HTTP/1 that no application has a part in.
"""
from __future__ import annotations

import http
from collections.abc import Iterable

from ..errors import Refused

Headers = Iterable[tuple[bytes, bytes]]


def status_line(status: int) -> bytes:
    """Return the first line of a response."""
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


STATUS_LINES = {status: status_line(status) for status in range(100, 600)}


def plain_response(status: int, headers: Headers, content: bytes) -> bytes:
    """Return a whole response that ends its connection."""
    lines = [status_line(status)]
    for name, value in headers:
        if name.lower() != b"content-length":
            lines += [name, b": ", value, b"\r\n"]
    lines.append(b"content-length: %d\r\nconnection: close\r\n\r\n" % len(content))
    lines.append(content)
    return b"".join(lines)


def error_response(refusal: Refused) -> bytes:
    """Return a whole response that says what was wrong."""
    status = refusal.status
    text = f"{status} {http.HTTPStatus(status).phrase}: {refusal.detail}\n".encode()
    return plain_response(status, [(b"content-type", b"text/plain; charset=utf-8"), *refusal.headers], text)
