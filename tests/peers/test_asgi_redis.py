"""The contract of channel layers, and what asgi_redis makes of it."""
from __future__ import unicode_literals

import unittest

import asgi_redis
from channels_tests.known_failures import known_failures
from channels_tests.redis_server import RedisServer
from django.channels.test import ChannelLayerContract


@known_failures({
    'test_a_full_client_leaves_the_others_of_its_process_room': 'all clients of a process share one capacity',
    'test_expired_messages_make_room': 'what has expired stays in the list, and counts',
    'test_names_that_are_none_are_refused': 'a line break may follow, and letters beyond ASCII a type character',
    'test_what_is_no_dict_is_refused_with_type_error': 'it asserts',
})
class AsgiRedisTests(ChannelLayerContract, unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.server = RedisServer().start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def make_layer(self, **options):
        layer = asgi_redis.RedisChannelLayer(hosts=[self.server.url], **options)
        layer.flush()
        return layer
