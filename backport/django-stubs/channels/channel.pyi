from collections.abc import Awaitable
from typing import Any

from .layers import ChannelLayerWrapper
from .layers.base import BaseChannelLayer

class Sender:
    name: str
    channel_layer: ChannelLayerWrapper | BaseChannelLayer
    method: str | None
    def __init__(
        self, name: str | bytes, alias: str = ..., channel_layer: ChannelLayerWrapper | BaseChannelLayer | None = None
    ) -> None: ...
    def send(self, content: dict[str, Any], immediately: bool = False) -> None: ...
    def asend(self, content: dict[str, Any], immediately: bool = False) -> Awaitable[None]: ...

class Channel(Sender):
    def send(  # type: ignore[override]
        self, content: dict[str, Any], immediately: bool = False, *, id: str = ..., delay: float = ...,
        at: float = ..., priority: int = ..., unique: str = ..., conflict: str = ...,
    ) -> str | None: ...
    def asend(  # type: ignore[override]
        self, content: dict[str, Any], immediately: bool = False, *, id: str = ..., delay: float = ...,
        at: float = ..., priority: int = ..., unique: str = ..., conflict: str = ...,
    ) -> Awaitable[str | None]: ...

class Group(Sender):
    def add(self, channel: Channel | str) -> None: ...
    def discard(self, channel: Channel | str) -> None: ...
    def aadd(self, channel: Channel | str) -> Awaitable[None]: ...
    def adiscard(self, channel: Channel | str) -> Awaitable[None]: ...
