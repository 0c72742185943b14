from typing import Any

from .websocket import WSClient

class HttpClient(WSClient):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
