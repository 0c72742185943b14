"""
The adapter for a channel layer, which an import string or a URL may name.
"""
from __future__ import annotations

import importlib
import sys
from typing import Any

from django.channels.layers.legacy import adapted, missing_methods

from ..backport import exceptions
from ..errors import UsageError
from . import AsyncLayer
from .owner import project_of
from .threads import ThreadedLayer

#: What most have forgotten, or named the application instead of.
_HOW = (
    "A project has its layer in asgi.py, as mysite.asgi:channel_layer: "
    "'from django.channels.asgi import get_channel_layer', then 'channel_layer = get_channel_layer()'."
)


def adapt(layer: Any) -> AsyncLayer:
    """Return an AsyncLayer for a synchronous channel layer of any kind, which a project has made."""
    made = _adapted(layer)
    made.project = project_of(made.synchronous)
    return made


def _adapted(layer: Any) -> AsyncLayer:
    # A project's layer comes with its alias and routing around it.
    alias = getattr(layer, "alias", AsyncLayer.alias)
    layer = adapted(getattr(layer, "channel_layer", layer))
    made = _driver_of(layer)
    made.synchronous, made.alias = layer, alias
    return made


def _driver_of(layer: Any) -> AsyncLayer:
    # Only who has imported it can have made one.
    module = sys.modules.get("django.channels.layers.redis")
    if module is not None and isinstance(layer, module.RedisChannelLayer):
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

        # No project's: settings that the environment names aren't the layer's,
        # and may not even be here.
        return _adapted(RedisChannelLayer(hosts=[url]))
    except ImportError as error:
        raise UsageError(
            f"--redis needs {error.name or error}: run 'pip install channels-interface-server[redis]'."
        ) from error
    except ValueError as error:
        raise UsageError(str(error)) from error


def import_layer(path: str) -> Any:
    """
    Return the channel layer that "package.module:name" names.

    Raise UsageError, which tells the mistakes apart: a path of the wrong form,
    no such module, no such name in it, and settings that make no layer, as
    where its library isn't installed. An ImportError inside
    the module comes through as it is.
    """
    module_name, colon, attributes = path.partition(":")
    if not (module_name and colon and attributes):
        raise UsageError(
            f"{path!r} doesn't say where the channel layer is: write package.module:name, "
            "such as mysite.asgi:channel_layer."
        )
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # The module may be there, and one that it imports be missing.
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        raise UsageError(
            f"There is no module {error.name!r} (looking for {path!r}). Start the server in the project's folder, "
            "or set PYTHONPATH to it."
        ) from error
    except exceptions.InvalidChannelLayerError as error:
        raise UsageError(str(error)) from error
    for attribute in attributes.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError as error:
            raise UsageError(f"The module {module_name!r} has no {attributes!r}. {_HOW}") from error
    missing = missing_methods(found)
    if missing:
        raise UsageError(f"{path!r} is not a channel layer: it has no {', no '.join(missing)}. {_HOW}")
    return found
