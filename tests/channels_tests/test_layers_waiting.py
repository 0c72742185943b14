"""Tests of clock, backoff and waiting, which every layer and every loop shares."""
from __future__ import absolute_import, unicode_literals

import threading
import time

from django.channels.layers import blocking
from django.channels.layers.backoff import Backoff
from django.channels.layers.blocking import send_blocking
from django.channels.layers.clock import SYSTEM_CLOCK
from django.channels.layers.memory import InMemoryChannelLayer
from django.test import SimpleTestCase

from .clocks import ManualClock

PATIENCE = 30


class BackoffTests(SimpleTestCase):

    def test_pauses_double_up_to_the_last(self):
        backoff = Backoff(0.5, 3)
        self.assertEqual([backoff.next_pause() for _ in range(5)], [0.5, 1, 2, 3, 3])
        self.assertEqual(backoff.pauses, 5)

    def test_a_success_begins_with_the_first_pause_again(self):
        backoff = Backoff(0.5, 3)
        backoff.next_pause()
        backoff.next_pause()
        backoff.reset()
        self.assertEqual(backoff.pauses, 0)
        self.assertEqual(backoff.next_pause(), 0.5)

    def test_pauses_that_do_not_grow_are_refused(self):
        for first, last in [(0, 1), (-1, 1), (2, 1)]:
            with self.assertRaisesMessage(ValueError, 'must grow from a number above 0'):
                Backoff(first, last)


class WaitingTests(SimpleTestCase):

    def test_the_clock_of_the_system_is_not_that_of_the_day(self):
        if not hasattr(time, 'monotonic'):
            self.skipTest('This Python has no other clock.')
        self.assertIs(SYSTEM_CLOCK.monotonic, time.monotonic)

    def test_a_blocking_send_tries_less_and_less_often_until_its_time_is_over(self):
        clock, layer = ManualClock(100.0), InMemoryChannelLayer(capacity=1)
        layer.send('a', {})
        with self.assertRaises(layer.ChannelFull):
            send_blocking(layer, 'a', {}, 0.5, clock=clock)
        self.assertEqual(clock.now, 100.5)
        self.assertEqual(clock.slept[:8], [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.1])
        self.assertEqual(max(clock.slept), 0.1)

    def test_a_blocking_send_takes_room_once_there_is_some(self):
        layer = InMemoryChannelLayer(capacity=1)
        layer.send('a', {'n': 1})

        class Slow(ManualClock):
            def sleep(self, seconds):
                layer.receive(['a'])

        send_blocking(layer, 'a', {'n': 2}, 10, clock=Slow())
        self.assertEqual(layer.receive(['a']), ('a', {'n': 2}))

    def test_who_came_first_is_served_first(self):
        layer = InMemoryChannelLayer(capacity=1)
        layer.send('a', {'n': 0})
        threads = [self.waiting(layer, number) for number in (1, 2, 3)]
        # Neither those who don't wait, nor other channels, come in between.
        self.assertEqual(layer.receive(['a'])[1], {'n': 0})
        for number in (1, 2, 3):
            self.assertEqual(layer.receive(['a'], block=True)[1], {'n': number})
            threads[number - 1].join(PATIENCE)
        self.assertEqual(blocking._lines, {})
        send_blocking(layer, 'a', {'n': 4}, 0)

    def test_who_comes_last_is_refused_where_too_many_wait(self):
        layer = InMemoryChannelLayer(capacity=1)
        layer.send('a', {'n': 0})
        self.addCleanup(setattr, blocking, 'MOST_WAITING', blocking.MOST_WAITING)
        self.addCleanup(setattr, blocking, 'MOST_BYTES', blocking.MOST_BYTES)
        blocking.MOST_BYTES = 100
        thread = self.waiting(layer, 1)
        with self.assertRaisesMessage(layer.ChannelFull, 'Too many messages wait for room in a.'):
            send_blocking(layer, 'a', {'data': b'x' * 101}, PATIENCE)
        blocking.MOST_WAITING = 1
        with self.assertRaisesMessage(layer.ChannelFull, 'Too many messages wait for room in a.'):
            send_blocking(layer, 'a', {}, PATIENCE)
        for number in (0, 1):
            self.assertEqual(layer.receive(['a'], block=True)[1], {'n': number})
        thread.join(PATIENCE)

    def waiting(self, layer, number):
        """Return a thread that stands in line with a message."""
        before = self.length()
        thread = threading.Thread(target=send_blocking, args=(layer, 'a', {'n': number}, PATIENCE))
        thread.daemon = True
        thread.start()
        pause = threading.Event()
        for _ in range(100 * PATIENCE):
            if self.length() > before:
                break
            pause.wait(0.01)
        self.assertEqual(self.length(), before + 1)
        return thread

    def length(self):
        return sum(len(line.places) for line in list(blocking._lines.values()))
