from collections.abc import Iterator
from typing import Any, ClassVar

from django.core.handlers import base
from django.http.response import HttpResponseBase

from ..message import Message
from .request import ChannelRequest

class ChannelHandler(base.BaseHandler):
    request_class: ClassVar[type[ChannelRequest]]
    chunk_size: int
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __call__(self, message: Message) -> Iterator[dict[str, Any]]: ...
    @classmethod
    def encode_response(cls, response: HttpResponseBase) -> Iterator[dict[str, Any]]: ...
    @classmethod
    def chunk_bytes(cls, data: bytes) -> Iterator[tuple[bytes, bool]]: ...

class ViewConsumer:
    handler_class: ClassVar[type[ChannelHandler]]
    send_timeout: float
    def __init__(self) -> None: ...
    def __call__(self, message: Message) -> Any: ...
