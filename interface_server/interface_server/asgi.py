"""
The application for any ASGI server, set up by the environment:

    INTERFACE_SERVER_REDIS=redis://localhost:6379/0 uvicorn interface_server.asgi:application

INTERFACE_SERVER_LAYER names a project's channel layer instead, as on the
command line. INTERFACE_SERVER_ROOT_PATH, INTERFACE_SERVER_HTTP_TIMEOUT and so
on are the fields of `options.Options`; what may be repeated is separated by
commas. Limits that are the server's own are set there.
"""
from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping
from typing import Any

from .app.application import Application
from .errors import UsageError
from .layers.adapters import adapt, connect, import_layer
from .misspelling import nearest
from .options import Options, number, root_path
from .types import Receive, Scope, Send

logger = logging.getLogger("interface_server")

PREFIX = "INTERFACE_SERVER_"
#: What a switch may be, and what that says.
_SWITCHES = {
    "1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False,
}
_ADVICE = (
    f"Set one of {PREFIX}LAYER, such as mysite.asgi:channel_layer, and {PREFIX}REDIS, such as "
    "redis://localhost:6379/0."
)


def from_environment(environ: Mapping[str, str]) -> Application:
    """Return the application that `environ` describes; raise UsageError."""
    redis, path = environ.get(PREFIX + "REDIS"), environ.get(PREFIX + "LAYER")
    if bool(redis) == bool(path):
        raise UsageError(_ADVICE)
    layer = connect(redis) if redis else adapt(import_layer(str(path)))
    return Application(layer, read_options(environ))


def read_options(environ: Mapping[str, str]) -> Options:
    """Return the Options that `environ` sets; raise UsageError."""
    values: dict[str, Any] = {}
    _name_misspelled(environ)
    for field in dataclasses.fields(Options):
        name = PREFIX + field.name.upper()
        if name not in environ:
            continue
        text = environ[name]
        default: Any = field.default
        try:
            if isinstance(default, tuple):
                values[field.name] = tuple(part.strip() for part in text.split(",") if part.strip())
            elif isinstance(default, bool):
                if text.lower() not in _SWITCHES:
                    raise UsageError(f"{name} must be yes or no, not {text!r}.")
                values[field.name] = _SWITCHES[text.lower()]
            elif default is None or isinstance(default, str):
                values[field.name] = root_path(text) if field.name == "root_path" else text
            else:
                values[field.name] = number(type(default), text)
        except ValueError as error:
            raise UsageError(f"{name} {error}.") from None
    return Options(**values)


def _name_misspelled(environ: Mapping[str, str]) -> None:
    # No error: Kubernetes makes variables of the names of services.
    known = {"LAYER", "REDIS", *(field.name.upper() for field in dataclasses.fields(Options))}
    for name in sorted(environ):
        prefix, own = name[:len(PREFIX)], name[len(PREFIX):]
        if prefix == PREFIX and own not in known:
            right = nearest(own, known)
            if right is not None:
                logger.warning("There is no %s. Is it %s?", name, PREFIX + right)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what is missing; it is replaced where nothing is."""
    raise UsageError(_ADVICE)


if PREFIX + "LAYER" in os.environ or PREFIX + "REDIS" in os.environ:
    application = from_environment(os.environ)  # noqa: F811
