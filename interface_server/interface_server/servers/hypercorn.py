"""
hypercorn underneath: HTTP/2 with WebSockets over it, in pure Python.
"""
from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, Optional

import hypercorn.asyncio
from hypercorn.config import Config

from ..options import Options

_NO_LIMIT = "hypercorn has no such limit"

#: What the server can't keep, and why.
UNSUPPORTED = {
    "max_request_line": "hypercorn limits the request line together with the headers",
    "max_headers": _NO_LIMIT,
    "max_connections": _NO_LIMIT,
    "max_connections_per_address": _NO_LIMIT,
    "max_frame_size": "hypercorn limits messages only",
    "max_frames_per_second": _NO_LIMIT,
    "body_timeout": _NO_LIMIT,
    "write_timeout": _NO_LIMIT,
    "ping_timeout": "hypercorn doesn't look for the answers to its pings",
    "drain_time": "hypercorn closes all sockets at once",
}


def make_config(sockets: Sequence[socket.socket], options: Options) -> Config:
    """Return hypercorn's configuration for `options`."""
    config = Config()
    # It closes what it gets.
    config.bind = [f"fd://{os.dup(listener.fileno())}" for listener in sockets]
    config.certfile, config.keyfile = options.certificate, options.private_key
    config.h11_max_incomplete_size = options.max_header_bytes or 2 ** 31
    config.h2_max_header_list_size = options.max_header_bytes or 2 ** 31
    config.h2_max_concurrent_streams = options.max_streams or 2 ** 31 - 1
    config.keep_alive_timeout = options.keep_alive_timeout or 10 ** 9
    config.read_timeout = None
    config.ssl_handshake_timeout = options.header_timeout or None
    config.websocket_max_message_size = options.max_message_size or 2 ** 31
    config.websocket_ping_interval = options.ping_interval or None
    config.graceful_timeout = options.shutdown_timeout
    config.include_server_header = False
    config.errorlog = None
    return config


def serve(
    application: Any, sockets: Sequence[socket.socket], options: Options, ready: Optional[Callable[[], None]] = None
) -> Optional[int]:
    """Serve `application` until a signal comes; return its number."""
    return asyncio.run(_serve(application, sockets, options, ready))


async def _serve(
    application: Any, sockets: Sequence[socket.socket], options: Options, ready: Optional[Callable[[], None]]
) -> Optional[int]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[int] = loop.create_future()

    def on_signal(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    if options.signal_handlers and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)

    async def trigger() -> None:
        if ready is not None:
            ready()
        await asyncio.shield(stop)

    await hypercorn.asyncio.serve(application, make_config(sockets, options), shutdown_trigger=trigger)
    return stop.result() if stop.done() else None
