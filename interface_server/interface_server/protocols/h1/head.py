"""
The parts of a head that are read here, and not by llhttp.
"""
from __future__ import annotations

import re

from ...errors import Refused
from ..requests import Headers

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^\x00-\x20\x7f]+) HTTP/([0-9])\.([0-9])\r\n")
_PART_OF_A_LINE = re.compile(rb"[^\x00-\x1f\x7f]+\r?")
#: Headers that are about an upgrade, and tokens of Connection.
_UPGRADE_HEADERS = frozenset([b"upgrade", b"http2-settings"])


def check_beginning(data: bytes) -> None:
    """Raise Refused if `data` can't be the beginning of a request line."""
    if _PART_OF_A_LINE.fullmatch(data) is None:
        raise Refused(400, "This is not an HTTP request.")


def read_request_line(data: bytes, end: int) -> tuple[bytes, bytes, str]:
    """Return (method, target, version) of the line that ends at `end`; raise Refused."""
    match = _LINE.match(data, 0, end)
    if match is None:
        raise Refused(400, "This is not an HTTP request.")
    method, target, major, minor = match.groups()
    if major != b"1" or minor not in b"01":
        raise Refused(505, "This server speaks HTTP/1.0, HTTP/1.1 and HTTP/2.")
    if method == b"CONNECT":
        raise Refused(501, "This server is not a proxy.")
    return method, target, "1.1" if minor == b"1" else "1.0"


def without_upgrade(headers: Headers) -> Headers:
    """Return `headers` without those that ask for another protocol."""
    kept = []
    for name, value in headers:
        if name == b"connection":
            value = b", ".join(
                token for token in map(bytes.strip, value.split(b",")) if token.lower() not in _UPGRADE_HEADERS
            )
        if name not in _UPGRADE_HEADERS:
            kept.append((name, value))
    return kept
