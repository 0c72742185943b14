"""Tests of what a killed process had received and not recorded, against a real server."""
from __future__ import absolute_import, unicode_literals

import os
import signal
import socket
import unittest

from django.channels.compat.clock import monotonic
from django.channels.layers.redis import left_behind, rescuing_layer

from .clocks import ManualClock
from .redis_case import RedisTestCase

try:
    import fcntl

    from django.channels.shared_sockets import SharedSockets
except ImportError:
    # A system that can't fork.
    SharedSockets = None


@unittest.skipUnless(SharedSockets, 'This system can not fork.')
class RescueTests(RedisTestCase):

    def send(self, *numbers):
        for number in numbers:
            self.layer.send('a', {'n': number})

    def numbers(self):
        return [message['n'] for channel, message in self.received('a')]

    def forked(self, receive):
        """Have a forked process call `receive()` and then wait until it is killed; return its number."""
        self.sockets = SharedSockets()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.close(reader)
                self.sockets.begin()
                self.layer.leave_received(self.sockets)
                os.write(writer, b'.')
                receive()
                os.close(writer)
                signal.pause()
            finally:
                os._exit(1)
        os.close(writer)
        os.read(reader, 1)
        self.addCleanup(os.close, reader)
        self.has_received = lambda: os.read(reader, 1) == b''
        return child

    def kill(self, child):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.sockets.take_in()

    def rescue(self, child, *channels):
        return self.layer.rescue_received(child, self.sockets.sockets(), list(channels or ['a']))

    def rescued(self, receive):
        """Return how many messages were put back of a process that was killed after `receive()`."""
        child = self.forked(receive)
        self.assertTrue(self.has_received())
        self.kill(child)
        return self.rescue(child)

    def test_a_default_timeout_of_sockets_is_nothing_to_who_waits_on_a_shared_one(self):
        ours, other = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(other.close)
        before = fcntl.fcntl(ours.fileno(), fcntl.F_GETFL)
        socket.setdefaulttimeout(30)
        self.addCleanup(socket.setdefaulttimeout, None)
        sockets = SharedSockets()
        child = os.fork()
        if not child:
            try:
                sockets.begin()
                sockets.add(ours)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        sockets.take_in()
        self.assertEqual(len(sockets.sockets()), 1)
        self.assertEqual(fcntl.fcntl(ours.fileno(), fcntl.F_GETFL), before)

    def test_a_server_that_is_silent_is_waited_for_no_longer_with_more_sockets(self):
        clock, waited = ManualClock(), []

        def replies_in(left, patience):
            waited.append(min(2, patience))
            clock.sleep(waited[-1])
            return []

        for module, name, other in ((left_behind, 'replies_in', replies_in),
                                    (rescuing_layer, 'monotonic', clock.monotonic)):
            self.addCleanup(setattr, module, name, getattr(module, name))
            setattr(module, name, other)
        self.assertEqual(self.layer.rescue_received(0, [None] * 20, ['a']), 0)
        self.assertEqual((len(waited), sum(waited)), (20, 10))

    def test_what_is_there_is_read_though_there_is_no_time_left(self):
        ours, other = socket.socketpair()
        self.addCleanup(other.close)
        other.sendall(b'+a\r\n:1\r\n')
        self.assertEqual(left_behind.replies_in(ours, 0), [b'a', 1])

    def test_a_job_is_taken_when_it_is_due_and_not_at_the_end_of_the_wait(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)

        def receive():
            # The first answers are there at once, and stay in the socket.
            layer = self.make_layer(acknowledged=['jobs'])
            layer.leave_received(self.sockets)
            layer.hold_as('reader')
            layer.send_job('jobs', {}, delay=1)
            layer.receive_batch(['jobs'], 5)
            began = monotonic()
            layer.receive_batch(['jobs'], 5, 20)
            os.write(writer, b'%d' % (monotonic() - began))

        child = self.forked(receive)
        self.assertLess(int(os.read(reader, 10)), 10)
        os.close(writer)
        self.kill(child)

    def test_what_was_received_and_not_recorded_comes_again_before_all_others(self):
        self.send(0, 1, 2, 3)

        def receive():
            for number in range(2):
                self.layer.receive(['a'], block=True)
                if not number:
                    self.layer.settle_received()

        self.assertEqual(self.rescued(receive), 1)
        self.assertEqual(self.numbers(), [1, 2, 3])

    def test_a_batch_comes_again_in_its_order(self):
        self.send(0, 1, 2, 3)
        # Without BLMPOP a read brings one message.
        number = 3 if self.has_blmpop() else 1
        self.assertEqual(self.rescued(lambda: self.layer.receive_batch(['a'], 3, 5)), number)
        self.assertEqual(self.numbers(), [0, 1, 2, 3])

    def test_large_messages_come_again_whole(self):
        # As one string, in pieces, and sealed.
        for options in ({}, {'symmetric_encryption_keys': ['secret']}):
            for size in (200000, 3 << 20):
                self.layer = self.make_layer(**options)
                content = b'x' * size
                self.layer.send('a', {'content': content})
                self.assertEqual(self.rescued(lambda: self.layer.receive(['a'], block=True)), 1)
                self.assertEqual(self.received('a'), [('a', {'content': content})])
                self.assertEqual(self.keys_of_pieces(), [])

    def test_pieces_of_what_was_recorded_go_with_the_next_question(self):
        for options in ({}, {'symmetric_encryption_keys': ['secret']}):
            self.layer = self.make_layer(**options)
            self.layer.leave_received(None)
            for _ in range(3):
                self.layer.send('a', {'content': b'x' * 200000})
                self.layer.receive(['a'])
                self.assertEqual(len(self.keys_of_pieces()), 1)
            self.layer.settle_received()
            self.received('a')
            self.assertEqual(self.keys_of_pieces(), [])
            # Nobody puts back what only one process may read.
            channel = self.layer.new_channel('c?')
            self.layer.send(channel, {'content': b'x' * 200000})
            self.layer.receive([channel])
            self.assertEqual(self.keys_of_pieces(), [])

    def keys_of_pieces(self):
        return self.redis.keys('*:b:*')

    def test_what_was_recorded_does_not(self):
        self.send(0, 1)

        def receive():
            self.layer.receive(['a'], block=True)
            self.layer.settle_received()

        self.assertEqual(self.rescued(receive), 0)
        self.assertEqual(self.numbers(), [1])

    def test_what_it_sent_in_the_same_write_is_sent_once(self):
        def receive():
            self.layer.send_and_receive([('b', {}), ('b', {})], lambda refused, error: None, ['a'], 2, 5)

        child = self.forked(receive)
        self.wait_until_blocked()
        self.send(0, 1)
        self.assertTrue(self.has_received())
        self.kill(child)
        self.assertEqual(self.rescue(child), 1)
        self.assertEqual(self.numbers(), [0, 1])
        self.assertEqual(self.received('b'), [('b', {})] * 2)

    def test_what_is_sent_to_one_that_was_killed_while_it_waited_is_not_lost(self):
        child = self.forked(lambda: self.layer.receive(['a'], block=True))
        self.wait_until_blocked()
        self.kill(child)
        # The server doesn't know yet that nobody waits there.
        self.send(0)
        self.assertEqual(self.rescue(child), 1)
        self.assertEqual(self.numbers(), [0])

    def test_nobody_waits_for_one_that_was_killed_any_more(self):
        child = self.forked(lambda: self.layer.receive(['a'], block=True))
        self.wait_until_blocked()
        self.kill(child)
        self.assertEqual(self.rescue(child), 0)
        self.send(0)
        self.assertEqual(self.numbers(), [0])

    def test_what_is_on_other_channels_is_others(self):
        self.send(0)
        child = self.forked(lambda: self.layer.receive(['a'], block=True))
        self.assertTrue(self.has_received())
        self.kill(child)
        self.assertEqual(self.rescue(child, 'b', 'a!'), 0)

    def test_what_begins_in_the_middle_of_something_is_not_looked_at(self):
        if not self.has_blmpop():
            self.skipTest('A read of Redis before 7.0 brings one message.')
        # Read in several parts: what is left of it may look like anything.
        for number in range(64):
            self.layer.send('a', {'n': number, 'body': b'*1\r\n$1\r\nx\r\n' * 200})
        self.assertEqual(self.rescued(lambda: self.layer.receive_batch(['a'], 64, 5)), 0)
        self.assertEqual(self.numbers(), [])

    def test_a_server_that_is_away_costs_nothing_else(self):
        self.send(0)
        child = self.forked(lambda: self.layer.receive(['a'], block=True))
        self.assertTrue(self.has_received())
        self.kill(child)
        self.server.kill()
        try:
            self.assertIn(self.rescue(child), (0, 1))
        finally:
            self.server.start()


@unittest.skipUnless(SharedSockets, 'This system can not fork.')
class SharedSocketsTests(unittest.TestCase):

    def setUp(self):
        self.sockets = SharedSockets()

    def pair(self):
        ends = socket.socketpair()
        for end in ends:
            self.addCleanup(end.close)
        return ends

    def shared_by_another(self, work):
        child = os.fork()
        if not child:
            try:
                self.sockets.begin()
                work()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self.sockets.take_in()
        return self.sockets.sockets()

    def test_only_what_is_not_hidden_is_looked_at(self):
        pairs = [self.pair() for _ in range(3)]

        def work():
            numbers = [self.sockets.add(inner) for inner, outer in pairs]
            for number in numbers[:2]:
                self.sockets.hide(number)
            self.sockets.show(numbers[0])

        held = self.shared_by_another(work)
        self.assertTrue(self.sockets.is_over)
        for number, (inner, outer) in enumerate(pairs):
            outer.sendall(b'%d' % number)
        self.assertEqual([each.recv(9) for each in held], [b'0', b'2'])
        for each in held:
            each.close()

    def test_what_has_ended_is_held_no_longer(self):
        first, second = self.pair(), self.pair()

        def work():
            self.sockets.add(first[0])
            first[1].shutdown(socket.SHUT_RDWR)
            self.sockets.add(second[0])

        held = self.shared_by_another(work)
        self.assertEqual(len(held), 1)
        held[0].close()

    def test_a_process_that_the_worker_forks_shares_nothing(self):
        self.assertIsNone(self.sockets.add(self.pair()[0]))
