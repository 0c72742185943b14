"""
Channels: Django's views, WebSockets and background work over messages.

Send with ``Channel("name").send({...})`` and ``Group("name").send({...})``;
tell workers what to run with ``route``, ``route_class`` and ``include``.
Importing this package reads no settings and needs no optional dependency.
"""
from __future__ import absolute_import

from .channel import Channel, Group
from .compat.app_config import *  # NOQA
from .layers import DEFAULT_CHANNEL_LAYER, channel_layers
from .routing import include, route, route_class

#: Higher than that of Channels 1.1.8, whose names this package has, and lower
#: than 2: code of the 1.x family compares it.
__version__ = '1.2.0'

__all__ = [
    # Sending
    'Channel', 'Group',
    # Routing
    'include', 'route', 'route_class',
    # Layers
    'DEFAULT_CHANNEL_LAYER', 'channel_layers',
]
