"""
The owner of a channel layer: workers of another project would answer our requests.
"""
from __future__ import annotations

from typing import Any

from ..errors import UsageError

__all__ = ["check_owner"]


def check_owner(layer: Any) -> None:
    """
    Raise UsageError if workers of another project read from `layer`, which a project has made.

    As for a worker that starts: who says nothing of its project is taken to
    belong, and a layer that can't be reached is waited for.
    """
    if not (getattr(layer, "supports_presence", False) and layer.spans_processes):
        return
    # Only a project's layer needs it, which has loaded Django.
    from django.channels.management import projects

    try:
        projects.check_project(layer)
    except projects.CommandError as error:
        raise UsageError(str(error)) from error
    finally:
        # The server has connections of its own.
        layer.close()
