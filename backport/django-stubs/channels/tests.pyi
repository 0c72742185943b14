from .test import (
    ChannelTestCase as ChannelTestCase, Client as Client, HttpClient as HttpClient,
    TransactionChannelTestCase as TransactionChannelTestCase, apply_routes as apply_routes,
)
