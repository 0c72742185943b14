"""Tests of the calls that a Twisted server makes of the Redis channel layer."""
from __future__ import absolute_import, unicode_literals

import threading
import unittest

from django.channels.compat import six
from django.channels.exceptions import ChannelFull, LayerUnavailable
from django.channels.layers.blocking import MOST_WAITING
from django.channels.layers.clock import Clock
from django.channels.layers.redis import RedisChannelLayer
from django.channels.layers.twisted_server import LOST_AFTER, PATIENCE, TwistedServer
from django.channels.test.linting import exempt

from .logs import LogTestCase
from .redis_case import RedisTestCase

try:
    from twisted.internet import defer
except ImportError:
    defer = None

#: As daphne 1.4.2 has it: the process' channel, and a name behind it.
PROCESS = 'daphne.response.abcdefghij!'


class HandClock(Clock):
    """Stands still but when it is told to go on."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Reactor(object):
    """What the layer wants of Twisted's; run() goes round once."""

    def __init__(self, clock):
        self._clock = clock
        self._later = []
        self._from_threads = six.moves.queue.Queue()
        self.ends = []

    def addSystemEventTrigger(self, phase, event, function):
        self.ends.append(function)

    def callLater(self, seconds, function, *args):
        self._later.append((self._clock.now + seconds, function, args))
        return function

    def callFromThread(self, function, *args):
        self._from_threads.put((function, args))

    def run(self):
        later, self._later = self._later, []
        for when, function, args in later:
            if when <= self._clock.now:
                function(*args)
            else:
                self._later.append((when, function, args))

    def run_thread_call(self):
        """Carry out what a thread asks for, waiting for that."""
        function, args = self._from_threads.get(timeout=30)
        function(*args)


@unittest.skipUnless(defer, 'Twisted is not installed.')
@exempt('order', 'path', 'headers', 'http_version', 'method', 'code', 'reply_channel', 'n')
class TwistedServerTests(LogTestCase, RedisTestCase):

    def serve(self, **options):
        """Return a layer whose calls are a server's, which has asked for its first message."""
        layer = self.make_layer(**options)
        self.clock = HandClock()
        self.reactor = Reactor(self.clock)
        layer._twisted_server = TwistedServer(layer, self.reactor, self.clock)
        self.addCleanup(layer._twisted_server.end)
        self.got = []
        self.ask(layer)
        return layer

    def ask(self, layer, channels=(PROCESS,)):
        layer.receive_twisted(list(channels)).addBoth(self.got.append)

    def request(self, layer, name='1', **content):
        layer.send('http.request', dict(content, reply_channel=PROCESS + name))

    def test_what_is_sent_in_one_round_leaves_in_one_write(self):
        layer = self.serve()
        self.request(layer, '1', path='/a')
        layer.send('http.disconnect', {'reply_channel': PROCESS + '0', 'path': '/b'})
        self.request(layer, '2', path='/c')
        self.assertEqual(self.received('http.request'), [])
        self.redis.config_resetstat()
        self.reactor.run()
        # One call for each channel.
        self.assertEqual(self.calls().get('evalsha'), 2)
        self.assertEqual([message['path'] for channel, message in self.received('http.request')], ['/a', '/c'])
        self.assertEqual(len(self.received('http.disconnect')), 1)

    def test_the_end_of_a_socket_leaves_behind_its_frames(self):
        layer = self.serve(channel_capacity={'websocket.receive': 1})
        for text in ('a', 'b'):
            layer.send('websocket.receive', {'reply_channel': PROCESS + '1', 'text': text})
        layer.send('websocket.disconnect', {'reply_channel': PROCESS + '1'})
        layer.send('websocket.disconnect', {'reply_channel': PROCESS + '2'})
        self.reactor.run()
        # The other's has nothing to wait for.
        self.assertEqual([message['reply_channel'] for channel, message in self.received('websocket.disconnect')],
                         [PROCESS + '2'])
        frames = []
        for _ in range(2):
            frames += [message['text'] for channel, message in self.received('websocket.receive')]
            self.clock.now += 1
            self.reactor.run()
        self.assertEqual(frames, ['a', 'b'])
        self.assertEqual(self.received('websocket.disconnect'),
                         [('websocket.disconnect', {'reply_channel': PROCESS + '1'})])

    def test_messages_wait_for_room_in_the_order_in_which_they_came(self):
        layer = self.serve(capacity=2)
        for number in range(5):
            self.request(layer, '%d' % number, n=number)
        self.reactor.run()
        self.request(layer, '5', n=5)
        numbers = []
        for _ in range(3):
            numbers += [message['n'] for channel, message in self.received('http.request')]
            self.clock.now += 1
            self.reactor.run()
        numbers += [message['n'] for channel, message in self.received('http.request')]
        self.assertEqual(numbers, list(range(6)))
        self.assertEqual(self.got, [])

    def test_the_end_of_a_request_is_dropped_where_nobody_reads_it(self):
        layer = self.serve(capacity=1)
        for number in range(3):
            layer.send('http.disconnect', {'reply_channel': PROCESS + '%d' % number})
        self.reactor.run()
        self.assertEqual(len(self.received('http.disconnect')), 1)
        self.clock.now += 1
        self.reactor.run()
        self.assertEqual(self.received('http.disconnect'), [])

    def test_a_client_that_found_no_room_in_time_is_answered(self):
        layer = self.serve(capacity=1)
        for number in range(2):
            self.request(layer, '%d' % number)
            layer.send('websocket.receive', {'reply_channel': PROCESS + 'socket%d' % number, 'text': 'x'})
        self.reactor.run()
        self.clock.now += PATIENCE + 1
        self.reactor.run()
        self.assertLogged('1 messages to http.request were dropped: the channel was full for 10.0 s.')
        for _ in range(2):
            self.reactor.run()
            self.ask(layer)
        (name, answer), (socket, close) = self.got
        self.assertEqual((name, answer['status']), (PROCESS + '1', 503))
        self.assertIn([b'retry-after', b'10'], answer['headers'])
        self.assertEqual((socket, close), (PROCESS + 'socket1', {'close': True}))
        self.assertEqual(len(self.received('http.request')), 1)

    def test_too_many_that_wait_are_refused_at_once(self):
        layer = self.serve()
        for number in range(MOST_WAITING):
            self.request(layer, '%d' % number)
        with self.assertRaisesMessage(ChannelFull, 'Too many messages wait for room in http.request.'):
            self.request(layer, 'last')
        # Those of other channels have a line of their own.
        layer.send('websocket.receive', {'reply_channel': PROCESS + 'socket', 'text': 'x'})

    def test_a_message_that_can_not_be_sent_stops_no_other(self):
        layer = self.serve()
        self.request(layer, '1', path='/good')
        self.request(layer, '2', path=object())
        self.request(layer, '3', path='/good')
        self.reactor.run()
        self.assertLogged('A message to http.request could not be sent.')
        self.reactor.run()
        self.assertEqual([(name, answer['status']) for name, answer in self.got], [(PROCESS + '2', 500)])
        self.assertEqual(len(self.received('http.request')), 2)

    def test_clients_are_answered_while_the_server_is_away(self):
        layer = self.serve()
        self.request(layer)

        def send_many(pairs):
            raise LayerUnavailable('Redis is away.')
        layer.send_many = send_many
        self.reactor.run()
        self.assertLogged('1 messages of clients may be lost: Redis is away.')
        self.reactor.run()
        self.assertEqual([(name, answer['status']) for name, answer in self.got], [(PROCESS + '1', 503)])

    def test_the_end_of_a_socket_is_not_lost_with_its_frames(self):
        layer = self.serve(channel_capacity={'websocket.receive': 1})
        for number in '1', '2':
            layer.send('websocket.receive', {'reply_channel': PROCESS + number, 'text': 'x'})
        layer.send('websocket.disconnect', {'reply_channel': PROCESS + '2'})
        self.reactor.run()
        self.clock.now += PATIENCE + 1
        for _ in range(2):
            self.reactor.run()
            self.clock.now += 1
        self.assertLogged('1 messages to websocket.receive were dropped: the channel was full for 10.0 s.')
        self.assertEqual(self.received('websocket.disconnect'),
                         [('websocket.disconnect', {'reply_channel': PROCESS + '2'})])

    def test_frames_behind_one_that_was_dropped_are_dropped_too(self):
        layer = self.serve(capacity=1)
        for number, text in ('1', 'a'), ('2', 'b'):
            layer.send('websocket.receive', {'reply_channel': PROCESS + number, 'text': text})
        self.reactor.run()
        self.clock.now += PATIENCE - 1
        layer.send('websocket.receive', {'reply_channel': PROCESS + '2', 'text': 'c'})
        self.clock.now += 2
        self.reactor.run()
        self.assertLogged('1 messages to websocket.receive were dropped: the channel was full for 10.0 s.')
        self.assertEqual(len(self.received('websocket.receive')), 1)
        self.clock.now += 1
        self.reactor.run()
        self.assertEqual(self.received('websocket.receive'), [])
        self.assertEqual(self.got, [(PROCESS + '2', {'close': True})])

    def test_frames_behind_one_that_can_not_be_sent_are_dropped_too(self):
        layer = self.serve()
        for text in 'a', object(), 'c':
            layer.send('websocket.receive', {'reply_channel': PROCESS + '1', 'text': text})
        layer.send('websocket.disconnect', {'reply_channel': PROCESS + '1'})
        self.reactor.run()
        self.assertLogged('A message to websocket.receive could not be sent.')
        self.clock.now += 1
        self.reactor.run()
        self.assertEqual([message['text'] for channel, message in self.received('websocket.receive')], ['a'])
        self.assertEqual(len(self.received('websocket.disconnect')), 1)
        self.assertEqual(self.got, [(PROCESS + '1', {'close': True})])

    def test_what_surely_was_not_sent_to_one_server_is_sent_to_another(self):
        layer = self.serve()
        send_many = layer.send_many
        for number in range(3):
            self.request(layer, '%d' % number)

        def send_first(pairs):
            layer.send_many = send_many
            error = LayerUnavailable('One Redis is away.')
            error.refused = pairs[1:]
            raise error
        layer.send_many = send_first
        self.reactor.run()
        self.assertLogged('1 messages of clients may be lost: One Redis is away.')
        self.clock.now += 1
        self.reactor.run()
        self.assertEqual([name for name, answer in self.got], [PROCESS + '0'])
        self.assertEqual([message['reply_channel'] for channel, message in self.received('http.request')],
                         [PROCESS + '1', PROCESS + '2'])

    def test_a_server_that_goes_away_in_between_is_told_of_once(self):
        layer = self.serve()
        for path in '/a', object(), '/c', '/d':
            self.request(layer, '1', path=path)
        calls = []

        def send_many(pairs):
            calls.append(pairs)
            if len(calls) == 1:
                raise TypeError('One of them.')
            raise LayerUnavailable('Redis is away.')
        layer.send_many = send_many
        self.reactor.run()
        self.assertEqual(len(calls), 2)
        self.assertLogged('4 messages of clients may be lost: Redis is away.')

    def test_what_its_sender_changes_afterwards_is_sent_as_it_was(self):
        layer = self.serve()
        message = {'reply_channel': PROCESS + '1', 'n': 1}
        layer.send('http.request', message)
        message['n'] = 2
        layer.send('http.request', message)
        self.reactor.run()
        self.assertEqual([message['n'] for channel, message in self.received('http.request')], [1, 2])

    def test_other_messages_are_sent_at_once(self):
        layer = self.serve()
        layer.send('websocket.connect', {'reply_channel': PROCESS + '1'})
        layer.send('http.request', {'reply_channel': 'http.response.elsewhere!1'})
        layer.send('http.request', {})
        layer.send('work', {'reply_channel': PROCESS + '1'})
        thread = threading.Thread(target=self.request, args=(layer,))
        thread.start()
        thread.join()
        self.assertEqual(len(self.received('websocket.connect', 'http.request', 'work')), 5)

    def test_a_full_channel_is_told_at_once_where_a_socket_opens(self):
        layer = self.serve(capacity=1)
        layer.send('websocket.connect', {'reply_channel': PROCESS + '1'})
        with self.assertRaises(ChannelFull):
            layer.send('websocket.connect', {'reply_channel': PROCESS + '2'})

    def test_a_class_with_a_send_of_its_own_sees_each_message_once(self):
        seen = []

        class Counting(RedisChannelLayer):
            def send(self, channel, message):
                seen.append(channel)
                super(Counting, self).send(channel, message)

        layer = Counting(hosts=[self.server.url], prefix=self.prefix)
        self.addCleanup(layer.close)
        reactor = Reactor(HandClock())
        layer._twisted_server = TwistedServer(layer, reactor)
        self.addCleanup(layer._twisted_server.end)
        layer.receive_twisted([PROCESS])
        self.request(layer)
        reactor.run()
        self.assertEqual(seen, ['http.request'])
        self.assertEqual(len(self.received('http.request')), 1)

    def test_what_came_together_is_received_together_in_its_order(self):
        layer = self.serve()
        self.wait_until_blocked()
        self.layer.send_many([(PROCESS + '%d' % number, {'n': number}) for number in range(3)])
        self.reactor.run_thread_call()
        for number in range(2, 4):
            self.ask(layer)
            if len(self.got) < number:
                # Those before may have come alone.
                self.reactor.run_thread_call()
        self.assertEqual(self.got, [(PROCESS + '%d' % number, {'n': number}) for number in range(3)])

    def test_each_of_several_that_wait_gets_a_message(self):
        layer = self.serve()
        self.ask(layer)
        self.layer.send_many([(PROCESS + '%d' % number, {'n': number}) for number in range(2)])
        while len(self.got) < 2:
            # The second may have come alone.
            self.reactor.run_thread_call()
        self.assertEqual(self.got, [(PROCESS + '%d' % number, {'n': number}) for number in range(2)])

    def test_all_that_wait_hear_that_nothing_came(self):
        layer = self.serve()
        self.ask(layer)
        self.wait_until_blocked()
        layer.interrupt()
        self.reactor.run_thread_call()
        self.assertEqual(self.got, [(None, None), (None, None)])

    def test_who_no_longer_waits_takes_no_message(self):
        layer = self.serve()
        second = layer.receive_twisted([PROCESS])
        second.addErrback(lambda failure: failure.trap(defer.CancelledError))
        self.ask(layer)
        second.cancel()
        self.layer.send_many([(PROCESS + '%d' % number, {'n': number}) for number in range(2)])
        while len(self.got) < 2:
            self.reactor.run_thread_call()
        self.assertEqual([message['n'] for channel, message in self.got], [0, 1])

    def test_messages_of_a_channel_in_two_lists_reach_who_waits(self):
        layer = self.serve()
        other = 'other.abc!'
        self.wait_until_blocked()
        self.layer.send(PROCESS + '0', {'n': 0})
        self.reactor.run_thread_call()
        # What the first list has fetched, nobody asks it for.
        layer._twisted_server._inboxes[PROCESS,].put([(PROCESS + '1', {'n': 1}), (PROCESS + '2', {'n': 2})])
        self.reactor.run()
        self.ask(layer, [other, PROCESS])
        self.ask(layer, [PROCESS, other])
        self.assertEqual([message['n'] for channel, message in self.got], [0, 1, 2])
        # Nor is one that waits on another list left out.
        self.ask(layer, [other, PROCESS])
        layer._twisted_server._inboxes[PROCESS,].put([(PROCESS + '3', {'n': 3})])
        self.reactor.run()
        self.assertEqual(self.got[3:], [(PROCESS + '3', {'n': 3})])

    def test_a_wait_that_nothing_comes_to_ends_with_nothing(self):
        layer = self.serve()
        self.wait_until_blocked()
        layer.interrupt()
        self.reactor.run_thread_call()
        self.assertEqual(self.got, [(None, None)])

    def test_an_error_is_given_to_who_waits(self):
        layer = self.serve()
        self.wait_until_blocked()

        def receive_batch(channels, limit, timeout=0):
            raise LayerUnavailable('Redis is away.')
        layer.receive_batch = receive_batch
        layer.interrupt()
        self.reactor.run_thread_call()
        self.ask(layer)
        self.reactor.run_thread_call()
        self.assertIsInstance(self.got[1].value, LayerUnavailable)

    def lose(self, layer):
        """Have the layer find that the server of its clients has lost its data."""
        layer._tell_of_lost_state(layer.transport_options.keys.shard_of(PROCESS))
        self.reactor.run_thread_call()

    def answers(self, layer):
        """Return {reply channel: message} of what clients get by themselves."""
        for _ in range(4):
            self.reactor.run()
            self.ask(layer)
        return dict(answer for answer in self.got)

    def open_socket(self, layer, name):
        layer.send('websocket.connect', {'reply_channel': PROCESS + name})

    def deliver(self, layer, name, **message):
        """Have a message come for a client."""
        layer._twisted_server._inboxes[PROCESS,].put([(PROCESS + name, message)])
        self.reactor.run()
        self.ask(layer)

    def test_clients_of_a_server_that_lost_its_data_are_answered(self):
        layer = self.serve()
        for number in '1', '2', '3':
            self.request(layer, number)
        self.reactor.run()
        self.open_socket(layer, 'socket')
        self.deliver(layer, '2', status=200, content=b'a part', more_content=True)
        self.lose(layer)
        self.assertLogged('1 sockets are closed, and 2 requests may be: the channel layer has lost its data.')
        self.assertEqual(self.answers(layer)[PROCESS + 'socket'], {'close': True})
        # A worker that had one answers.
        self.deliver(layer, '3', status=200, content=b'whole')
        layer.send('http.disconnect', {'reply_channel': PROCESS + '3'})
        del self.got[:]
        self.clock.now += LOST_AFTER
        self.assertEqual([
            (name, answer['status'], [value for header, value in answer['headers'] if header == b'retry-after'])
            for name, answer in self.answers(layer).items()
        ], [(PROCESS + '1', 503, [b'2'])])

    def test_what_was_not_sent_yet_is_not_lost(self):
        layer = self.serve(capacity=1)
        for number in '1', '2':
            self.request(layer, number)
        self.reactor.run()
        self.lose(layer)
        self.assertLogged('0 sockets are closed, and 1 requests may be: the channel layer has lost its data.')
        self.assertEqual(len(self.received('http.request')), 1)
        self.clock.now += LOST_AFTER
        self.assertEqual(list(self.answers(layer)), [PROCESS + '1'])

    def test_of_the_clients_of_another_server_only_requests_may_be_lost(self):
        layer = self.serve()
        self.request(layer)
        self.open_socket(layer, 'socket')
        self.reactor.run()
        layer._tell_of_lost_state(layer.transport_options.keys.shard_of(PROCESS) + 1)
        self.reactor.run_thread_call()
        self.assertLogged('0 sockets are closed, and 1 requests may be: the channel layer has lost its data.')
        del self.got[:]
        self.clock.now += LOST_AFTER
        [(name, answer)] = self.answers(layer).items()
        self.assertEqual((name, answer['status']), (PROCESS + '1', 503))

    def test_who_asks_for_losses_hears_of_them_too(self):
        layer, told = self.serve(), []
        layer.on_lost_state = told.append
        self.lose(layer)
        self.assertEqual(told, [0])

    def test_clients_that_are_gone_leave_nothing(self):
        layer = self.serve(channel_capacity={'websocket.receive': 1, 'websocket.connect': 2})
        self.request(layer, '1')
        for name in 'socket', 'muted':
            self.open_socket(layer, name)
        self.reactor.run()
        clients = layer._twisted_server._clients
        self.assertEqual((len(clients.requests), len(clients.sockets)), (1, 2))
        layer.send('http.disconnect', {'reply_channel': PROCESS + '1'})
        layer.send('websocket.disconnect', {'reply_channel': PROCESS + 'socket'})
        # daphne says nothing of one whose frame found no room.
        with self.assertRaises(ChannelFull):
            for _ in range(MOST_WAITING + 1):
                layer.send('websocket.receive', {'reply_channel': PROCESS + 'muted', 'text': 'x'})
        # What comes late for who is gone.
        for name in '1', 'socket', 'muted':
            self.deliver(layer, name, status=200, more_content=True)
        # Nor of one that is refused at once.
        with self.assertRaises(ChannelFull):
            self.open_socket(layer, 'refused')
        self.assertEqual((clients.requests, clients.sockets), ({}, set()))

    def test_what_is_left_is_sent_when_the_reactor_ends(self):
        layer = self.serve(capacity=1)
        self.request(layer)
        for end in self.reactor.ends:
            end()
        self.assertEqual(len(self.received('http.request')), 1)
        # What comes now is sent at once.
        self.request(layer)
        self.assertEqual(len(self.received('http.request')), 1)

    def test_what_finds_no_room_when_the_reactor_ends_is_told_of(self):
        layer = self.serve(capacity=1)
        for number in range(3):
            self.request(layer, '%d' % number)
        for end in self.reactor.ends:
            end()
        self.assertLogged('2 messages to http.request are lost with this process: the channel is full.')
