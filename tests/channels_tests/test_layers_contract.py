"""The contract of channel layers, kept by ours and by one of others."""
from __future__ import absolute_import, unicode_literals

import unittest

from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.test import ChannelLayerContract
from django.test import SimpleTestCase

from .known_failures import known_failures
from .redis_case import RedisTestCase
from .redis_server import RedisServer

try:
    from asgiref import inmemory as asgiref
except ImportError:
    # Releases from 2.1 on have no layers.
    asgiref = None


class InMemoryContractTests(ChannelLayerContract, SimpleTestCase):
    now = 1000.0

    def make_layer(self, **options):
        return InMemoryChannelLayer(clock=lambda: self.now, **options)

    def pass_time(self, seconds):
        self.now += seconds


class RedisContractTests(RedisTestCase, ChannelLayerContract):
    """On one server."""


class ShardsContractTests(RedisTestCase, ChannelLayerContract):
    """On four servers; that time passes there, too, is tested on one."""
    has_one_queue = False
    test_a_client_that_lets_a_message_expire_may_leave_and_nobody_else = None
    test_an_expired_message_is_never_delivered = None
    test_the_lifetime_begins_when_a_job_can_be_received = None
    test_expired_messages_make_room = None
    test_membership_ends_by_itself = None
    test_messages_expire_under_constant_traffic_too = None

    @classmethod
    def setUpClass(cls):
        super(ShardsContractTests, cls).setUpClass()
        cls.others = [RedisServer().start() for _ in range(3)]

    @classmethod
    def tearDownClass(cls):
        for server in cls.others:
            server.stop()
        super(ShardsContractTests, cls).tearDownClass()

    def make_layer(self, **options):
        urls = [server.url for server in [self.server] + self.others]
        for url in urls:
            self.connect(url).flushall()
        return super(ShardsContractTests, self).make_layer(hosts=urls, **options)


@unittest.skipIf(asgiref is None, 'asgiref 1.1 is not installed')
@known_failures({
    'test_a_full_client_leaves_the_others_of_its_process_room': 'all clients of a process share one capacity',
    'test_a_tuple_arrives_as_a_list': 'messages are copied as they are',
    'test_capacities_are_by_glob_or_regex_and_the_first_counts': 'it takes them, and has one for all channels',
    'test_expired_messages_make_room': 'only who receives looks for them',
    'test_names_that_are_none_are_refused': 'a line break may follow, and letters beyond ASCII a type character',
    'test_what_is_no_dict_is_refused_with_type_error': 'it asserts',
})
class AsgirefContractTests(ChannelLayerContract, SimpleTestCase):

    def make_layer(self, **options):
        return asgiref.ChannelLayer(**options)
