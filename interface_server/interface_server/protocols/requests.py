"""
Validation of the headers of a request.

The parsers have checked their form; what is left are our limits, and what
Django and other programs might read differently.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import httptools

from ..errors import Refused
from ..options import Options

Headers = list[tuple[bytes, bytes]]
#: The size of a body that comes in chunks.
CHUNKED = -1

# RFC 9110 section 9.1.
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What a target can't have in HTTP/1, to which others may translate the request
# (RFC 9113 section 10.3).
_NO_PATH = re.compile(rb"[^!-~]")


def read_framing(version: str, headers: Headers, options: Options) -> int:
    """
    Return the size in bytes of the body of a request of HTTP/1, or CHUNKED.

    Raise Refused for what two programs in a row might read differently (RFC
    9112, section 11.2), and for a body that is too large.
    """
    hosts = size = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            if size or value.lower().strip() != b"chunked":
                raise Refused(501, "The only Transfer-Encoding is chunked.")
            if version != "1.1":
                raise Refused(400, "There is no Transfer-Encoding before HTTP/1.1.")
            size = CHUNKED
        elif name == b"content-length":
            if size == CHUNKED or not value.isdigit():
                raise Refused(400, "The length of the body is ambiguous.")
            size = int(value)
            check_body_size(size, options)
    # RFC 9112 section 3.2.
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise Refused(400, "A request names one Host.")
    return size


def check_body_size(size: int, options: Options) -> None:
    """Raise Refused for a body that is too large."""
    if options.max_body_size and size > options.max_body_size:
        raise Refused(413, f"The body of a request may have {options.max_body_size} bytes.")


def read_target(target: bytes, headers: Headers) -> Any:
    """
    Return the parts of a request's target in HTTP/1; raise Refused.

    A whole URL brings the host that counts (RFC 9112, section 3.2.2); it takes
    the place of the one in `headers`.
    """
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise Refused(400, "The request line has no path.") from None
    if url.host is not None:
        if url.schema.lower() not in (b"http", b"https") or url.userinfo is not None:
            raise Refused(400, "The request line has a URL of another kind.")
        host = b"[%b]" % url.host if b":" in url.host else url.host
        authority = host if url.port is None else b"%b:%d" % (host, url.port)
        headers[:] = [header for header in headers if header[0] != b"host"]
        headers.insert(0, (b"host", authority))
    return url


def read_fields(
    fields: Iterable[tuple[bytes, bytes]], scope: dict[str, Any], options: Options, has_body: bool = True,
) -> bool:
    """
    Put what the `fields` of a request of HTTP/2 say into `scope`.

    Return whether it opens a WebSocket. Raise Refused, also for one that says
    it has a body where there is none.
    """
    pseudo: dict[bytes, bytes] = {}
    headers: Headers = []
    for name, value in fields:
        if name.startswith(b":"):
            pseudo[name] = value
        else:
            headers.append((bytes(name), bytes(value)))
    is_tunnel = _check_method(pseudo, headers)
    # RFC 9113 section 8.1.1.
    if not has_body and any(name == b"content-length" and value.strip(b"0") for name, value in headers):
        raise Refused(400, "The body of the request is missing.")
    hosts = {value for name, value in headers if name == b"host"}
    if b":authority" in pseudo:
        hosts.add(pseudo[b":authority"])
    if len(hosts) != 1:
        raise Refused(400, "A request names one host.")
    if not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", hosts.pop()))
    headers = _with_one_cookie(headers)
    _check_limits(pseudo[b":method"], pseudo[b":path"], headers, options)
    scope["method"] = pseudo[b":method"].decode("ascii")
    scope["path"] = ""
    scope["raw_path"], _, scope["query_string"] = pseudo[b":path"].partition(b"?")
    scope["headers"] = headers
    return is_tunnel


def _check_method(pseudo: dict[bytes, bytes], headers: Headers) -> bool:
    method = pseudo.get(b":method", b"")
    if not _TOKEN.fullmatch(method):
        raise Refused(400, "The request has no method.")
    path = pseudo.get(b":path", b"")
    if not path.startswith((b"/", b"*")) and method != b"CONNECT" or _NO_PATH.search(path):
        raise Refused(400, "The request has no path.")
    if method != b"CONNECT":
        return False
    # RFC 8441 section 4.
    if pseudo.get(b":protocol") != b"websocket":
        raise Refused(501, "This server is not a proxy.")
    if not path.startswith(b"/"):
        raise Refused(400, "The request has no path.")
    if [value for name, value in headers if name == b"sec-websocket-version"] != [b"13"]:
        raise Refused(400, "This server speaks version 13 of WebSocket.")
    return True


def _check_limits(method: bytes, path: bytes, headers: Headers, options: Options) -> None:
    """Raise Refused for what would be too large in HTTP/1, where a line and each header have their marks."""
    if options.max_request_line and len(b"%b %b HTTP/1.1\r\n" % (method, path)) > options.max_request_line:
        raise Refused(414, "The request line is too long.")
    if options.max_headers and len(headers) > options.max_headers:
        raise Refused(431, "The request has too many headers.")
    size = sum(len(name) + len(value) + len(b": \r\n") for name, value in headers)
    if options.max_header_bytes and size > options.max_header_bytes:
        raise Refused(431, "The headers of the request are too large.")
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit():
                raise Refused(400, "Content-Length is a number.")
            check_body_size(int(value), options)


def _with_one_cookie(headers: Headers) -> Headers:
    # RFC 9113 section 8.2.3: they come apart, and belong together.
    cookies = [value for name, value in headers if name == b"cookie"]
    if len(cookies) < 2:
        return headers
    return [header for header in headers if header[0] != b"cookie"] + [(b"cookie", b"; ".join(cookies))]
