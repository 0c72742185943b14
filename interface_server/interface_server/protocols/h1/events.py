"""
Events of a connection of HTTP/1: a client's requests, as values.
"""
from __future__ import annotations

from typing import Union

from ...errors import Refused
from ..requests import Headers


class Request:
    """The head of a request; `ended` if no body follows."""

    __slots__ = ("method", "path", "query", "version", "headers", "keep_alive", "ended", "expects_continue")

    def __init__(self, method: bytes, version: str, headers: Headers) -> None:
        self.method = method.decode("ascii")
        self.version = version
        self.headers = headers
        self.path = b"/"
        self.query = b""
        self.keep_alive = version == "1.1"
        self.ended = False
        #: Whether the client waits to be told to send the body.
        self.expects_continue = False


class Data:
    """A piece of the body of the last Request."""

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        self.content = content


class End:
    """The end of the body of the last Request."""

    __slots__ = ()


class Upgrade:
    """A handshake for a WebSocket; `accept` is the answer to its key, and `rest` the bytes after its head."""

    __slots__ = ("request", "accept", "rest")

    def __init__(self, request: Request, accept: bytes, rest: bytes) -> None:
        self.request = request
        self.accept = accept
        self.rest = rest


class Http2:
    """A client that speaks HTTP/2 from the first byte on; `data` is all of it."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Refuse:
    """A request that is answered with an error; nothing after it is read."""

    __slots__ = ("refusal",)

    def __init__(self, refusal: Refused) -> None:
        self.refusal = refusal


Event = Union[Request, Data, End, Upgrade, Http2, Refuse]
