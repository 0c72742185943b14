"""
granian underneath: HTTP in Rust.
"""
from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Optional

from granian.constants import Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from ..errors import UsageError
from ..options import Options

_NO_LIMIT = "granian has no such limit"

#: What the server can't keep, and why.
UNSUPPORTED = {
    "max_request_line": "granian limits the request line together with the headers",
    "max_headers": _NO_LIMIT,
    "max_connections": _NO_LIMIT,
    "max_connections_per_address": _NO_LIMIT,
    "max_frame_size": _NO_LIMIT,
    "max_message_size": _NO_LIMIT,
    "max_frames_per_second": _NO_LIMIT,
    "body_timeout": _NO_LIMIT,
    "write_timeout": _NO_LIMIT,
    "keep_alive_timeout": _NO_LIMIT,
    "ping_interval": "granian doesn't ping",
    "ping_timeout": "granian doesn't ping",
    "drain_time": "granian closes all sockets at once",
    "shutdown_timeout": "granian doesn't wait for responses",
}


def serve(
    application: Any, sockets: Sequence[socket.socket], options: Options, ready: Optional[Callable[[], None]] = None
) -> Optional[int]:
    """Serve `application` until a signal comes; return its number."""
    if len(sockets) != 1:
        raise UsageError("granian listens on one address: name one, or choose another server.")
    return asyncio.run(_serve(application, sockets[0], options, ready))


async def _serve(
    application: Any, listener: socket.socket, options: Options, ready: Optional[Callable[[], None]]
) -> Optional[int]:
    address: Any = listener.getsockname()
    place: dict[str, Any] = {"address": address[0], "port": address[1]}
    if listener.family == getattr(socket, "AF_UNIX", None):
        place = {"uds": Path(address)}
        Path(address).unlink()
    # It wants to open the socket itself.
    listener.close()
    tls: dict[str, Any] = {}
    if options.uses_tls:
        tls = {"ssl_cert": Path(str(options.certificate)), "ssl_key": Path(str(options.private_key))}
    server = Server(
        application, interface=Interfaces.ASGI, log_enabled=False,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(options.header_timeout * 1000) or 2 ** 31,
            max_buffer_size=max(8192, options.max_header_bytes or 2 ** 31),
        ),
        http2_settings=HTTP2Settings(
            max_concurrent_streams=options.max_streams or 2 ** 31 - 1,
            max_headers_size=options.max_header_bytes or 2 ** 31,
        ),
        **place, **tls,
    )
    ended_by: list[int] = []

    def on_signal(number: int) -> None:
        ended_by.append(number)
        server.stop()

    if options.signal_handlers and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    if ready is not None:
        asyncio.get_running_loop().call_soon(ready)
    await server.serve()
    return ended_by[0] if ended_by else None
