from collections.abc import Mapping
from typing import Any, ClassVar

from ..channel import Channel
from ..message import Message
from .consumer import WebsocketConsumer as WebsocketConsumer

__all__ = ["JsonWebsocketConsumer", "WebsocketConsumer", "WebsocketDemultiplexer", "WebsocketMultiplexer"]

class JsonWebsocketConsumer(WebsocketConsumer):
    def receive(self, content: Any, *args: Any, **kwargs: Any) -> Any: ...
    def send(self, content: Any, close: bool | int = False) -> None: ...  # type: ignore[override]
    @classmethod
    def group_send(cls, name: str, content: Any, close: bool | int = False) -> None: ...  # type: ignore[override]
    @classmethod
    def decode_json(cls, text: str) -> Any: ...
    @classmethod
    def encode_json(cls, content: Any) -> str: ...

class WebsocketMultiplexer:
    stream: str | None
    reply_channel: Channel | None
    def __init__(self, stream: str, reply_channel: Channel) -> None: ...
    def send(self, payload: Any) -> None: ...
    @classmethod
    def encode_json(cls, content: Any) -> str: ...
    @classmethod
    def encode(cls, stream: str, payload: Any) -> dict[str, Any]: ...
    @classmethod
    def group_send(cls, name: str, stream: str, payload: Any, close: bool | int = False) -> None: ...

class WebsocketDemultiplexer(JsonWebsocketConsumer):
    consumers: ClassVar[Mapping[str, Any]]
    multiplexer_class: ClassVar[type[WebsocketMultiplexer]]
