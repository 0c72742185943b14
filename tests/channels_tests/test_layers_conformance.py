"""The tests that asgiref 1.1 has for channel layers, unchanged, on ours."""
from __future__ import absolute_import

import unittest

from django.channels.layers.memory import InMemoryChannelLayer

from .redis_case import RedisTestCase

try:
    from asgiref.conformance import ConformanceTestCase as Conformance
except ImportError:
    # Releases from 2.1 on have none.
    @unittest.skip('asgiref 1.1 is not installed')
    class Conformance(unittest.TestCase):
        def test_nothing(self):
            """Stands for all of its tests."""

    def load_tests(loader, tests, pattern):
        """Skip one test, and not one for each class."""
        return loader.loadTestsFromTestCase(Conformance)

# There, all clients of a process share a capacity; here it has its own.
LIMIT = 5


class InMemoryConformanceTests(Conformance):
    expiry_delay = 1.1
    capacity_limit = LIMIT

    def setUp(self):
        self.channel_layer = InMemoryChannelLayer(expiry=1, group_expiry=2, capacity=LIMIT, process_capacity=LIMIT)
        super(InMemoryConformanceTests, self).setUp()


class RedisConformanceTests(RedisTestCase, Conformance):
    expiry_delay = 1.1
    capacity_limit = LIMIT

    def setUp(self):
        super(RedisConformanceTests, self).setUp()
        self.channel_layer = self.make_layer(expiry=1, group_expiry=2, capacity=LIMIT, process_capacity=LIMIT)
