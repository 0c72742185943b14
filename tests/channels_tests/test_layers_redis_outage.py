"""The words for a Redis that is away, or answers what it should not."""
from __future__ import absolute_import, unicode_literals

import unittest

from django.channels.layers.redis.outage import unavailable
from django.channels.layers.transport.resp import ReplyError


class UnavailableTests(unittest.TestCase):

    def test_reason_is_never_empty(self):
        self.assertEqual('%s' % unavailable('a:1', OSError(), True), "Redis at a:1 can't be reached: OSError")

    def test_reason_is_said_once(self):
        first = unavailable('a:1', OSError('gone'), True)
        again = unavailable('a:1', first, False)
        self.assertEqual(('%s' % again, again.sent), ("Redis at a:1 can't be reached: gone", False))

    def test_key_of_another_type_is_named_as_such(self):
        error = unavailable('a:1', ReplyError('WRONGTYPE Operation against a key'), True)
        self.assertEqual(
            '%s' % error, 'Redis at a:1 has a key of another type than ours, so something else writes below the '
            'prefix: WRONGTYPE Operation against a key',
        )
