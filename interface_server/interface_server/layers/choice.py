"""
Which implementation fits a layer.
"""
from __future__ import annotations

import sys
from typing import Any

from ..errors import UsageError
from . import AsyncLayer
from .threads import ThreadedLayer


def adapt(layer: Any) -> AsyncLayer:
    """Return an AsyncLayer for a synchronous channel layer of any kind."""
    # A project's layer comes with its alias and routing around it.
    layer = getattr(layer, "channel_layer", layer)
    # Only who has imported it can have made one.
    module = sys.modules.get("django.channels.layers.redis")
    if module is not None and type(layer) is module.RedisChannelLayer:
        from .redis import RedisLayer

        return RedisLayer(layer)
    return ThreadedLayer(layer)


def connect(url: str) -> AsyncLayer:
    """
    Return an AsyncLayer on the Redis at `url`.

    Raise UsageError if the URL is none, or a module is missing.
    """
    try:
        from django.channels.layers.redis import RedisChannelLayer

        return adapt(RedisChannelLayer(hosts=[url]))
    except ImportError as error:
        raise UsageError(
            f"--redis needs {error.name or error}: run 'pip install channels-interface-server[redis]'."
        ) from error
    except ValueError as error:
        raise UsageError(str(error)) from error
