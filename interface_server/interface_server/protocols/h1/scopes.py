"""
The ASGI scopes of requests and handshakes of HTTP/1.
"""
from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ...types import ROOM, VIEWS, Peer
from ..ws.handshake import offered_subprotocols
from .events import Request


def http_scope(request: Request, peer: Peer, room: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    """Return the scope of a request; `room` returns once its client has read enough."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.version,
        "server": peer.server,
        "client": peer.client,
        "scheme": "https" if peer.uses_tls else "http",
        "root_path": "",
        "method": request.method,
        # The application reads the path as it came.
        "path": "",
        "raw_path": request.path,
        "query_string": request.query,
        "headers": request.headers,
        "extensions": {ROOM: room, VIEWS: {}},
    }


def websocket_scope(request: Request, peer: Peer) -> dict[str, Any]:
    """Return the scope of a handshake."""
    return {
        "type": "websocket",
        "http_version": "1.1",
        "scheme": "wss" if peer.uses_tls else "ws",
        "path": "",
        "raw_path": request.path,
        "query_string": request.query,
        "headers": request.headers,
        "client": peer.client,
        "server": peer.server,
        "subprotocols": offered_subprotocols(request.headers),
    }
