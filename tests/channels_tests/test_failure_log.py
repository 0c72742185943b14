"""Tests of the log of sends that a layer was not there for."""
from __future__ import absolute_import, unicode_literals

from django.channels.exceptions import LayerUnavailable
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.repeats import QUIET
from django.channels.prefetch import coalescer
from django.channels.prefetch.coalescer import SendRun
from django.channels.prefetch.failure_log import FailureLog
from django.test import SimpleTestCase

from .clocks import ManualClock
from .logs import LogTestCase


class AwayLayer(InMemoryChannelLayer):

    def send(self, channel, message):
        raise LayerUnavailable('Redis at 127.0.0.1:1 is away')


class FailureLogTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(FailureLogTests, self).setUp()
        self.clock = ManualClock(1000.0)
        self.failures = FailureLog(self.clock)
        self.layer = InMemoryChannelLayer()

    def lines(self):
        return self.log().splitlines()

    def fail(self, layer=None, kind='unsent', number=1):
        self.failures.failed(layer or self.layer, kind, number, 'A message to %s is lost', 'a')

    def test_an_outage_is_one_line_a_kind_and_layer(self):
        for _ in range(1000):
            self.clock.now += 0.01
            self.fail()
        self.fail(kind='lost')
        self.fail(layer=AwayLayer())
        self.assertEqual(self.lines(), ['A message to a is lost'] * 3)

    def test_the_next_outage_is_news_and_says_how_many_were_not_logged(self):
        for _ in range(5):
            self.fail(number=2)
        self.clock.now += QUIET
        self.fail()
        self.assertEqual(
            self.lines(), ['A message to a is lost', 'A message to a is lost (8 more since the last such line)']
        )

    def test_a_lock_that_was_held_elsewhere_holds_nobody_up_after_a_fork(self):
        self.failures._lock.acquire()
        self.failures.forget()
        self.fail()
        self.assertEqual(len(self.lines()), 1)

    def test_the_consumers_of_a_worker_write_one_line_without_a_traceback(self):
        self.addCleanup(setattr, coalescer, 'failure_log', coalescer.failure_log)
        coalescer.failure_log, layer = self.failures, AwayLayer()
        for number in range(50):
            SendRun().carry_out([(layer, 'send', 'p!%d' % number, {}, 0), (layer, 'send', 'q!%d' % number, {}, 0)])
        self.assertEqual(self.lines(), [
            'A message to p!0 could not be sent: Redis at 127.0.0.1:1 is away',
            'A message to q!0 could not be sent either.',
        ])
