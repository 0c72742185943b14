from collections.abc import Iterable
from typing import Any, ClassVar

from .base import Binding

class WebsocketBinding(Binding):
    stream: ClassVar[str | None]
    def serialize_data(self, instance: Any) -> Any: ...

class WebsocketBindingWithMembers(WebsocketBinding):
    send_members: ClassVar[Iterable[str]]
    encoder: Any
    def serialize_data(self, instance: Any, **kwargs: Any) -> Any: ...
