"""
Channel layers by name: an import string, or the URL of a Redis.
"""
from __future__ import annotations

import importlib
from typing import Any

from .errors import UsageError


def import_layer(path: str) -> Any:
    """
    Return the channel layer that "package.module:name" names.

    Raise UsageError, which tells the three mistakes apart: a path of the
    wrong form, no such module, and no such name in it. An ImportError inside
    the module comes through as it is.
    """
    module_name, colon, attributes = path.partition(":")
    if not (module_name and colon and attributes):
        raise UsageError(
            f"{path!r} doesn't say where the channel layer is: write package.module:name, such as mysite.asgi:channel_layer."
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
    for attribute in attributes.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError as error:
            raise UsageError(f"The module {module_name!r} has no {attributes!r}.") from error
    for method in ("send", "receive"):
        if not callable(getattr(found, method, None)):
            raise UsageError(f"{path!r} is no channel layer: it has no {method}() method.")
    return found
