"""
Proxies' statements about the client: Forwarded (RFC 7239), X-Forwarded-*.

Only a proxy whose address is trusted is believed, and only in the headers that
it is said to set: proxies pass on what they don't know, so that the others are
the client's own word. So is the rest of a chain, beyond the proxies.
"""
from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Optional, Union

from ..errors import UsageError
from ..types import Scope

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Headers = list[tuple[bytes, bytes]]

#: What proxies set -> the headers with which a client could pass for another.
FAMILIES = {
    "x-forwarded": frozenset([
        b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-forwarded-ssl",
        b"x-real-ip",
    ]),
    "forwarded": frozenset([b"forwarded"]),
}
_ALL = frozenset(name for family in FAMILIES.values() for name in family)

# One `token=value` of a Forwarded header; the value may be quoted.
_PAIR = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*')


class TrustedProxies:
    """
    The addresses that may say who the client is.

    `networks` are addresses and networks; "unix" stands for every client of
    a Unix socket. `family`, a key of FAMILIES, is what they set. Raise
    UsageError for anything else.
    """

    def __init__(self, networks: Sequence[str], family: str) -> None:
        self._unix = "unix" in networks
        self._networks = [_parse_network(network) for network in networks if network != "unix"]
        if family not in FAMILIES:
            raise UsageError(f"Trusted proxies set {' or '.join(FAMILIES)}, not {family!r}.")
        self._family = family
        self._any = bool(self)
        self._claims_through_proxies = _ALL - FAMILIES[family]

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def __contains__(self, address: Address) -> bool:
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def trusts(self, client: Optional[Sequence[object]]) -> bool:
        """Return whether the peer of the connection is a trusted proxy."""
        if not client:
            return self._unix
        address = _parse_address(str(client[0]))
        return address is not None and address in self

    def slot_of(self, host: str) -> str:
        """
        Return what the client at `host` is counted under.

        That is an IPv4 address, or the /64 of an IPv6 address, which is what
        one subscriber gets, at least; "" for those who may stand for many.
        """
        address = _parse_address(host)
        if address is None or address.is_loopback or address in self:
            return ""
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((address, 64), strict=False))
        return str(address)

    def apply(self, scope: Scope) -> None:
        """Put the client's address and scheme into `scope`."""
        if not self._any:
            return
        trusted = self.trusts(scope.get("client"))
        claims = self._claims_through_proxies if trusted else _ALL
        scope["headers"] = [header for header in scope["headers"] if header[0] not in claims]
        if not trusted:
            return
        if self._family == "forwarded":
            self._apply_forwarded(scope)
        else:
            self._apply_x_forwarded(scope)

    def _apply_forwarded(self, scope: Scope) -> None:
        value = _joined(scope["headers"], b"forwarded")
        elements = _parse_forwarded(value) if value is not None else None
        if elements is None:
            return
        for element in reversed(elements):
            node = _parse_node(element.get("for", ""))
            if node is None:
                # "unknown", or hidden on purpose.
                break
            scope["client"] = node
            _set_scheme(scope, element.get("proto", ""))
            if not self.trusts(node):
                break

    def _apply_x_forwarded(self, scope: Scope) -> None:
        chain = _joined(scope["headers"], b"x-forwarded-for")
        if chain is not None:
            for part in reversed(chain.split(",")):
                node = _parse_node(part.strip())
                if node is None:
                    break
                scope["client"] = node
                if not self.trusts(node):
                    break
        proto = _joined(scope["headers"], b"x-forwarded-proto")
        if proto is not None:
            # The last is from the proxy that we trust.
            _set_scheme(scope, proto.rpartition(",")[2].strip())


def _joined(headers: Headers, wanted: bytes) -> Optional[str]:
    values = [value.decode("latin-1") for name, value in headers if name == wanted]
    return ",".join(values) if values else None


def _set_scheme(scope: Scope, proto: str) -> None:
    proto = proto.lower()
    secure = {"https": True, "wss": True, "http": False, "ws": False}.get(proto)
    if secure is not None:
        scheme = "ws" if scope["type"] == "websocket" else "http"
        scope["scheme"] = scheme + "s" if secure else scheme


def _parse_forwarded(value: str) -> Optional[list[dict[str, str]]]:
    """Return the elements of a Forwarded header, or None if it is malformed."""
    elements: list[dict[str, str]] = [{}]
    position = 0
    while position < len(value):
        pair = _PAIR.match(value, position)
        if pair is None:
            return None
        text = pair.group(2)
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        elements[-1][pair.group(1).lower()] = text
        position = pair.end()
        if position < len(value):
            if value[position] == ",":
                elements.append({})
            elif value[position] != ";":
                return None
            position += 1
    return elements


def _parse_node(node: str) -> Optional[list[object]]:
    """Return [host, port] of "192.0.2.1:80", "[2001:db8::1]" or such; or None."""
    host, port = node, ""
    if node.startswith("["):
        host, _, port = node[1:].partition("]")
        port = port.lstrip(":")
    elif node.count(":") == 1:
        host, _, port = node.partition(":")
    address = _parse_address(host)
    if address is None:
        return None
    return [str(address), int(port) if port.isdecimal() and len(port) <= 5 else 0]


def _parse_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise UsageError(
            f"A trusted proxy is an address such as 127.0.0.1, a network such as 10.0.0.0/8, or unix: {error}."
        ) from None


def _parse_address(text: str) -> Optional[Address]:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
