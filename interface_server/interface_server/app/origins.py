"""
Checks of the host and the origin of requests and sockets.

Patterns are as in Django's ALLOWED_HOSTS: a name, ".example.com" for it and
all below, or "*". Origins may say scheme and port, too.
"""
from __future__ import annotations

import urllib.parse
from collections.abc import Sequence
from typing import Optional

_PORTS = {"http": 80, "https": 443}


def host_is_allowed(host: bytes, patterns: Sequence[str]) -> bool:
    """Say if a Host header's value fits one of `patterns`."""
    try:
        name = urllib.parse.urlsplit("//" + host.decode("ascii")).hostname
    except ValueError:
        return False
    return name is not None and any(_name_fits(name, pattern) for pattern in patterns)


def origin_is_allowed(origin: Optional[bytes], patterns: Sequence[str]) -> bool:
    """
    Say if an Origin header's value fits one of `patterns`.

    Browsers always send one with a WebSocket; a client that sends none is not a browser
    and can't be used against its owner.
    """
    if origin is None:
        return True
    try:
        parts = urllib.parse.urlsplit(origin.decode("ascii"))
        port = parts.port
    except ValueError:
        return False
    if parts.hostname is None:
        # "null" comes from a file, or from a page that hides where it's from.
        return "null" in patterns and origin == b"null"
    return any(_origin_fits(parts.scheme, parts.hostname, port, pattern) for pattern in patterns)


def _origin_fits(scheme: str, name: str, port: Optional[int], pattern: str) -> bool:
    wanted_scheme, separator, rest = pattern.rpartition("://")
    if separator and scheme != wanted_scheme.lower():
        return False
    wanted_name, colon, wanted_port = rest.rpartition(":")
    if colon and wanted_port.isdigit():
        if (port or _PORTS.get(scheme)) != int(wanted_port):
            return False
        rest = wanted_name
    elif separator and port is not None and port != _PORTS.get(scheme):
        # An origin is all three; what isn't said stands for the usual.
        return False
    return _name_fits(name, rest)


def _name_fits(name: str, pattern: str) -> bool:
    name, pattern = name.lower().rstrip("."), pattern.lower()
    if pattern == "*":
        return True
    if pattern.startswith("."):
        return name == pattern[1:] or name.endswith(pattern)
    return name == pattern.strip("[]")
