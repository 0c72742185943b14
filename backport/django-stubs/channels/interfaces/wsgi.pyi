from collections.abc import Callable, Iterable
from typing import Any

class WSGIInterface:
    def __init__(
        self, channel_layer: Any, timeout: float = 120.0, inline_body_size: int = ..., body_chunk_size: int = ...,
        response_buffer: int = ..., queue_timeout: float = 10.0, any_project: bool = False,
    ) -> None: ...
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]: ...
