"""
Channel layers: what carries messages, and the registry of a project's layers.

A layer is imported from its own module, so that a process which uses one
kind needs nothing of the others.
"""
from __future__ import absolute_import

from .registry import DEFAULT_CHANNEL_LAYER, ChannelLayerManager, ChannelLayerWrapper, channel_layers

__all__ = ['ChannelLayerManager', 'ChannelLayerWrapper', 'DEFAULT_CHANNEL_LAYER', 'channel_layers']
