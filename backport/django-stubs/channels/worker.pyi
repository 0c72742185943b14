from collections.abc import Callable, Iterable
from typing import Any

from .layers import ChannelLayerWrapper
from .message import Message

class Worker:
    channel_layer: Any
    callback: Callable[[str, Message], Any] | None
    message_retries: int
    signal_handlers: bool
    only_channels: Iterable[str] | None
    exclude_channels: Iterable[str] | None
    threads: int
    termed: bool
    def __init__(
        self, channel_layer: ChannelLayerWrapper, callback: Callable[[str, Message], Any] | None = None,
        message_retries: int = 10, signal_handlers: bool = True, only_channels: Iterable[str] | None = None,
        exclude_channels: Iterable[str] | None = None, threads: int = 1, requeue_timeout: float = 1.0,
        prefetch: int = 1, clock: Any = ..., slow_after: float = ..., concurrency: int = 2000,
        shutdown_timeout: float = 10.0, limits: Any = ...,
    ) -> None: ...
    @property
    def channels(self) -> list[str]: ...
    def run(self) -> None: ...
    def run_once(self) -> Any: ...
    def stop(self) -> None: ...
    def ready(self) -> None: ...
    def apply_channel_filters(self, channels: Iterable[str]) -> list[str]: ...
    def handle(self, channel: str, content: dict[str, Any]) -> Any: ...

class WorkerGroup(Worker):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
