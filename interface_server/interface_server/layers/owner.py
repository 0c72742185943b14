"""
The owner of a channel layer: processes of another project would answer our requests.
"""
from __future__ import annotations

from typing import Any

from ..backport import exceptions
from ..errors import UsageError

__all__ = ["check_owner", "project_of"]


def project_of(layer: Any) -> list[str]:
    """Return the fingerprints of the project that has made `layer`; none if it shares it with nobody."""
    if not (getattr(layer, "supports_presence", False) and layer.spans_processes):
        return []
    # Only a project's layer needs it, which has loaded Django.
    from django.channels.fingerprints import fingerprints

    return list(fingerprints())


def check_owner(layer: Any) -> None:
    """
    Raise UsageError if processes of another project use `layer`, which a project has made.

    As for a worker that starts: who says nothing of its project is taken to
    belong, and a layer that can't be reached is waited for.
    """
    project = project_of(layer)
    if not project:
        return
    from django.channels.layers.presence import check_project

    try:
        check_project(layer.processes(), project)
    except exceptions.AnotherProject as error:
        raise UsageError(str(error)) from error
    except exceptions.LayerUnavailable:
        # It is asked again when the server announces itself.
        return
    finally:
        # The server has connections of its own.
        layer.close()
