from typing import Final

from .registry import (
    ChannelLayerManager as ChannelLayerManager, ChannelLayerWrapper as ChannelLayerWrapper,
    channel_layers as channel_layers,
)

DEFAULT_CHANNEL_LAYER: Final[str]
