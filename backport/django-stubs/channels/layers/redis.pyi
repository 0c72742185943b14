from collections.abc import Iterable, Mapping, Sequence
from re import Pattern
from typing import Any

from .base import BaseChannelLayer

class RedisChannelLayer(BaseChannelLayer):
    def __init__(
        self, hosts: Sequence[str | tuple[str, int] | dict[str, Any]] | dict[str, Any] | None = None,
        prefix: str = "channels:", expiry: float = 60, group_expiry: float = 86400, capacity: int = 100,
        channel_capacity: Mapping[str | Pattern[str], int] | None = None,
        symmetric_encryption_keys: Sequence[str | bytes] | None = None, process_capacity: int | None = None,
        connection_kwargs: Mapping[str, Any] | None = None, unbound_encryption: bool | None = None,
        acknowledged: Iterable[str] = (), confirm: Mapping[str, Any] | None = None,
    ) -> None: ...
    def close(self) -> None: ...
