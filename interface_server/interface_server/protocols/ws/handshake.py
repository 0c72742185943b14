"""
The opening handshake of a WebSocket over HTTP/1.1 (RFC 6455 section 4.2).
"""
from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Optional

from ...errors import Refused

#: RFC 6455 section 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(method: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """
    Return the value for Sec-WebSocket-Accept; raise Refused.

    That the request of HTTP/1.1 asks for an upgrade to "websocket" is known.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in (b"sec-websocket-key", b"sec-websocket-version"):
            if name in found:
                raise Refused(400, f"There must be one {name.decode()}.")
            found[name] = value.strip()
    if method != "GET":
        raise Refused(400, "A WebSocket handshake is a GET of HTTP/1.1.")
    if found.get(b"sec-websocket-version") != b"13":
        raise Refused(426, "This server speaks version 13 of WebSocket.", [(b"sec-websocket-version", b"13")])
    key = found.get(b"sec-websocket-key", b"")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        is_key = False
    if not is_key:
        raise Refused(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())


def offered_subprotocols(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """Return the subprotocols that a client offers, in its order."""
    return [
        name.strip().decode("latin-1")
        for header, value in headers if header == b"sec-websocket-protocol"
        for name in value.split(b",")
    ]


def accept_response(key: bytes, subprotocol: Optional[str], headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the bytes that open a WebSocket; `key` is what accept_key() returned."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        key, b"\r\n",
    ]
    if subprotocol is not None:
        lines += [b"Sec-WebSocket-Protocol: ", subprotocol.encode("latin-1"), b"\r\n"]
    for name, value in headers:
        lines += [name, b": ", value, b"\r\n"]
    lines.append(b"\r\n")
    return b"".join(lines)
