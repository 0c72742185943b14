"""
Other protocols that take a connection of HTTP/1 over.
"""
from __future__ import annotations

from typing import Any

from ...types import Peer, Site
from ..connections import ConnectionLimiter
from ..h2.protocol import Http2Protocol
from ..ws.protocol import WebSocketProtocol
from .events import Upgrade
from .scopes import websocket_scope


def become_http2(
    site: Site, limiter: ConnectionLimiter, transport: Any, peer: Peer, slot: str, data: bytes
) -> None:
    """Go on in HTTP/2 with `data`, what the client has said so far."""
    protocol = Http2Protocol(site, limiter, peer, slot)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if data:
        protocol.data_received(data)


def become_websocket(
    site: Site, limiter: ConnectionLimiter, transport: Any, peer: Peer, slot: str, upgrade: Upgrade
) -> None:
    """Go on as the WebSocket that was asked for."""
    protocol = WebSocketProtocol(site, limiter, transport, upgrade.accept, slot)
    protocol.start(websocket_scope(upgrade.request, peer), upgrade.rest)
