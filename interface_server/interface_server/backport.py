"""
The parts shared with Django: everything taken from `django.channels`.

It is part of a patched Django; elsewhere the backport mounts it there.
"""
from __future__ import annotations

try:
    import django.channels  # noqa: F401
except ModuleNotFoundError:
    # Not set up at start-up, as it is in a checkout or under python -S.
    import channels_backport

    channels_backport.install()

from django.channels import exceptions, names
from django.channels.compat.buffers import blank_bytes
from django.channels.interfaces import bridge
from django.channels.interfaces.disconnects import Disconnects
from django.channels.layers.backoff import Backoff
from django.channels.layers.kept_memory import keep_memory
from django.channels.layers.pace import AHEAD
from django.channels.layers.repeats import Repeats
from django.channels.processes import leaving, standard_streams

__all__ = [
    "AHEAD", "Backoff", "Disconnects", "Repeats", "blank_bytes", "bridge", "exceptions", "keep_memory", "leaving",
    "names", "standard_streams",
]
