"""Tests of the in-memory channel layer."""
from __future__ import absolute_import, unicode_literals

import os
import re
import signal
import threading
import warnings

from django.channels.exceptions import ChannelFull
from django.channels.layers.memory import InMemoryChannelLayer
from django.test import SimpleTestCase

from .logs import LogTestCase


class Clock(object):

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class InMemoryLayerTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(InMemoryLayerTests, self).setUp()
        self.clock = Clock()
        self.layer = self.make_layer()

    def make_layer(self, **options):
        return InMemoryChannelLayer(clock=self.clock, **options)

    def received(self, *channels):
        messages = []
        while True:
            channel, message = self.layer.receive(list(channels))
            if channel is None:
                return messages
            messages.append((channel, message))

    # Order and copies

    def test_messages_of_a_channel_come_in_order_and_once(self):
        for number in range(5):
            self.layer.send('a', {'n': number})
        self.assertEqual(self.received('a'), [('a', {'n': number}) for number in range(5)])

    def test_an_empty_layer_returns_nothing(self):
        self.assertEqual(self.layer.receive(['a', 'b']), (None, None))

    def test_a_message_may_be_changed_after_it_was_sent(self):
        message = {'list': [1, {'deep': b'x'}]}
        self.layer.send('a', message)
        message['list'][1]['deep'] = b'y'
        self.assertEqual(self.layer.receive(['a']), ('a', {'list': [1, {'deep': b'x'}]}))

    def test_a_process_channel_returns_the_full_names(self):
        self.layer.send('p!a', {'n': 1})
        self.layer.send('p!b', {'n': 2})
        self.assertEqual(self.received('p!'), [('p!a', {'n': 1}), ('p!b', {'n': 2})])

    def test_what_no_message_can_hold_is_refused(self):
        with self.assertRaisesMessage(TypeError, "A message can't hold a object"):
            self.layer.send('a', {'x': [object()]})
        # As over Redis, so that tests find out.
        for key in (5, None, ('a', 'b')):
            with self.assertRaisesMessage(TypeError, 'The keys of a message must be text, not '):
                self.layer.send('a', {'x': {key: 1}})
        with self.assertRaisesMessage(TypeError, 'A message must be a dict, not list'):
            self.layer.send('a', [])
        with self.assertRaisesMessage(ValueError, '__asgi_channel__'):
            self.layer.send('a', {'__asgi_channel__': 'b'})
        self.assertEqual(self.received('a'), [])

    def test_the_old_name_of_receive_warns(self):
        self.layer.send('a', {'n': 1})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            self.assertEqual(self.layer.receive_many(['a'], block=True), ('a', {'n': 1}))
        self.assertIn('use receive()', str(caught[0].message))

    def test_no_channel_starves(self):
        layer = self.make_layer(capacity=1000)
        for _ in range(400):
            layer.send('busy', {})
        layer.send('quiet', {})
        position = next(n for n in range(400) if layer.receive(['busy', 'quiet'])[0] == 'quiet')
        self.assertLess(position, 399)

    # Capacity

    def test_a_full_channel_refuses_and_counts(self):
        layer = self.layer = self.make_layer(capacity=2)
        layer.send('a', {})
        layer.send('a', {})
        with self.assertRaisesMessage(ChannelFull, 'The channel a is full: 2 messages wait there.'):
            layer.send('a', {})
        self.assertEqual(layer.channel_statistics('a')['channel_full_count'], 1)
        self.received('a')
        layer.send('a', {})

    def test_capacities_go_by_the_first_pattern_that_matches(self):
        layer = self.make_layer(channel_capacity={re.compile(r'^http\.'): 1, 'slow.*': 3}, capacity=2)
        self.assertEqual(
            [layer.get_capacity(name) for name in ('http.request', 'slow.x', 'other')], [1, 3, 2]
        )

    def test_a_slow_client_leaves_its_neighbours_room(self):
        layer = self.layer = self.make_layer(capacity=2)
        layer.send('p!slow', {})
        layer.send('p!slow', {})
        with self.assertRaises(ChannelFull):
            layer.send('p!slow', {})
        layer.send('p!other', {})
        self.assertEqual(len(self.received('p!')), 3)
        layer.send('p!slow', {})

    def test_the_process_has_a_bound_of_its_own(self):
        layer = self.make_layer(capacity=2, process_capacity=4)
        for number in range(4):
            layer.send('p!c%d' % number, {})
        with self.assertRaises(ChannelFull):
            layer.send('p!c4', {})

    def test_send_many_keeps_the_order_of_a_full_channel(self):
        layer = self.layer = self.make_layer(capacity=1)
        refused = layer.send_many([('a', {'n': 1}), ('a', {'n': 2}), ('b', {'n': 3}), ('a', {'n': 4})])
        self.assertEqual(refused, [('a', {'n': 2}), ('a', {'n': 4})])
        self.assertEqual(sorted(self.received('a', 'b')), [('a', {'n': 1}), ('b', {'n': 3})])

    # Expiry

    def test_expired_messages_are_never_delivered(self):
        self.layer.send('a', {'n': 1})
        self.clock.now += 30
        self.layer.send('a', {'n': 2})
        self.clock.now += 31
        self.assertEqual(self.received('a'), [('a', {'n': 2})])
        self.assertEqual(self.layer.global_statistics()['expired_count'], 1)

    def test_what_expired_is_counted_and_logged(self):
        for _ in range(3):
            self.layer.send('a', {})
        self.layer.send('p!a', {})
        self.clock.now += 61
        self.assertEqual(self.layer.inspect_channels()['a']['expired_count'], 3)
        self.layer.receive(['b'])
        self.layer.receive(['b'])
        self.assertEqual(self.log().splitlines(), [
            'Messages for a expired (3): nobody received them within 60 s, the "expiry" of the layer. '
            'An acknowledged channel keeps what waits.',
            'Messages for p! expired (1): nobody received them within 60 s, the "expiry" of the layer.',
        ])
        # Once a minute is enough.
        for _ in range(2):
            self.layer.send('a', {})
            self.clock.now += 61
            self.layer.receive(['a'])
            self.layer.receive(['a'])
        self.assertEqual(len(self.log().splitlines()), 4)

    def test_a_channel_full_of_expired_messages_has_room(self):
        layer = self.make_layer(capacity=1)
        layer.send('a', {'n': 1})
        self.clock.now += 61
        layer.send('a', {'n': 2})
        self.assertEqual(layer.receive(['a']), ('a', {'n': 2}))

    def test_what_nobody_reads_goes_when_others_send(self):
        for number in range(50):
            self.layer.send('reply?%d' % number, {})
        self.clock.now += 61
        self.layer.send('a', {})
        self.assertEqual(self.layer.global_statistics()['messages_pending'], 1)
        self.assertEqual(len(self.layer._queues), 1)

    def test_expiry_of_a_busy_layer_keeps_one_note_a_channel(self):
        for _ in range(1000):
            self.layer.send('a', {})
            self.layer.receive(['a'])
        self.assertEqual(len(self.layer._expiries._heap), 1)

    def test_a_client_that_lets_a_message_expire_leaves_its_groups(self):
        self.layer.group_add('g', 'p!gone')
        self.layer.group_add('g', 'q!here')
        self.layer.send('p!gone', {})
        self.clock.now += 61
        self.layer.send('a', {})
        self.assertEqual(self.layer.group_channels('g'), ['q!here'])

    # Groups

    def test_a_group_send_reaches_every_member_once_and_in_order(self):
        members = ['p!a', 'p!b', 'q!c', 'plain', 'single?x']
        for member in members + members:
            self.layer.group_add('g', member)
        for number in range(3):
            self.layer.send_group('g', {'n': number})
        received = self.received('p!', 'q!', 'plain', 'single?x')
        for member in members:
            self.assertEqual(
                [message['n'] for channel, message in received if channel == member], [0, 1, 2]
            )
        self.assertEqual(len(received), 15)

    def test_direct_and_group_sends_to_a_client_keep_their_order(self):
        self.layer.group_add('g', 'p!a')
        self.layer.group_add('g', 'p!b')
        self.layer.send('p!b', {'n': 1})
        self.layer.send_group('g', {'n': 2})
        self.layer.send('p!b', {'n': 3})
        self.assertEqual([message['n'] for channel, message in self.received('p!') if channel == 'p!b'], [1, 2, 3])

    def test_each_receiver_of_a_group_message_has_its_own(self):
        self.layer.group_add('g', 'p!a')
        self.layer.group_add('g', 'p!b')
        self.layer.send_group('g', {'list': []})
        self.layer.receive(['p!'])[1]['list'].append(1)
        self.assertEqual(self.layer.receive(['p!']), ('p!b', {'list': []}))
        self.layer.send_group('g', {'list': []})
        batch = self.layer.receive_batch(['p!'], 10)
        batch[0][1]['list'].append(1)
        self.assertEqual(batch[1], ('p!b', {'list': []}))

    def test_a_server_gets_a_group_message_once_for_all_its_clients(self):
        self.layer.group_add('g', 'p!a')
        self.layer.group_add('g', 'p!b')
        self.layer.send_group('g', {'n': 1})
        self.layer.send('p!a', {'n': 2})
        self.assertEqual(
            self.layer.receive_deliveries(['p!'], 10), [(('p!a', 'p!b'), {'n': 1}), (('p!a',), {'n': 2})]
        )

    def test_a_group_send_does_not_use_up_a_clients_capacity(self):
        layer = self.layer = self.make_layer(capacity=2)
        layer.group_add('g', 'p!a')
        for _ in range(20):
            layer.send_group('g', {})
        layer.send('p!a', {})
        self.assertEqual(len(self.received('p!')), 21)

    def test_members_without_room_are_left_out_and_counted(self):
        layer = self.layer = self.make_layer(capacity=1, process_capacity=1)
        for member in ('p!a', 'p!b', 'plain', 'q!c'):
            layer.group_add('g', member)
        layer.send('plain', {})
        layer.send('p!a', {})
        layer.send_group('g', {'n': 1})
        self.assertEqual(layer.global_statistics()['dropped_count'], 3)
        self.assertEqual(layer.receive(['q!']), ('q!c', {'n': 1}))

    def test_members_stay_for_group_expiry_after_they_were_last_added(self):
        layer = self.make_layer(group_expiry=100)
        layer.group_add('g', 'p!a')
        layer.group_add('g', 'p!b')
        self.clock.now += 60
        layer.group_add('g', 'p!a')
        self.clock.now += 60
        self.assertEqual(layer.group_channels('g'), ['p!a'])
        self.clock.now += 60
        self.assertEqual(layer.group_channels('g'), [])
        self.assertEqual((layer._groups.by_name, layer._groups.by_channel), ({}, {}))

    def test_discarding_is_idempotent_and_leaves_nothing(self):
        self.layer.group_add('g', 'p!a')
        self.layer.group_discard('g', 'p!a')
        self.layer.group_discard('g', 'p!a')
        self.layer.group_discard('other', 'p!a')
        self.layer.send_group('g', {})
        self.assertEqual(self.received('p!'), [])
        self.assertEqual((self.layer._groups.by_name, self.layer._groups.by_channel), ({}, {}))

    # Waiting

    def start_reader(self, channels, results):
        """Return a thread that waits, and is known to."""
        thread = threading.Thread(target=lambda: results.append(self.layer.receive(channels, block=True)))
        waiting = threading.Event()
        enlist = self.layer._waiters.add

        def enlist_and_tell(names):
            waiter = enlist(names)
            waiting.set()
            return waiter

        self.layer._waiters.add = enlist_and_tell
        thread.start()
        self.assertTrue(waiting.wait(10))
        self.layer._waiters.add = enlist
        return thread

    def test_a_waiting_reader_gets_the_message(self):
        results = []
        thread = self.start_reader(['a', 'b'], results)
        self.layer.send('b', {'n': 1})
        thread.join(10)
        self.assertEqual(results, [('b', {'n': 1})])
        self.assertEqual(self.layer._waiters.by_channel, {})

    def test_each_message_wakes_one_reader(self):
        results = []
        threads = [self.start_reader(['a'], results) for _ in range(3)]
        for number in range(3):
            self.layer.send('a', {'n': number})
        for thread in threads:
            thread.join(10)
        self.assertEqual(sorted(message['n'] for channel, message in results), [0, 1, 2])

    def test_a_signal_may_interrupt_whoever_uses_the_layer(self):
        before = signal.signal(signal.SIGALRM, lambda number, frame: self.layer.interrupt())
        self.addCleanup(signal.signal, signal.SIGALRM, before)

        class Lock(object):
            """The layer's, in whose holder the signal arrives."""
            lock = self.layer._lock
            acquire, release = lock.acquire, lock.release
            signals = [signal.SIGALRM]

            def __enter__(self):
                self.lock.acquire()
                if self.signals:
                    os.kill(os.getpid(), self.signals.pop())

            def __exit__(self, *error):
                self.lock.release()

        self.layer._lock = Lock()
        self.layer.send('a', {'n': 1})
        self.assertEqual(self.layer.receive(['a'], block=True), ('a', {'n': 1}))

    def test_interrupt_ends_the_wait_and_loses_nothing(self):
        results = []
        thread = self.start_reader(['a'], results)
        self.layer.interrupt()
        thread.join(10)
        self.assertEqual(results, [(None, None)])
        self.layer.send('a', {'n': 1})
        self.assertEqual(self.layer.receive(['a'], block=True), ('a', {'n': 1}))

    def test_a_wait_ends_after_its_timeout(self):
        self.layer.receive_timeout = 0.01
        self.assertEqual(self.layer.receive(['a'], block=True), (None, None))
        self.assertEqual(self.layer._waiters.by_channel, {})

    def test_many_threads_lose_and_repeat_nothing(self):
        self.layer.capacity = 10000
        received, lock = [], threading.Lock()

        def read():
            while True:
                channel, message = self.layer.receive(['a', 'b'], block=True)
                if message == {'n': None}:
                    return
                with lock:
                    received.append(message['n'])

        def write(start):
            for number in range(start, start + 500):
                self.layer.send('a' if number % 2 else 'b', {'n': number})

        readers = [threading.Thread(target=read) for _ in range(4)]
        writers = [threading.Thread(target=write, args=(start,)) for start in (0, 500, 1000, 1500)]
        for thread in readers + writers:
            thread.start()
        for thread in writers:
            thread.join(60)
        for _ in readers:
            self.layer.send('a', {'n': None})
        for thread in readers:
            thread.join(60)
        rest = [message['n'] for channel, message in self.received('a', 'b')]
        self.assertEqual(sorted(received + rest), list(range(2000)))

    # Upkeep

    def test_new_channels_are_unique_and_end_in_no_question_mark(self):
        first, second = self.layer.new_channel('body?'), self.layer.new_channel('body?')
        self.assertNotEqual(first, second)
        self.assertTrue(first.startswith('body?') and len(first) > 15)
        with self.assertRaisesMessage(ValueError, 'must end in "?"'):
            self.layer.new_channel('body!')

    def test_statistics_say_what_waits_and_how_long(self):
        self.layer.send('a', {})
        self.clock.now += 10
        self.layer.send('a', {})
        self.layer.send('b', {})
        self.assertEqual(self.layer.global_statistics(), {
            'messages_count': 3, 'messages_pending': 3, 'messages_max_age': 10, 'channel_full_count': 0,
            'dropped_count': 0, 'expired_count': 0,
        })
        self.assertEqual(self.layer.channel_statistics('b')['messages_max_age'], 0)

    def test_flush_empties_everything(self):
        self.layer.send('a', {})
        self.layer.group_add('g', 'p!a')
        self.layer.flush()
        self.assertEqual(self.received('a'), [])
        self.assertEqual(self.layer.group_channels('g'), [])
        self.assertEqual(self.layer.global_statistics()['messages_count'], 0)
