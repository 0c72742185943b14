from typing import Any

class ChannelLayerContract:
    channel_layer: Any
