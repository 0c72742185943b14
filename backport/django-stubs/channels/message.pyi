from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from .channel import Channel
from .layers import ChannelLayerWrapper
from .layers.base import BaseChannelLayer

class Message:
    content: dict[str, Any]
    # Of one that a test makes without, the name is None.
    channel: Channel
    channel_layer: ChannelLayerWrapper | BaseChannelLayer
    # None for a message without one; a consumer knows which it takes.
    reply_channel: Channel
    is_streaming: bool
    attempt: int
    # What decorators of django.channels.sessions and .auth put there.
    channel_session: SessionBase
    http_session: SessionBase | None
    user: Any
    def __init__(
        self, content: dict[str, Any], channel_name: str | None,
        channel_layer: ChannelLayerWrapper | BaseChannelLayer | None,
    ) -> None: ...
    def __getitem__(self, key: str) -> Any: ...
    def __setitem__(self, key: str, value: Any) -> None: ...
    def __contains__(self, key: object) -> bool: ...
    def keys(self) -> KeysView[str]: ...
    def values(self) -> ValuesView[Any]: ...
    def items(self) -> ItemsView[str, Any]: ...
    def get(self, key: str, default: Any = None) -> Any: ...
    def copy(self) -> Message: ...
