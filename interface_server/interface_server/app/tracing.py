"""
Tracing of a server: whether it is asked for, and can be had.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ..errors import UsageError
from ..options import Options

if TYPE_CHECKING:
    from .server_spans import ServerTracer

#: What to do where the library is missing.
INSTALL = "--tracing needs the package opentelemetry-sdk: pip install opentelemetry-sdk"


def require_library() -> type[ServerTracer]:
    """Return what makes spans; raise UsageError, which says what to install, without OpenTelemetry."""
    try:
        from .server_spans import ServerTracer
    except ImportError as error:
        raise UsageError(f"{INSTALL} ({error})") from error
    return ServerTracer


def tracer_for(options: Options) -> Optional[ServerTracer]:
    """Return what makes the spans, or None if none are asked for; raise UsageError without OpenTelemetry."""
    return require_library()() if options.tracing else None
