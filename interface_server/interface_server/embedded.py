"""
The interface server inside another program, such as Django's runserver.
"""
from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any, Optional

from .app.application import Application
from .layers.adapters import adapt
from .operation.listeners import Binding
from .operation.server import Server
from .options import Options
from .types import ActionLogger


def run(
    channel_layer: Any,
    host: str,
    port: int,
    *,
    ipv6: bool = False,
    http_timeout: float = 60,
    websocket_handshake_timeout: float = 5,
    ws_protocols: Optional[Sequence[str]] = None,
    root_path: str = "",
    action_logger: Optional[ActionLogger] = None,
    ready: Optional[Callable[[], None]] = None,
    signal_handlers: bool = True,
) -> None:
    """
    Serve HTTP and WebSocket in front of `channel_layer` until a signal comes.

    SIGINT raises KeyboardInterrupt once everything is closed, and SIGTERM
    raises SystemExit; in a thread other than the main one, or without
    `signal_handlers`, signals are left alone. `action_logger` is called with
    (protocol, action, details) as by daphne 1.4.2, and `ready` with nothing
    once the port is open. Raise OSError with its errno if the address can't be
    listened on.

    `host` may be an IPv6 address with or without brackets; `ipv6` says that
    a name is to be looked up as one.
    """
    options = Options(
        http_timeout=http_timeout,
        websocket_handshake_timeout=websocket_handshake_timeout,
        ws_protocols=tuple(ws_protocols or ()),
        root_path=root_path,
        shutdown_timeout=2.0,
        signal_handlers=signal_handlers,
    )
    sockets = Binding(addresses=((host.strip("[]"), int(port)),), ipv6=ipv6).open()
    try:
        server = Server(Application(adapt(channel_layer), options, action_logger), ready)
        server.run(sockets)
    finally:
        for listener in sockets:
            listener.close()
    if server.ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    if server.ended_by is not None:
        raise SystemExit(0)
