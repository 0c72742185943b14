"""
The servers that can speak the protocols underneath, one module for each.

A module has `serve(application, sockets, options, ready)`, which blocks
until a signal ends it and returns the signal's number, or None without one;
and `UNSUPPORTED`, the fields of Options that it can't keep.
"""
from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, Protocol, cast

from ..errors import UsageError
from ..options import Options

#: The name of a server, and the command that installs what it needs.
SERVERS = {
    "uvicorn": "pip install uvicorn httptools h2 websockets",
    "hypercorn": "pip install 'channels-interface-server[hypercorn]'",
    "granian": "pip install 'channels-interface-server[granian]'",
}
DEFAULT_SERVER = "uvicorn"


class ServerModule(Protocol):
    """What a module of this package has."""

    UNSUPPORTED: Mapping[str, str]

    def serve(
        self, application: Any, sockets: Sequence[socket.socket], options: Options,
        ready: Optional[Callable[[], None]] = None,
    ) -> Optional[int]:
        """Serve until a signal comes; return its number."""


def load(name: str) -> ServerModule:
    """
    Return the module of the server called `name`.

    Raise UsageError, with the command that helps, if it isn't installed.
    """
    try:
        return cast(ServerModule, importlib.import_module(f"{__name__}.{name}"))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("interface_server"):
            raise
        raise UsageError(
            f"The server {name} needs the module {error.name}, which isn't installed: run {SERVERS[name]!r}."
        ) from error
