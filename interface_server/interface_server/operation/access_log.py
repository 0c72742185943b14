"""
The access log: one line for each request, and for each event of a socket.

Lines are collected for a moment and written together, so that a busy server
doesn't wait for its log.
"""
from __future__ import annotations

import asyncio
import errno
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Optional

from ..backport import Repeats
from ..errors import UsageError
from .metrics import Counts

logger = logging.getLogger(__name__)

_SOCKET_WORDS = {
    "connecting": "WSCONNECTING",
    "connected": "WSCONNECT",
    "rejected": "WSREJECT",
    "disconnected": "WSDISCONNECT",
}
#: Seconds that a line may wait for others.
FLUSH_AFTER = 0.2


def common(protocol: str, action: str, details: dict[str, Any]) -> str:
    """Return a line in the common log format."""
    if protocol == "http":
        request = f"{details['method']} {details['path']} HTTP/{details.get('version', '1.1')}"
        status, size = details["status"], details["size"]
    else:
        request, status, size = f"{_SOCKET_WORDS[action]} {details['path']}", "-", "-"
    now = time.strftime("%d/%b/%Y:%H:%M:%S %z")
    host = (details["client"] or "-").rpartition(":")[0] or "-"
    return f'{host} - - [{now}] "{_quoted(request)}" {status} {size}'


def combined(protocol: str, action: str, details: dict[str, Any]) -> str:
    """Return a line in the combined log format."""
    headers = details.get("headers", ())
    referer, agent = _header(headers, b"referer"), _header(headers, b"user-agent")
    return f'{common(protocol, action, details)} "{_quoted(referer or "-")}" "{_quoted(agent or "-")}"'


def as_json(protocol: str, action: str, details: dict[str, Any]) -> str:
    """Return a line that is a JSON object."""
    headers = details.get("headers", ())
    line: dict[str, Any] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "protocol": protocol,
        "action": action,
        "client": details["client"],
        "path": details["path"],
        "referer": _header(headers, b"referer"),
        "user_agent": _header(headers, b"user-agent"),
    }
    for key in ("method", "version", "status", "size", "time_taken", "code"):
        if key in details:
            line[key] = details[key]
    return json.dumps({key: value for key, value in line.items() if value is not None})


FORMATS: dict[str, Callable[[str, str, dict[str, Any]], str]] = {
    "common": common, "combined": combined, "json": as_json,
}


class AccessLog:
    """
    Writes lines of one of FORMATS to `file`, which has no buffer of its own.

    It is an action logger: see `types.ActionLogger`. Lines that can't be
    written are dropped, and counted in `dropped`: a full disk, or a reader of
    stdout that is gone, takes the log and not the server.
    """

    def __init__(self, file: BinaryIO, format: str = "common") -> None:
        self._file = file
        self._format = FORMATS[format]
        self._lines: list[str] = []
        #: What was lost, by reason: "access_log" is ours.
        self.dropped: Counts[str] = Counts()
        #: Lines that this outage has cost so far.
        self._lost = 0
        # A disk that is nearly full has room now and then.
        self._repeats = Repeats()
        #: Does the file end amid a line?
        self._is_torn = False

    def __call__(self, protocol: str, action: str, details: dict[str, Any]) -> None:
        self._lines.append(self._format(protocol, action, details))
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(FLUSH_AFTER, self.flush)
            except RuntimeError:
                # Nobody is there to come back to us.
                self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        try:
            self._write(("\n".join(lines) + "\n").encode("utf-8"))
        except OSError as error:
            self._repeats.log(
                logger, logging.ERROR, "lost", 1,
                "The access log can't be written (%s); its lines are dropped until it can be again.",
                error.strerror or error,
            )
            self._lost += len(lines)
            self.dropped["access_log"] += len(lines)
            return
        if self._lost:
            self._repeats.warn(
                logger, "over", "The access log is written again; %d lines were dropped.", self._lost,
            )
            self._lost = 0

    def _write(self, content: bytes) -> None:
        if self._is_torn:
            content = b"\n" + content
        view = memoryview(content)
        while view:
            # A disk that becomes full takes a part.
            written = self._file.write(view)
            if not written:
                raise BlockingIOError(errno.EAGAIN, "its reader doesn't keep up")
            view = view[written:]
            self._is_torn = bool(view)


def open_access_log(path: str, format: str = "common") -> AccessLog:
    """Return an AccessLog that appends to a file, "-" being stdout; raise UsageError."""
    if path != "-":
        try:
            return AccessLog(open(path, "ab", buffering=0), format)
        except OSError as error:
            raise UsageError(f"The access log {path} can't be opened: {error.strerror or error}.") from error
    if sys.stdout is None:
        # The descriptor may be a socket's by now.
        raise UsageError("The access log can't be written to stdout, which is closed: name a file.")
    return AccessLog(open(sys.stdout.fileno(), "wb", buffering=0, closefd=False), format)


def _header(headers: Any, wanted: bytes) -> Optional[str]:
    for name, value in headers:
        if name == wanted:
            return bytes(value).decode("latin-1")
    return None


def _quoted(text: str) -> str:
    # What a client sends must not look like a line of its own.
    return text.encode("unicode_escape").decode("ascii").replace('"', "\\x22")
