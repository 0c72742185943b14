"""
The interface server inside another program, such as Django's runserver.
"""
from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, Optional

from .app.application import Application
from .errors import UsageError
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
    any_project: bool = False,
) -> None:
    """
    Serve HTTP and WebSocket in front of `channel_layer` until a signal comes.

    SIGINT raises KeyboardInterrupt once everything is closed, and SIGTERM
    raises SystemExit; in a thread other than the main one, or without
    `signal_handlers`, signals are left alone. `action_logger` is called with
    (protocol, action, details) as by daphne 1.4.2, and `ready` with nothing
    once the port is open. Raise OSError with its errno if the address can't be
    listened on, and AnotherProject, unless `any_project` is true, if only
    processes of another one use the layer.

    `host` may be an IPv6 address with or without brackets; `ipv6` says that
    a name is to be looked up as one.
    """
    options = Options(
        http_timeout=http_timeout,
        websocket_handshake_timeout=websocket_handshake_timeout,
        ws_protocols=tuple(ws_protocols or ()),
        root_path=root_path,
        grace_time=0.0,
        shutdown_timeout=2.0,
        signal_handlers=signal_handlers,
        any_project=any_project,
    )
    sockets = Binding(addresses=((host.strip("[]"), int(port)),), ipv6=ipv6).open()
    try:
        application = Application(adapt(channel_layer), options, action_logger)
        server = Server(application, ready)
        try:
            server.run(sockets)
        except UsageError:
            if application.refusal is None:
                raise
            raise application.refusal from None
    finally:
        for listener in sockets:
            listener.close()
    if server.ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    if server.ended_by is not None:
        raise SystemExit(0)


class Background:
    """
    A server in a thread, such as that of a test.

    `host`, `port` and `options` are those of run(); port 0 takes a free one.
    It listens once the object is there. Raise OSError with its errno if the
    address can't be listened on.
    """

    def __init__(
        self, channel_layer: Any, host: str, port: int = 0, *, ipv6: bool = False, http_timeout: float = 60,
        websocket_handshake_timeout: float = 5, root_path: str = "",
    ) -> None:
        options = Options(
            http_timeout=http_timeout, websocket_handshake_timeout=websocket_handshake_timeout, root_path=root_path,
            grace_time=0.0, shutdown_timeout=2.0, signal_handlers=False,
        )
        self._sockets = Binding(addresses=((host.strip("[]"), port),), ipv6=ipv6).open()
        #: Where it listens; with several addresses of `host`, the first one's.
        self.port: int = self._sockets[0].getsockname()[1]
        self._server = Server(Application(adapt(channel_layer), options))
        self._thread = threading.Thread(target=self._server.run, args=(self._sockets,), name="interface-server")
        self._thread.daemon = True
        self._thread.start()

    def stop(self) -> None:
        """Close the server and its connections; return when it has ended. Does nothing the second time."""
        self._server.stop()
        self._thread.join()
        for listener in self._sockets:
            listener.close()
