"""
Metrics of the channel layer and of all processes that use it, workers included.

They come from the layer, which each worker tells its numbers every few seconds.
"""
from __future__ import annotations

import asyncio
from typing import Any, Optional

from django.channels.monitoring import exposition, families

#: Seconds until a scrape is answered without them.
TIME_LIMIT = 10.0


class LayerMetrics:
    """
    Reads them from `layer`, a synchronous one, in a thread, one scrape at a time.

    `alias` is its name among the project's layers.
    """

    def __init__(self, layer: Any, alias: str) -> None:
        self._layer = layer
        self._alias = alias
        # Made on the loop that uses it, which Python 3.9 binds it to.
        self._turn: Optional[asyncio.Lock] = None

    async def read(self, accept: str = "") -> str:
        """
        Return them in Prometheus' text format, or what `accept` asks for.

        Raise ImportError, which says what to install, without prometheus_client,
        asyncio.TimeoutError, or whatever the layer raises.
        """
        return await asyncio.wait_for(self._read(accept), TIME_LIMIT)

    async def _read(self, accept: str) -> str:
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(None, self._render, accept)

    def _render(self, accept: str) -> str:
        def source() -> Any:
            return families.told(families.everything, self._layer, self._alias)

        content: bytes = exposition.render(accept, source)[1]
        return content.decode("utf-8")
