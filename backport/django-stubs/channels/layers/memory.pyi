from collections.abc import Iterable, Mapping
from re import Pattern
from typing import Any

from .base import BaseChannelLayer

class InMemoryChannelLayer(BaseChannelLayer):
    def __init__(
        self, expiry: float = 60, group_expiry: float = 86400, capacity: int = 100,
        channel_capacity: Mapping[str | Pattern[str], int] | None = None, process_capacity: int | None = None,
        clock: Any = ..., acknowledged: Iterable[str] = (),
    ) -> None: ...
