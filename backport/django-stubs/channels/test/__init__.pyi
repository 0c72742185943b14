from .base import (
    ChannelTestCase as ChannelTestCase, ChannelTestCaseMixin as ChannelTestCaseMixin, Client as Client,
    TransactionChannelTestCase as TransactionChannelTestCase,
)
from .contract import ChannelLayerContract as ChannelLayerContract
from .http import HttpClient as HttpClient
from .liveserver import ChannelLiveServerTestCase as ChannelLiveServerTestCase
from .swapping import apply_routes as apply_routes
from .websocket import WSClient as WSClient

__all__ = [
    "ChannelLiveServerTestCase", "ChannelTestCase", "ChannelTestCaseMixin", "TransactionChannelTestCase",
    "Client", "HttpClient", "WSClient", "apply_routes", "ChannelLayerContract",
]
