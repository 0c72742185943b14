"""
What the headers of an HTTP/2 request say, or why it is refused.

The library has checked their form (RFC 9113, section 8.2); what is left are
our limits, and what Django and other programs might read differently.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..options import Options

Headers = list[tuple[bytes, bytes]]

# RFC 9110 section 9.1.
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class RequestError(Exception):
    """Raised when a request is to be answered with `status` at once."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def read_request(fields: Iterable[tuple[bytes, bytes]], scope: dict[str, Any], options: Options) -> bool:
    """
    Put what `fields` say into `scope`; return whether it opens a WebSocket.

    Raise RequestError if the request is to be refused.
    """
    pseudo: dict[bytes, bytes] = {}
    headers: Headers = []
    for name, value in fields:
        if name.startswith(b":"):
            pseudo[name] = value
        else:
            headers.append((bytes(name), bytes(value)))
    is_tunnel = _check_method(pseudo, headers)
    _check_limits(pseudo.get(b":path", b""), headers, options)
    hosts = {value for name, value in headers if name == b"host"}
    if b":authority" in pseudo:
        hosts.add(pseudo[b":authority"])
    if len(hosts) != 1:
        raise RequestError(400, "A request names one host.")
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", hosts.pop()))
    scope["method"] = pseudo[b":method"].decode("ascii")
    scope["path"] = ""
    scope["raw_path"], _, scope["query_string"] = pseudo[b":path"].partition(b"?")
    scope["headers"] = _with_one_cookie(headers)
    return is_tunnel


def _check_method(pseudo: dict[bytes, bytes], headers: Headers) -> bool:
    method = pseudo.get(b":method", b"")
    if not _TOKEN.fullmatch(method):
        raise RequestError(400, "The request has no method.")
    if not pseudo.get(b":path", b"").startswith((b"/", b"*")) and method != b"CONNECT":
        raise RequestError(400, "The request has no path.")
    if method != b"CONNECT":
        return False
    # RFC 8441 section 4.
    if pseudo.get(b":protocol") != b"websocket":
        raise RequestError(501, "This server is no proxy.")
    if not pseudo.get(b":path", b"").startswith(b"/"):
        raise RequestError(400, "The request has no path.")
    if [value for name, value in headers if name == b"sec-websocket-version"] != [b"13"]:
        raise RequestError(400, "This server speaks version 13 of WebSocket.")
    return True


def _check_limits(path: bytes, headers: Headers, options: Options) -> None:
    if options.max_request_line and len(path) > options.max_request_line - 20:
        raise RequestError(414, "The request line is too long.")
    if options.max_headers and len(headers) > options.max_headers:
        raise RequestError(431, "The request has too many headers.")
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit():
                raise RequestError(400, "Content-Length is a number.")
            if options.max_body_size and int(value) > options.max_body_size:
                raise RequestError(413, f"The body of a request may have {options.max_body_size} bytes.")


def _with_one_cookie(headers: Headers) -> Headers:
    # RFC 9113 section 8.2.3: they come apart, and belong together.
    cookies = [value for name, value in headers if name == b"cookie"]
    if len(cookies) < 2:
        return headers
    return [header for header in headers if header[0] != b"cookie"] + [(b"cookie", b"; ".join(cookies))]
