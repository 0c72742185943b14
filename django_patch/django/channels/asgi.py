"""
The layer for a server's command line: what a project's asgi.py makes.
"""
from __future__ import absolute_import

import django

from .exceptions import InvalidChannelLayerError
from .layers import DEFAULT_CHANNEL_LAYER, ChannelLayerManager, ChannelLayerWrapper, channel_layers

__all__ = [
    'ChannelLayerManager', 'ChannelLayerWrapper', 'DEFAULT_CHANNEL_LAYER', 'InvalidChannelLayerError',
    'channel_layers', 'get_channel_layer',
]


def get_channel_layer(alias=DEFAULT_CHANNEL_LAYER):
    """
    Return the layer of that alias itself, after setting Django up.

    DJANGO_SETTINGS_MODULE has to be set.
    """
    django.setup()
    return channel_layers[alias].channel_layer
