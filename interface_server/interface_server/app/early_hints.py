"""
Early hints (RFC 8297), which is what became of server push.

No browser takes a pushed response any more. What a worker would have pushed
is told to the client instead, for it to ask for while the page is made.
"""
from __future__ import annotations

import urllib.parse
from typing import Any, Optional

from ..backport import exceptions
from ..types import Scope, Send

#: Ending of a path -> what browsers have to know before they load it.
_KINDS = {
    ".css": b"; as=style", ".js": b"; as=script",
    ".woff": b"; as=font; crossorigin", ".woff2": b"; as=font; crossorigin",
    ".avif": b"; as=image", ".gif": b"; as=image", ".jpg": b"; as=image", ".jpeg": b"; as=image",
    ".png": b"; as=image",
    ".svg": b"; as=image", ".webp": b"; as=image",
}


def link_to(request: Any) -> Optional[bytes]:
    """
    Return the value of a Link header for the request of a server push.

    Return None for one that no browser would load ahead. Raise
    MalformedMessage if it isn't what the standard describes.
    """
    if not isinstance(request, dict) or not isinstance(request.get("path"), str):
        raise exceptions.MalformedMessage(f"The 'request' of a server push is a dict with a 'path', not {request!r}.")
    path, query = request["path"], request.get("query_string") or b""
    if not isinstance(query, bytes):
        raise exceptions.MalformedMessage("The 'query_string' of a server push is a byte string.")
    kind = _KINDS.get("." + path.rpartition(".")[2].lower())
    if kind is None or request.get("method", "GET") != "GET" or not path.startswith("/"):
        return None
    target = urllib.parse.quote(path)
    if query:
        target += "?" + urllib.parse.quote(query, safe="/?:@!$&'()*+,;=%~-._")
    return b"<%b>; rel=preload%b" % (target.encode("ascii"), kind)


async def send_hint(scope: Scope, send: Send, request: Any) -> None:
    """Tell the client of `scope` of what a server push would have brought, if its connection can and that is any."""
    link = link_to(request)
    if link is not None and "http.response.early_hint" in scope.get("extensions", {}):
        await send({"type": "http.response.early_hint", "links": [link]})
