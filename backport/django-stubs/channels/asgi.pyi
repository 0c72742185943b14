from .exceptions import InvalidChannelLayerError as InvalidChannelLayerError
from .layers import (
    DEFAULT_CHANNEL_LAYER as DEFAULT_CHANNEL_LAYER, ChannelLayerManager as ChannelLayerManager,
    ChannelLayerWrapper as ChannelLayerWrapper, channel_layers as channel_layers,
)
from .layers.base import BaseChannelLayer

__all__ = [
    "ChannelLayerManager", "ChannelLayerWrapper", "DEFAULT_CHANNEL_LAYER", "InvalidChannelLayerError",
    "channel_layers", "get_channel_layer",
]

def get_channel_layer(alias: str = ...) -> BaseChannelLayer: ...
