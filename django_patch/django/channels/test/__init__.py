"""
Test tools: for projects, and for authors of servers and layers.

A project's tests derive from ChannelTestCase, play a client with Client or
WSClient, and replace the routing with apply_routes. ChannelLiveServerTestCase
runs a real server and workers, for a browser to talk to. ChannelLayerContract
has the tests that a channel layer of anybody's has to pass.
"""
from __future__ import absolute_import

from .base import ChannelTestCase, ChannelTestCaseMixin, Client, TransactionChannelTestCase
from .contract import ChannelLayerContract
from .http import HttpClient
from .liveserver import ChannelLiveServerTestCase
from .swapping import apply_routes
from .websocket import WSClient

__all__ = [
    # Test cases
    'ChannelLiveServerTestCase', 'ChannelTestCase', 'ChannelTestCaseMixin', 'TransactionChannelTestCase',
    # Clients
    'Client', 'HttpClient', 'WSClient',
    # Routing
    'apply_routes',
    # Channel layers
    'ChannelLayerContract',
]
