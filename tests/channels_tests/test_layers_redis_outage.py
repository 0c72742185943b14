"""The words for a Redis that is away, or answers what it should not."""
from __future__ import absolute_import, unicode_literals

import contextlib
import socket
import struct
import sys
import unittest

from django.channels.layers.redis import timeouts
from django.channels.layers.redis.outage import unavailable
from django.channels.layers.redis.timeouts import set_timeout
from django.channels.layers.transport.resp import ReplyError

from .redis_case import Records, RedisTestCase


class UnavailableTests(unittest.TestCase):

    def test_reason_is_never_empty(self):
        self.assertEqual('%s' % unavailable('a:1', OSError(), True), "Redis at a:1 can't be reached: OSError")

    def test_reason_is_said_once(self):
        first = unavailable('a:1', OSError('gone'), True)
        again = unavailable('a:1', first, False)
        self.assertEqual(('%s' % again, again.sent), ("Redis at a:1 can't be reached: gone", False))

    def test_who_answers_that_another_is_in_charge_was_reached(self):
        for text in ('MOVED 1584 127.0.0.1:7473', 'ASK 3999 127.0.0.1:6381', "READONLY You can't write",
                     'UNBLOCKED force unblock'):
            error = unavailable('a:1', ReplyError(text), True)
            self.assertEqual('%s' % error, 'Redis at a:1 is not in charge now: ' + text)

    def test_key_of_another_type_is_named_as_such(self):
        error = unavailable('a:1', ReplyError('WRONGTYPE Operation against a key'), True)
        self.assertEqual(
            '%s' % error, 'Redis at a:1 has a key of another type than ours, so something else writes below the '
            'prefix: WRONGTYPE Operation against a key',
        )


class OtherSocket(socket.socket):
    """As one of a library that has others wait in its own way."""


class TimeoutTests(unittest.TestCase):

    def connect(self, kind=socket.socket):
        with contextlib.closing(socket.socket()) as listener:
            listener.bind(('127.0.0.1', 0))
            listener.listen(1)
            ours = kind()
            self.addCleanup(ours.close)
            ours.connect(listener.getsockname())
            self.addCleanup(listener.accept()[0].close)
        set_timeout(ours, 0.05)
        return ours

    def check(self, function, *args):
        with self.assertRaises(EnvironmentError) as raised:
            function(*args)
        error = unavailable('a:1', raised.exception, True)
        self.assertEqual('%s' % error, "Redis at a:1 can't be reached: timed out")

    def test_what_is_read_does_not_come(self):
        for kind in (socket.socket, OtherSocket):
            self.check(self.connect(kind).recv, 1)

    def test_what_is_written_is_not_taken(self):
        for kind in (socket.socket, OtherSocket):
            self.check(self.connect(kind).sendall, b'x' * 50000000)

    @unittest.skipUnless(sys.platform.startswith('linux'), 'Others have no such timeout.')
    def test_a_system_whose_times_are_longer_than_its_numbers(self):
        """Of 32 bits, as newer ones of the Raspberry Pi are."""
        self.addCleanup(setattr, timeouts, '_TIMEVAL', timeouts._TIMEVAL)
        timeouts._TIMEVAL = struct.Struct('=ii')
        self.check(self.connect().recv, 1)

    @unittest.skipUnless(sys.platform.startswith('linux'), 'Others have no such timeout.')
    def test_the_system_keeps_it(self):
        self.assertIsNone(self.connect().gettimeout())
        self.assertEqual(self.connect(OtherSocket).gettimeout(), 0.05)


class KeyOfAnotherTypeTests(RedisTestCase):

    def setUp(self):
        super(KeyOfAnotherTypeTests, self).setUp()
        self.redis.set(self.key('q', 'a'), 'no list')

    def check(self, blocks):
        # More than once, since the order of channels changes.
        for number, block in enumerate(blocks):
            self.layer.send('b', {'n': number})
            received = self.layer.receive(['a', 'b', 'c'], block=block)
            while block and received == (None, None):
                received = self.layer.receive(['a', 'b', 'c'], block=block)
            self.assertEqual(received, ('b', {'n': number}))

    def test_other_channels_are_received(self):
        with Records() as records:
            self.check([False, True] * 3)
        line, = records.lines
        self.assertIn('q:a in Redis is a string and not a list', line)

    def test_other_channels_are_waited_for(self):
        with Records() as records:
            self.check([True, False] * 3)
        self.assertEqual(len(records.lines), 1)

    def test_it_is_read_again_once_it_is_good(self):
        self.assertEqual(self.layer.receive(['a', 'b', 'c']), (None, None))
        self.redis.delete(self.key('q', 'a'))
        self.layer.send('a', {})
        reader, = self.layer._readers.values()
        keys = reader._keys[0]
        self.assertEqual(self.layer.receive(['a', 'b', 'c']), (None, None))
        # As after the seconds for which it is set aside.
        keys._until = 0
        self.assertEqual(self.layer.receive(['a', 'b', 'c']), ('a', {}))

    def test_it_may_be_all_that_is_read(self):
        self.assertEqual(self.layer.receive(['a']), (None, None))
        self.assertEqual(self.layer.receive(['a']), (None, None))
