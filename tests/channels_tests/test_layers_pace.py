"""Tests of the pace of large replies: who waits for a server that is behind."""
from __future__ import absolute_import, unicode_literals

import unittest

from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.http.client import Client
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.pace import AHEAD, LARGE, LONGEST_PAUSE, MOST_AHEAD, UNSEEN, Lead
from django.channels.names import disconnect_channel
from django.test import SimpleTestCase

from .clocks import ManualClock
from .http_tools import make_message
from .redis_case import RedisTestCase

if SUPPORTS_ASYNC:
    import asyncio

    from . import async_pace

PIECE = {'content': b'z' * (4 * LARGE), 'more_content': True}
#: Pieces after which a sender looks.
UNSEEN_PIECES = UNSEEN // len(PIECE['content'])


class ServerClock(ManualClock):
    """A clock in whose pauses a server takes messages."""

    def __init__(self, layer, channel, takes):
        super(ServerClock, self).__init__()
        self.layer, self.channel, self.takes = layer, channel, takes

    def sleep(self, seconds):
        super(ServerClock, self).sleep(seconds)
        for _ in range(self.takes):
            self.layer.receive([self.channel])


class PaceTests(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer(capacity=1000)

    def client_of(self, process, takes=1):
        """Return the Client of a request to a server that takes so many messages in each pause."""
        self.clock = ServerClock(self.layer, process, takes)
        message = make_message(channel_layer=self.layer, reply_channel=process + 'client')
        return Client(message, timeout=300, clock=self.clock)

    def waiting(self, process):
        return self.layer.count_waiting(process + 'client')

    def test_who_sends_much_waits_for_the_server_to_take_it(self):
        client = self.client_of('http.response.much!')
        for _ in range(100):
            self.assertTrue(client.send(PIECE))
            self.assertLessEqual(self.waiting('http.response.much!'), MOST_AHEAD + UNSEEN_PIECES + 1)
        self.assertGreater(len(self.clock.slept), 50)

    def test_a_server_that_keeps_up_is_not_waited_for(self):
        client = self.client_of('http.response.quick!')
        for _ in range(100):
            client.send(PIECE)
            self.layer.receive(['http.response.quick!'])
        self.assertEqual(self.clock.slept, [])

    def test_the_clients_of_another_process_are_not_waited_for(self):
        client, other = self.client_of('http.response.full!', takes=0), self.client_of('http.response.free!')
        for _ in range(MOST_AHEAD + 1):
            self.layer.send('http.response.full!client', {})
        for _ in range(MOST_AHEAD):
            other.send(PIECE)
        self.assertEqual(self.clock.slept, [])
        self.assertIsNot(client, other)

    def test_it_is_sent_though_the_server_stays_behind(self):
        client = self.client_of('http.response.behind!', takes=0)
        for _ in range(100):
            client.send(PIECE)
        self.assertEqual(self.waiting('http.response.behind!'), 100)
        self.assertGreater(self.clock.now, LONGEST_PAUSE)

    def test_small_replies_never_wait(self):
        client = self.client_of('http.response.small!', takes=0)
        for _ in range(500):
            client.send({'content': b'z' * (LARGE - 1), 'more_content': True})
        self.assertEqual(self.clock.slept, [])

    def test_a_client_that_leaves_ends_the_wait(self):
        client = self.client_of('http.response.gone!', takes=0)
        client.interval = 0.0
        while client.send(PIECE):
            if self.clock.slept:
                self.layer.send(disconnect_channel(client.reply_channel), {'closed': True})
        self.assertTrue(client.gone)

    @unittest.skipUnless(SUPPORTS_ASYNC, 'This Django or Python has no async code.')
    def test_an_async_view_waits_as_well(self):
        loop = asyncio.new_event_loop()
        try:
            most = loop.run_until_complete(async_pace.most_that_waited(self.layer, 'http.response.async!', PIECE))
        finally:
            loop.close()
        self.assertLessEqual(most, MOST_AHEAD + UNSEEN_PIECES + 1)


class LeadTests(SimpleTestCase):
    channel = 'http.request.body?one'

    def setUp(self):
        self.layer = InMemoryChannelLayer()

    def test_a_body_is_a_few_pieces_ahead_of_its_worker(self):
        clock = ServerClock(self.layer, self.channel, takes=1)
        lead = Lead(self.layer, self.channel, clock)
        for _ in range(50):
            lead.send(PIECE, 1.0)
            self.assertLessEqual(self.layer.count_waiting(self.channel), AHEAD)
        self.assertEqual(len(clock.slept), 50 - AHEAD)

    def test_a_worker_that_does_not_read_is_given_up(self):
        clock = ManualClock()
        lead = Lead(self.layer, self.channel, clock)
        for _ in range(AHEAD):
            lead.send(PIECE, 1.0)
        with self.assertRaisesMessage(self.layer.ChannelFull, 'Nobody reads what waits in http.request.body?one.'):
            lead.send(PIECE, 1.0)
        self.assertGreaterEqual(clock.now, 1.0)


class RedisPaceTests(RedisTestCase):

    def test_redis_counts_what_waits_for_all_clients_of_a_process(self):
        for channel in ('server!x', 'server!y', 'other!x'):
            self.layer.send(channel, {})
        self.assertEqual(self.layer.count_waiting('server!x'), 2)
        self.assertEqual(self.layer.count_waiting('third!x'), 0)
