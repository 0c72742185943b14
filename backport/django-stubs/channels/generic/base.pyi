from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ..message import Message
from ..routing import RouteClass

class BaseConsumer:
    method_mapping: ClassVar[Mapping[str, str]]
    channel_session: bool
    channel_session_user: bool
    message: Message
    kwargs: dict[str, Any]
    outcome: Any
    def __init__(self, message: Message, **kwargs: Any) -> None: ...
    @classmethod
    def channel_names(cls) -> set[str]: ...
    @classmethod
    def as_route(cls, attrs: dict[str, Any] | None = None, **filters: Any) -> RouteClass: ...
    def get_handler(self, message: Message, **kwargs: Any) -> Callable[..., Any]: ...
    def get_method(self, name: str) -> Callable[..., Any]: ...
    def dispatch(self, message: Message, **kwargs: Any) -> Any: ...
