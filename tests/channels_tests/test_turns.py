"""Tests of the turns that the threads of a worker take."""
from __future__ import absolute_import, unicode_literals

import threading

from django.channels.dispatch import HANDLED
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.prefetch.runner import PrefetchRunner
from django.channels.prefetch.turns import QUICK, Turn
from django.test import SimpleTestCase

#: Seconds for what has to happen, and for what must not.
PATIENCE, PAUSE = 30, 0.1


class WaitingLayer(InMemoryChannelLayer):
    """A layer that tells who waits for messages, and lets one go with the messages of `coming`."""

    def __init__(self):
        super(WaitingLayer, self).__init__()
        self.waiting = []
        self.is_waited_for = threading.Semaphore(0)
        self.coming = threading.Semaphore(0)

    def receive_batch(self, channels, limit, timeout=0):
        self.waiting.append(threading.current_thread())
        self.is_waited_for.release()
        self.coming.acquire()
        self.waiting.remove(threading.current_thread())
        return [('task', {}), ('task', {})]


class TurnTests(SimpleTestCase):

    def test_one_has_it_until_it_passes_it_on(self):
        lock, before = threading.Lock(), []
        first, second = Turn(lock), Turn(lock)
        first.take(lambda: before.append(1))
        taken = threading.Event()

        def take():
            second.take(lambda: before.append(2))
            taken.set()

        thread = threading.Thread(target=take)
        thread.start()
        self.assertFalse(taken.wait(PAUSE))
        # Who has to wait ends what it has begun.
        self.assertEqual(before, [2])
        first.pass_on()
        self.assertTrue(taken.wait(PATIENCE))
        thread.join()
        # It isn't the first's any more.
        first.pass_on()
        self.assertFalse(lock.acquire(False))
        second.pass_on()
        self.assertTrue(lock.acquire(False))


class RunnerTests(SimpleTestCase):

    def setUp(self):
        self.layer = WaitingLayer()
        self.turns = threading.Lock()
        self.stopping = threading.Event()
        self.runners, self.threads = [], []
        self.hold = threading.Event()
        self.hold.set()
        self.addCleanup(self.end)

    def start(self, limit):
        """Run one turn after the other in a thread, as if `limit` were how many messages are quick."""
        runner = PrefetchRunner(
            self.layer, ['task'], self.handle, self.stopping.is_set, 100, slow_after=0.01, turns=self.turns,
        )
        runner._sizer.record = lambda *arguments: None
        runner._sizer.limit = limit

        def run():
            while not self.stopping.is_set():
                runner.run_once()
            runner.stop()

        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append(thread)

    def handle(self, channel, content):
        self.hold.wait(4 * PATIENCE)
        return HANDLED

    def end(self):
        self.stopping.set()
        self.hold.set()
        for _ in range(10 * len(self.threads)):
            self.layer.coming.release()
        for thread in self.threads:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive())

    def assertWaited(self):
        deadline = threading.Event()
        for _ in range(PATIENCE * 100):
            if self.layer.is_waited_for.acquire(False):
                return
            deadline.wait(0.01)
        self.fail('Nobody waits for messages.')

    def assertNoMoreWait(self):
        threading.Event().wait(PAUSE)
        self.assertFalse(self.layer.is_waited_for.acquire(False))

    def test_one_thread_waits_where_messages_are_quick(self):
        for _ in range(4):
            self.start(QUICK)
        self.assertWaited()
        self.assertNoMoreWait()
        # It has got a message, and somebody waits for the next.
        self.layer.coming.release()
        self.assertWaited()
        self.assertNoMoreWait()

    def test_all_wait_where_they_are_not(self):
        for _ in range(4):
            self.start(QUICK - 1)
        for _ in range(4):
            self.assertWaited()

    def test_a_message_that_turns_out_to_be_slow_holds_nobody_up(self):
        for _ in range(2):
            self.start(QUICK)
        self.assertWaited()
        self.hold.clear()
        self.layer.coming.release()
        self.assertWaited()
        self.assertEqual(len(self.layer.waiting), 1)

    def test_who_has_the_turn_keeps_it_while_messages_are_quick(self):
        # A machine may be busy; no message is slow by that.
        runner = PrefetchRunner(
            self.layer, ['task'], self.handle, self.stopping.is_set, 100, slow_after=60, turns=self.turns,
        )
        runner._sizer.record = lambda *arguments: None
        for limit, has_it in ((QUICK, True), (QUICK, True), (QUICK - 1, False), (QUICK, True)):
            runner._sizer.limit = limit
            self.layer.coming.release()
            runner.run_once()
            self.assertEqual(self.turns.locked(), has_it)
        runner.stop()
        self.assertFalse(self.turns.locked())

    def test_a_layer_that_fails_leaves_the_turn_to_others(self):
        runner = PrefetchRunner(self.layer, None, self.handle, self.stopping.is_set, 100, turns=self.turns)
        self.addCleanup(runner.stop)
        runner._sizer.limit = QUICK
        self.layer.receive_batch = lambda *arguments: 1 / 0
        with self.assertRaises(ZeroDivisionError):
            runner.run_once()
        self.assertFalse(self.turns.locked())

    def test_who_gets_the_turn_at_the_end_receives_nothing(self):
        for _ in range(2):
            self.start(QUICK)
        self.assertWaited()
        self.stopping.set()
        self.layer.coming.release()
        for thread in self.threads:
            thread.join(PATIENCE)
        self.assertFalse(self.layer.is_waited_for.acquire(False))
