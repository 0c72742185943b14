"""Tests of one line for many of a kind."""
from __future__ import absolute_import, unicode_literals

import logging

from django.channels.layers.repeats import QUIET, STILL, Repeats
from django.test import SimpleTestCase

from .clocks import ManualClock
from .logs import LogTestCase

logger = logging.getLogger('django.channels')


class RepeatsTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(RepeatsTests, self).setUp()
        self.clock = ManualClock(5.0)
        self.repeats = Repeats(self.clock.monotonic)

    def warn(self, kind, seconds):
        self.clock.now += seconds
        self.repeats.warn(logger, kind, '%s happened.', kind)

    def test_a_kind_is_logged_once_until_there_was_none_for_a_while(self):
        for _ in range(100):
            self.warn('this', QUIET / 2)
        self.warn('that', 0)
        self.warn('this', QUIET + 1)
        self.warn('that', 2 * QUIET)
        self.assertEqual(self.log().splitlines(), [
            'this happened.', 'that happened.', 'this happened. (99 more since the last such line)', 'that happened.',
        ])

    def test_it_is_said_again_when_it_never_ends(self):
        for _ in range(int(STILL) // 10 + 1):
            self.warn('this', 10)
        self.assertEqual(len(self.log().splitlines()), 2)

    def test_it_can_be_said_once_a_minute_however_often_it_happens(self):
        self.repeats = Repeats(self.clock.monotonic, quiet=60.0, still=60.0)
        for _ in range(60):
            self.warn('this', 2)
        self.assertEqual(
            self.log().splitlines(), ['this happened.', 'this happened. (29 more since the last such line)']
        )

    def test_a_line_says_how_many_messages_it_leaves_out(self):
        for number in (1, 2, 3):
            self.repeats.log(logger, logging.ERROR, 'this', number, 'this happened.')
        self.clock.now += QUIET
        self.repeats.log(logger, logging.ERROR, 'this', 4, 'this happened.')
        self.assertEqual(self.log().splitlines()[1:], ['this happened. (5 more since the last such line)'])
