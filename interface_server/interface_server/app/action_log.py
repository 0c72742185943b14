"""
The actions of requests and sockets, as the access log is told of them.
"""
from __future__ import annotations

from typing import Any, Optional

from ..types import ActionLogger, Scope
from .context import Context


def client_text(client: Any) -> Optional[str]:
    """Return host and port as daphne 1.4.2 gives them, or None for a client without."""
    return "%s:%s" % tuple(client) if client else None


def log_request(action_logger: ActionLogger, scope: Scope, status: int, size: int, seconds: float) -> None:
    """Tell that a request was answered with `size` bytes of content, after `seconds`."""
    path = (scope.get("raw_path") or scope["path"].encode("utf-8")).decode("ascii", "backslashreplace")
    if scope["query_string"]:
        path += "?" + scope["query_string"].decode("ascii", "backslashreplace")
    action_logger("http", "complete", {
        "path": path,
        "status": status,
        "method": scope["method"],
        "client": client_text(scope.get("client")),
        "time_taken": seconds,
        "size": size,
        "version": scope["http_version"],
        "headers": scope["headers"],
    })


def log_socket(context: Context, action: str, path: str, client: Any) -> None:
    """Tell what has become of a socket."""
    if context.action_logger is not None:
        context.action_logger("websocket", action, {"path": path, "client": client_text(client)})
