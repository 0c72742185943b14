from typing import Final

from .channel import Channel as Channel, Group as Group
from .layers import DEFAULT_CHANNEL_LAYER as DEFAULT_CHANNEL_LAYER, channel_layers as channel_layers
from .routing import include as include, route as route, route_class as route_class

__version__: Final[str]

__all__ = ["Channel", "Group", "include", "route", "route_class", "DEFAULT_CHANNEL_LAYER", "channel_layers"]
