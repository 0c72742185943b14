"""Tests of the thread that does something every few seconds."""
from __future__ import absolute_import, unicode_literals

from django.channels.periodic import PeriodicThread
from django.test import SimpleTestCase

from .clocks import ManualClock


class Turns(object):
    """As an Event that a thread waits for, whose time goes by at once."""

    def __init__(self, clock):
        self.clock = clock

    def wait(self, seconds):
        self.clock.sleep(seconds)

    def clear(self):
        """Nobody has set it."""

    set = clear


class PeriodicThreadTests(SimpleTestCase):

    def test_a_look_that_takes_long_does_not_put_off_the_next(self):
        clock = ManualClock()
        durations = [0.0, 3.0, 10.0, 0.0]

        def look():
            clock.now += durations.pop(0)
            if not durations:
                thread.stop()

        thread = PeriodicThread('test', 5.0, look, clock.monotonic)
        thread._is_time = Turns(clock)
        thread._run()
        # The last is that in which it is over.
        self.assertEqual(clock.slept, [5.0, 5.0, 2.0, 0.0, 5.0])

    def test_a_clock_that_is_set_back_costs_one_interval(self):
        clock = ManualClock(1000.0)

        def look():
            clock.now = 0.0
            thread.stop()

        thread = PeriodicThread('test', 5.0, look, clock.monotonic)
        thread._is_time = Turns(clock)
        thread._run()
        self.assertEqual(clock.slept, [5.0, 5.0])
