"""Tests of the Redis channel layer, against a real server."""
from __future__ import absolute_import, unicode_literals

import multiprocessing
import os
import signal
import threading
import time

from .redis_case import RedisTestCase


class SendAndReceiveTests(RedisTestCase):

    def test_messages_of_a_channel_come_in_order_and_once(self):
        for number in range(20):
            self.layer.send('a', {'n': number})
        self.assertEqual(self.received('a'), [('a', {'n': number}) for number in range(20)])

    def test_a_layer_elsewhere_sees_the_messages(self):
        self.make_layer().send('a', {'text': 'caf\xe9', 'bytes': b'\xff'})
        self.assertEqual(self.layer.receive(['b', 'a']), ('a', {'text': 'caf\xe9', 'bytes': b'\xff'}))

    def test_an_empty_receive_gives_none_twice(self):
        self.assertEqual(self.layer.receive(['a']), (None, None))
        self.assertEqual(self.layer.receive([]), (None, None))
        self.assertEqual(self.layer.receive_batch(['a'], 10), [])

    def test_messages_are_copied(self):
        message = {'list': [1]}
        self.layer.send('a', message)
        message['list'].append(2)
        self.assertEqual(self.layer.receive(['a'])[1], {'list': [1]})

    def test_non_dict_content_raises_type_error_for_channels_and_groups(self):
        for content in ('text', [1], None):
            with self.assertRaisesMessage(TypeError, 'A message must be a dict'):
                self.layer.send('a', content)
            with self.assertRaisesMessage(TypeError, 'A message must be a dict'):
                self.layer.send_group('g', content)
            with self.assertRaisesMessage(TypeError, 'A message must be a dict'):
                self.layer.send_many([('a', content)])

    def test_invalid_names_are_refused_with_advice(self):
        for call in (lambda: self.layer.send('a b', {}), lambda: self.layer.receive(['a b']),
                     lambda: self.layer.group_add('g', 'a b'), lambda: self.layer.send_group('g!', {})):
            with self.assertRaisesMessage(ValueError, 'valid'):
                call()
        with self.assertRaisesMessage(ValueError, "wait on 'p!'"):
            self.layer.receive(['p!client'])
        with self.assertRaisesMessage(TypeError, 'list of channels'):
            self.layer.receive('channel')

    def test_a_message_that_cannot_travel_is_refused_with_its_place(self):
        with self.assertRaisesMessage(TypeError, "message['a'][0]"):
            self.layer.send('a', {'a': [object()]})
        self.assertEqual(self.keys(), set())

    def test_a_batch_comes_at_once(self):
        self.assertEqual(self.layer.send_many([('a', {'n': number}) for number in range(90)]), [])
        self.assertEqual(len(self.layer.receive_batch(['a'], 60)), 60)
        self.assertEqual([message['n'] for channel, message in self.layer.receive_batch(['a'], 60)],
                         list(range(60, 90)))

    def test_readers_of_a_process_get_all_its_clients_in_order(self):
        self.layer.send('p.1!a', {'n': 1})
        self.layer.send('p.2!a', {'n': 2})
        self.layer.send('p.1!b', {'n': 3})
        self.assertEqual(self.received('p.1!'), [('p.1!a', {'n': 1}), ('p.1!b', {'n': 3})])

    def test_a_busy_channel_does_not_starve_the_others(self):
        names = ['busy', 'quiet', 'other']
        for _ in range(60):
            self.layer.send('busy', {})
        self.layer.send('quiet', {})
        channels = [self.layer.receive(names)[0] for _ in range(60)]
        self.assertIn('quiet', channels)

    def test_a_receive_takes_no_message_that_it_does_not_hand_out(self):
        # A worker that dies must not take its neighbors' messages along.
        for number in range(3):
            self.layer.send('a', {'n': number})
        self.layer.receive(['a', 'b'])
        self.assertEqual(self.redis.llen(self.key('q', 'a')), 2)

    def test_new_channels_are_unique_and_live_like_others(self):
        names = {self.layer.new_channel('body?') for _ in range(100)}
        self.assertEqual(len(names), 100)
        name = names.pop()
        for number in range(3):
            self.layer.send(name, {'n': number})
        self.assertEqual([message['n'] for channel, message in self.received(name)], [0, 1, 2])

    def test_many_threads_share_a_layer(self):
        layer, got, lock = self.make_layer(capacity=5000), [], threading.Lock()

        def read():
            while True:
                channel, message = layer.receive(['a', 'b'], block=True)
                with lock:
                    got.append(message['n'])
                if message['n'] is None:
                    return

        def write(start):
            for number in range(start, start + 300):
                layer.send('ab'[number % 2], {'n': number})
        readers = [self.in_thread(read) for _ in range(4)]
        for join in [self.in_thread(write, start) for start in (0, 300, 600, 900)]:
            join()
        for _ in readers:
            layer.send('a', {'n': None})
        for join in readers:
            join()
        rest = [message['n'] for channel, message in self.received('a', 'b', layer=layer)]
        self.assertEqual(sorted(number for number in got + rest if number is not None), list(range(1200)))

    def test_threads_that_read_one_process_keep_its_order(self):
        layer, ended, count = self.make_layer(capacity=1000), threading.Event(), []

        def read():
            got = []
            while not ended.is_set():
                deliveries = layer.receive_deliveries(['p.1!'], 10, 5)
                got.extend(message['n'] for channels, message in deliveries)
                count.extend(deliveries)
            return got
        readers = [self.in_thread(read) for _ in range(3)]
        for number in range(500):
            layer.send('p.1!a', {'n': number})
        self.wait_until(lambda: self.redis.ping() and len(count) >= 500)
        ended.set()
        layer.interrupt()
        shares = [join() for join in readers]
        self.assertEqual(sorted(sum(shares, [])), list(range(500)))
        for share in shares:
            self.assertEqual(share, sorted(share))

    def test_what_a_killed_process_has_forked_keeps_no_connection_open(self):
        # multiprocessing tells each Python of the fork, and may have another
        # way to start processes by default.
        processes = multiprocessing.get_context('fork') if hasattr(multiprocessing, 'get_context') else multiprocessing
        reader, writer = processes.Pipe(duplex=False)

        def work():
            self.layer.send('a', {})
            processes.Process(target=reader.recv).start()
            os.kill(os.getpid(), signal.SIGKILL)
        worker = processes.Process(target=work)
        worker.start()
        worker.join()
        try:
            self.wait_until(lambda: len(self.redis.client_list()) == 1)
        finally:
            writer.send('end')

    def test_a_forked_child_uses_connections_of_its_own(self):
        if not hasattr(os, 'fork'):
            self.skipTest('this system cannot fork')
        self.layer.send('a', {'n': 1})
        child = os.fork()
        if not child:
            try:
                ok = self.layer.receive(['a'], block=True)[1] == {'n': 1}
                self.layer.send('b', {'n': 2})
                os._exit(0 if ok else 1)
            finally:
                os._exit(2)
        self.assertEqual(self.layer.receive(['b'], block=True), ('b', {'n': 2}))
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.layer.send('c', {'n': 3})
        self.assertEqual(self.received('c'), [('c', {'n': 3})])


class InterruptTests(RedisTestCase):

    def test_interrupt_wakes_every_waiting_receive(self):
        joins = [self.in_thread(self.layer.receive, ['a'], True) for _ in range(3)]
        self.wait_until_blocked(3)
        started = time.time()
        self.layer.interrupt()
        self.assertEqual([join() for join in joins], [(None, None)] * 3)
        self.assertLess(time.time() - started, self.layer.receive_timeout / 2)
        self.wait_until(lambda: not self.keys())

    def test_interrupt_before_the_wait_ends_it_too(self):
        self.layer.receive(['a'])
        self.layer.interrupt()
        started = time.time()
        self.assertEqual(self.layer.receive(['a'], block=True), (None, None))
        self.assertLess(time.time() - started, self.layer.receive_timeout / 2)

    def test_interrupt_loses_no_message(self):
        self.layer.interrupt()
        self.layer.send('a', {'n': 1})
        self.assertEqual(self.layer.receive(['a'], block=True), ('a', {'n': 1}))
        got, ended = [], threading.Event()

        def read():
            while not ended.is_set() or len(got) < 300:
                channel, message = self.layer.receive(['a'], block=True)
                if channel is not None:
                    got.append(message['n'])
        join = self.in_thread(read)
        for number in range(300):
            self.layer.send_blocking('a', {'n': number}, 10)
            if number % 3 == 0:
                self.layer.interrupt()
        ended.set()
        join()
        self.assertEqual(got, list(range(300)))
