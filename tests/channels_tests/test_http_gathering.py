"""Tests of the pieces of a response that go together."""
from __future__ import absolute_import, unicode_literals

import threading
import unittest

from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.http.gathering import Gatherer
from django.channels.http.response import CHUNK_SIZE
from django.test import SimpleTestCase

from .clocks import ManualClock

if SUPPORTS_ASYNC:
    import asyncio

    from . import async_gathering


class Layer(object):

    def __init__(self, spans_processes):
        self.spans_processes = spans_processes


class FakeClient(object):
    """A client to which the second reply takes until `free` is set."""

    def __init__(self, spans_processes=True):
        self.channel_layer = Layer(spans_processes)
        self.gone = False
        self.sent = []
        self.threads = set()
        self.is_busy, self.free = threading.Event(), threading.Event()
        self.error = None

    def send(self, reply):
        self.threads.add(threading.current_thread())
        self.sent.append(reply)
        if len(self.sent) == 2:
            self.is_busy.set()
            self.free.wait(30)
        if self.error is not None and len(self.sent) > 1:
            raise self.error
        return not self.gone

    def has_left(self):
        return self.gone

    def contents(self):
        return [reply['content'] for reply in self.sent]


def piece(content, **more):
    return dict({'content': content, 'more_content': True}, **more)


LAST = {'content': b'', 'more_content': False}


class GathererTests(SimpleTestCase):

    def setUp(self):
        self.client = FakeClient()
        self.clock = ManualClock()
        self.gatherer = Gatherer(self.client, self.clock)
        self.addCleanup(self.gatherer.close)
        self.addCleanup(self.client.free.set)

    def begin(self):
        """Send a first piece, and a second that is on its way."""
        self.gatherer.send(piece(b'1', status=200, headers=[]))
        self.gatherer.send(piece(b'2'))
        self.assertTrue(self.client.is_busy.wait(30))

    def test_what_comes_meanwhile_goes_in_one_message_in_its_order(self):
        self.begin()
        for content in (b'3', b'4', b'5'):
            self.assertTrue(self.gatherer.send(piece(content)))
        self.client.free.set()
        self.assertTrue(self.gatherer.send(LAST))
        self.assertEqual(self.client.contents(), [b'1', b'2', b'345', b''])
        self.assertEqual(self.client.sent[0]['status'], 200)
        self.assertEqual([reply['more_content'] for reply in self.client.sent], [True, True, True, False])

    def test_no_message_becomes_larger_than_a_piece_may_be(self):
        self.client.free.set()
        self.begin()
        half = b'x' * (CHUNK_SIZE // 2 + 1)
        for _ in range(6):
            self.gatherer.send(piece(half))
        self.gatherer.send(LAST)
        self.assertLessEqual(max(map(len, self.client.contents())), CHUNK_SIZE)
        self.assertEqual(b''.join(self.client.contents()), b'12' + half * 6)

    def test_a_view_is_one_message_ahead_at_most(self):
        self.begin()
        self.gatherer.send(piece(b'x' * CHUNK_SIZE))
        taken = threading.Event()

        def send():
            self.gatherer.send(piece(b'y'))
            taken.set()

        thread = threading.Thread(target=send)
        thread.start()
        self.assertFalse(taken.wait(0.1))
        self.client.free.set()
        self.assertTrue(taken.wait(30))
        thread.join()

    def test_what_comes_slowly_goes_out_at_once_in_the_views_own_thread(self):
        self.client.free.set()
        for content in (b'1', b'2', b'3'):
            self.gatherer.send(piece(content))
            self.assertEqual(self.client.sent[-1]['content'], content)
            self.clock.sleep(0.01)
        self.assertEqual(self.client.threads, {threading.current_thread()})

    def test_nothing_is_gathered_within_a_process(self):
        client = FakeClient(spans_processes=False)
        client.free.set()
        gatherer = Gatherer(client, self.clock)
        for content in (b'1', b'2', b'3'):
            gatherer.send(piece(content))
        self.assertEqual(client.contents(), [b'1', b'2', b'3'])
        self.assertEqual(client.threads, {threading.current_thread()})

    def test_what_sending_raises_reaches_the_view(self):
        self.begin()
        self.gatherer.send(piece(b'3'))
        self.client.error = ValueError('full')
        self.client.free.set()
        with self.assertRaisesMessage(ValueError, 'full'):
            self.gatherer.send(LAST)
        with self.assertRaisesMessage(ValueError, 'full'):
            self.gatherer.send(piece(b'4'))
        self.assertEqual(self.client.contents(), [b'1', b'2'])

    def test_a_client_that_left_gets_no_more(self):
        self.begin()
        self.gatherer.send(piece(b'3'))
        self.client.gone = True
        self.client.free.set()
        self.assertFalse(self.gatherer.send(LAST))
        self.assertTrue(self.gatherer.has_left())
        self.assertEqual(self.client.contents(), [b'1', b'2'])

    def test_what_was_not_sent_is_forgotten_at_the_end(self):
        self.begin()
        self.gatherer.send(piece(b'3'))
        thread, = self.client.threads - {threading.current_thread()}
        self.gatherer.close()
        self.client.free.set()
        thread.join(30)
        self.assertFalse(thread.is_alive())
        self.assertEqual(self.client.contents(), [b'1', b'2'])


@unittest.skipUnless(SUPPORTS_ASYNC, 'This Django or Python has no async code.')
class AsyncGathererTests(SimpleTestCase):

    def run_to_its_end(self, coroutine):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            loop.close()

    def test_what_comes_meanwhile_goes_in_one_message_in_its_order(self):
        sent = self.run_to_its_end(async_gathering.meanwhile())
        self.assertEqual([reply['content'] for reply in sent], [b'1', b'2', b'345'])
        self.assertEqual([reply.get('status') for reply in sent], [200, None, None])
        self.assertTrue(all(reply['more_content'] for reply in sent))

    def test_an_iterator_is_one_message_ahead_at_most(self):
        waits, contents = self.run_to_its_end(async_gathering.full(CHUNK_SIZE))
        self.assertTrue(waits)
        self.assertEqual(contents[2], b'x' * CHUNK_SIZE)
        self.assertFalse(self.run_to_its_end(async_gathering.full(CHUNK_SIZE - 1))[0])

    def test_what_comes_slowly_or_stays_within_a_process_goes_out_at_once(self):
        for spans_processes, step in ((True, 1.0), (False, 0.0)):
            contents = self.run_to_its_end(async_gathering.one_by_one(spans_processes, step))
            self.assertEqual(contents, [b'1', b'2', b'3'])

    def test_what_sending_raises_reaches_the_iterator(self):
        with self.assertRaisesMessage(ValueError, 'full'):
            self.run_to_its_end(async_gathering.failing(ValueError('full')))

    def test_what_was_not_sent_is_forgotten_at_the_end(self):
        self.assertEqual(self.run_to_its_end(async_gathering.left()), (True, [b'1', b'2']))
