"""Tests of prefetching: messages taken together, and sends made together."""
from __future__ import absolute_import, unicode_literals

import logging
import threading

from django.channels import Channel, Group, route
from django.channels.compat import six
from django.channels.consumption import HANDLED
from django.channels.exceptions import ChannelFull, LayerUnavailable
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.clock import Clock
from django.channels.layers.late_answers import LATE_ANSWERS
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.prefetch.batch import Batch
from django.channels.prefetch.coalescer import Coalescer, coalesce
from django.channels.prefetch.deferred import DeferredSends
from django.channels.prefetch.runner import PrefetchRunner
from django.channels.prefetch.sizer import AT_ONCE, BATCH_SECONDS, IN_A_ROW, MOST, MOST_SECONDS, SHARE, PrefetchSizer
from django.channels.prefetch.watchdog import INTERVAL, Watchdog
from django.channels.worker import Worker
from django.test import SimpleTestCase

from .logs import LogTestCase

PATIENCE = 10


class StoppedClock(Clock):
    """By which every consumer takes no time at all."""
    now = 0.0

    def monotonic(self):
        return self.now


class RecordingLayer(InMemoryChannelLayer):
    """Notes what is asked of it."""
    sends_many_at_once = True

    def __init__(self, **options):
        super(RecordingLayer, self).__init__(**options)
        self.calls = []

    def send(self, channel, message):
        self.calls.append(('send', channel))
        super(RecordingLayer, self).send(channel, message)

    def send_many(self, pairs):
        self.calls.append(('send_many', [channel for channel, message in pairs]))
        refused = []
        for pair in pairs:
            try:
                super(RecordingLayer, self).send(*pair)
            except ChannelFull:
                refused.append(pair)
        return refused

    def send_group(self, group, message):
        self.calls.append(('send_group', group))
        super(RecordingLayer, self).send_group(group, message)

    def group_add(self, group, channel):
        self.calls.append(('group_add', group))
        super(RecordingLayer, self).group_add(group, channel)


class CombiningLayer(RecordingLayer):
    """One for which a worker leaves its sends to the call that receives."""
    sends_with_receive = True

    def send_and_receive(self, pairs, *arguments):
        self.calls.append(('send_and_receive', [channel for channel, message in pairs]))
        return super(CombiningLayer, self).send_and_receive(pairs, *arguments)

    def send(self, channel, message):
        self.check(message)
        super(CombiningLayer, self).send(channel, message)

    def send_many(self, pairs):
        for channel, message in pairs:
            self.check(message)
        return super(CombiningLayer, self).send_many(pairs)

    def check(self, message):
        if message.get('text') == 'unsendable':
            raise ValueError('This can not be sent.')

    def requeue(self, messages):
        self.calls.append(('requeue', [channel for channel, message in messages]))
        return super(CombiningLayer, self).requeue(messages)


class CountingLayer(CombiningLayer):
    """One that says how many messages wait."""

    def send_and_receive(self, pairs, on_sent, channels, limit, timeout=0, counted=None, on_counted=None):
        if counted is not None:
            on_counted(self.count_waiting(counted))
        return super(CountingLayer, self).send_and_receive(pairs, on_sent, channels, limit, timeout)


class PrefetchSizerTests(SimpleTestCase):

    def test_it_begins_with_one_and_takes_what_the_budget_allows(self):
        sizer = PrefetchSizer(16)
        self.assertEqual(sizer.limit, 1)
        sizer.record(1, BATCH_SECONDS / 5, 0.1)
        self.assertEqual(sizer.limit, 5)
        sizer.record(5, 0, 0.1)
        self.assertEqual(sizer.limit, 5)
        sizer.record(10, 0, 0.1)
        self.assertGreater(sizer.limit, 5)
        for _ in range(100):
            sizer.record(16, 0, 0.1)
        self.assertEqual(sizer.limit, 16)

    def test_one_slow_message_slows_it_down_at_once(self):
        sizer = PrefetchSizer(16)
        sizer.record(1, BATCH_SECONDS / 100, 0.1)
        sizer.record(10, 1.0, 0.1)
        self.assertEqual(sizer.limit, 1)
        sizer.record(1, BATCH_SECONDS / 100, 0.1)
        self.assertEqual(sizer.limit, 1)

    def test_it_takes_a_few_while_more_waits_than_is_handled(self):
        for seconds, few in ((0.0035, 4), (0.006, 4), (0.008, 3), (0.012, 2), (0.013, 1), (1, 1)):
            sizer = PrefetchSizer(16)
            before = max(1, int(BATCH_SECONDS / seconds))
            for _ in range(IN_A_ROW - 1):
                sizer.record(1, seconds, 0)
                self.assertEqual(sizer.limit, before)
            sizer.record(1, seconds, 0)
            self.assertEqual(sizer.limit, few)
            sizer.record(few, few * seconds, 0)
            self.assertEqual(sizer.limit, few)

    def test_it_takes_one_again_when_nothing_waits_or_one_was_slow(self):
        for number, seconds, waited in ((3, 0.015, 0), (4, 0.02, AT_ONCE), (4, 0.12, 0)):
            sizer = self.few()
            sizer.record(number, seconds, waited)
            self.assertEqual(sizer.limit, 1)

    def test_few_that_were_too_many_are_taken_half_as_often(self):
        sizer = self.few()
        for times in (2, 4, 8):
            # The others were another worker's.
            sizer.record(2, 0.01, 0)
            self.assertEqual(self.singles(sizer), times * IN_A_ROW)
        sizer.record(4, 0.02, 0)
        sizer.record(2, 0.01, 0)
        self.assertEqual(self.singles(sizer), 8 * IN_A_ROW)
        for _ in range(10):
            sizer.record(4, 0.02, 0)
        sizer.record(2, 0.01, 0)
        self.assertEqual(self.singles(sizer), 2 * IN_A_ROW)

    def test_it_takes_a_share_of_those_that_are_known_to_wait(self):
        for waiting, limit in ((300, MOST), (1 + SHARE * 3, 3), (SHARE * 2, 1), (1, 1), (0, 1)):
            sizer = PrefetchSizer(16)
            self.assertFalse(sizer.wants_to_know)
            sizer.record(1, 0.005, 0.1)
            self.assertTrue(sizer.wants_to_know)
            # However long it took to answer.
            sizer.record(1, 0.005, 0.1, waiting)
            self.assertEqual(sizer.limit, limit)

    def test_one_slow_message_slows_it_down_however_many_wait(self):
        sizer = PrefetchSizer(16)
        sizer.record(1, 0.005, 0, 300)
        self.assertEqual(sizer.limit, MOST)
        sizer.record(MOST, MOST * MOST_SECONDS, 0, 300)
        self.assertFalse(sizer.wants_to_know)
        self.assertEqual(sizer.limit, 1)

    def test_what_is_known_to_wait_is_not_guessed_from_what_came_before(self):
        sizer = PrefetchSizer(16)
        for _ in range(IN_A_ROW - 1):
            sizer.record(1, 0.005, 0)
        sizer.record(1, 0.005, 0, 1)
        for _ in range(IN_A_ROW - 1):
            sizer.record(1, 0.005, 0)
            self.assertEqual(sizer.limit, 1)

    def test_it_doesn_t_ask_how_many_wait_where_that_changes_nothing(self):
        for seconds in (BATCH_SECONDS / MOST, BATCH_SECONDS / 100, MOST_SECONDS, 1):
            sizer = PrefetchSizer(100)
            sizer.record(1, seconds, 0)
            self.assertFalse(sizer.wants_to_know)
        most = PrefetchSizer(2)
        most.record(1, 0.005, 0, 300)
        self.assertEqual(most.limit, 2)

    def test_what_waits_changes_nothing_for_quick_ones_and_for_a_maximum(self):
        quick, most = PrefetchSizer(16), PrefetchSizer(2)
        for _ in range(2 * IN_A_ROW):
            quick.record(quick.limit, quick.limit * BATCH_SECONDS / 5, 0)
            most.record(most.limit, most.limit * 0.005, 0)
        self.assertEqual((quick.limit, most.limit), (5, 2))

    def singles(self, sizer):
        """Return how many times one is taken, each of which was there at once, until it is a few."""
        times = 0
        while sizer.limit == 1:
            sizer.record(1, 0.005, 0)
            times += 1
        return times

    def few(self):
        """Return one that takes 4 messages of 5 ms, since more waits."""
        sizer = PrefetchSizer(16)
        for _ in range(IN_A_ROW):
            sizer.record(1, 0.005, 0)
        self.assertEqual(sizer.limit, 4)
        return sizer


class BatchTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(BatchTests, self).setUp()
        self.layer = ChannelLayerWrapper(RecordingLayer(), 'test', [])
        self.calls = self.layer.channel_layer.calls
        self.seen = []
        # A machine may be busy; no consumer is slow unless the test says so.
        self.slow_after = 60

    def handle_together(self, consumer, messages):
        """Have a worker handle the messages as one batch; return the layer's calls."""
        self.layer = ChannelLayerWrapper(self.layer.channel_layer, 'test', [route('task', consumer)])
        worker = Worker(self.layer, signal_handlers=False)
        self.runner = PrefetchRunner(
            self.layer, ['task'], worker.handle, lambda: False, len(messages), slow_after=self.slow_after
        )
        try:
            self.runner.handle_batch([('task', message) for message in messages])
        finally:
            self.runner.stop()
        return self.calls

    def texts(self, channel='p!'):
        return [(name, message['text']) for name, message in self.layer.receive_batch([channel], 100)]

    # What goes together

    def test_replies_go_together_and_in_order(self):
        def consumer(message):
            message.reply_channel.send({'text': message['text']})

        calls = self.handle_together(consumer, [
            {'reply_channel': 'p!%d' % (number % 2), 'text': str(number)} for number in range(4)
        ])
        self.assertEqual(calls, [('send_many', ['p!0', 'p!1', 'p!0', 'p!1'])])
        self.assertEqual(self.texts(), [('p!0', '0'), ('p!1', '1'), ('p!0', '2'), ('p!1', '3')])

    def test_a_group_send_keeps_its_place_among_the_rest(self):
        self.layer.group_add('g', 'p!0')

        def consumer(message):
            if message['n'] == 1:
                Group('g', channel_layer=self.layer).send({'text': 'group'})
            else:
                Channel('p!0', channel_layer=self.layer).send({'text': str(message['n'])})

        self.handle_together(consumer, [{'n': number} for number in range(3)])
        self.assertEqual(self.texts(), [('p!0', '0'), ('p!0', 'group'), ('p!0', '2')])

    def test_what_is_done_at_once_comes_after_what_was_sent_before(self):
        def send_immediately():
            Channel('p!0', channel_layer=self.layer).send({'text': 'now'}, immediately=True)

        def join():
            Group('g', channel_layer=self.layer).add('p!1')

        def consumer(message):
            if message['n'] == 1:
                at_once()
            else:
                Channel('p!0', channel_layer=self.layer).send({'text': str(message['n'])})

        for at_once, call in ((send_immediately, ('send', 'p!0')), (join, ('group_add', 'g'))):
            del self.calls[:]
            self.handle_together(consumer, [{'n': number} for number in range(3)])
            self.assertEqual(self.calls, [('send', 'p!0'), call, ('send', 'p!0')])

    def test_a_consumer_that_fails_takes_its_own_sends_along_only(self):
        def consumer(message):
            message.reply_channel.send({'text': message['text']})
            if message['text'] == 'bad':
                raise RuntimeError('on purpose')

        self.handle_together(consumer, [{'reply_channel': 'p!0', 'text': text} for text in ('1', 'bad', '2')])
        self.assertEqual(self.texts(), [('p!0', '1'), ('p!0', '2')])
        self.assertLogged('on purpose')

    def test_a_full_channel_costs_its_own_message_only(self):
        self.layer.channel_layer.capacity = 1

        def consumer(message):
            message.reply_channel.send({'text': 'x'})

        with self.settings(CHANNEL_SEND_TIMEOUT=0.01):
            self.handle_together(consumer, [{'reply_channel': 'p!%s' % name} for name in 'aab'])
        self.assertEqual(self.texts(), [('p!a', 'x'), ('p!b', 'x')])
        self.assertLogged('A message to p!a was dropped')

    def test_what_cannot_be_sent_costs_the_others_nothing(self):
        def refuse(pairs):
            raise ValueError('one of them is bad')

        def consumer(message):
            message.reply_channel.send(message['reply'])

        self.layer.channel_layer.send_many = refuse
        self.handle_together(consumer, [
            {'reply_channel': 'p!0', 'reply': reply}
            for reply in ({'text': '1'}, {'text': '2', '__asgi_channel__': 'x'}, {'text': '3'})
        ])
        self.assertEqual(self.texts(), [('p!0', '1'), ('p!0', '3')])
        self.assertLogged('A message to p!0 could not be sent')

    def test_a_layer_that_is_gone_is_logged_and_ends_nothing(self):
        def unavailable(*args):
            raise LayerUnavailable('no Redis')

        def consumer(message):
            self.seen.append(1)
            message.reply_channel.send({'text': 'x'})

        self.layer.channel_layer.send_many = unavailable
        self.handle_together(consumer, 2 * [{'reply_channel': 'p!0'}])
        self.assertEqual(len(self.seen), 2)
        self.assertLogged('2 messages may be lost: no Redis')

    # What holds nobody up

    def test_a_slow_consumer_holds_nobody_up(self):
        go_on, slow_runs = threading.Event(), threading.Event()

        def consumer(message):
            if message['n'] == 1:
                self.runner.batch.slow_after = 0.01
                slow_runs.set()
                go_on.wait(PATIENCE)
            message.reply_channel.send({'text': str(message['n'])})

        thread = threading.Thread(target=self.handle_together, args=(consumer, [
            {'reply_channel': 'p!0', 'n': number} for number in range(4)
        ]))
        thread.start()
        try:
            self.assertTrue(slow_runs.wait(PATIENCE))
            # The reply to the first, while the second is at it,
            self.assertEqual(self.layer.receive(['p!'], block=True), ('p!0', {'text': '0'}))
            # and those behind it, for any other worker, before what is newer.
            self.layer.send('task', {'n': 4})
            taken = []
            while len(taken) < 3:
                taken.append(self.layer.receive(['task'], block=True)[1]['n'])
            self.assertEqual(taken, [2, 3, 4])
        finally:
            go_on.set()
            self.join(thread)
        self.assertEqual(self.texts(), [('p!0', '1')])
        self.assertEqual(self.layer.receive(['task']), (None, None))

    def test_what_the_layer_does_not_take_back_is_handled(self):
        self.slow_after = 0.01
        self.layer.channel_layer.requeue = lambda messages: messages
        slow = threading.Event()

        def consumer(message):
            if message['n'] == 0:
                # Longer than others are made to wait.
                slow.wait(0.1)
            self.seen.append(message['n'])

        self.handle_together(consumer, [{'n': number} for number in range(3)])
        self.assertEqual(self.seen, [0, 1, 2])

    def test_what_turns_out_to_be_kept_while_the_consumer_ends_is_handled(self):
        self.slow_after = 0.01
        consumer_ends, being_given_back = threading.Event(), threading.Event()

        def requeue(messages):
            being_given_back.set()
            # The loop asks for the next message meanwhile.
            consumer_ends.wait(PATIENCE)
            return messages

        def consumer(message):
            if message['n'] == 0:
                self.assertTrue(being_given_back.wait(PATIENCE))
                threading.Timer(0.05, consumer_ends.set).start()
            self.seen.append(message['n'])

        self.layer.channel_layer.requeue = requeue
        self.handle_together(consumer, [{'n': number} for number in range(3)])
        self.assertEqual(self.seen, [0, 1, 2])

    def test_messages_may_be_lost_if_the_layer_goes_and_that_is_logged(self):
        def unavailable(messages):
            raise LayerUnavailable('no Redis')

        self.layer.channel_layer.requeue = unavailable
        batch = Batch(self.layer, Coalescer())
        batch.begin([('task', {}), ('task', {})])
        batch.end()
        self.assertLogged('2 messages may be lost')

    def test_a_reply_after_the_break_up_does_not_wait_for_the_consumers_end(self):
        self.slow_after = 0.01
        replied = threading.Event()

        def consumer(message):
            if message['n'] == 0:
                # It is late,
                given_back.wait(PATIENCE)
                coalesce(message.channel_layer, 'p!0', {'text': 'now'}, 1)
                # and goes on, as a view does whose response is being closed.
                self.assertTrue(replied.wait(PATIENCE))
            self.seen.append(message['n'])

        def send(channel, message):
            replied.set()

        given_back = threading.Event()
        requeue = self.layer.channel_layer.requeue
        self.layer.channel_layer.requeue = lambda messages: (requeue(messages), given_back.set())[0]
        self.layer.channel_layer.send = send
        self.handle_together(consumer, [{'n': number} for number in range(2)])
        self.assertEqual(self.seen, [0])

    def test_logging_to_a_channel_does_not_end_in_a_deadlock(self):
        layer = self.layer

        class ToChannel(logging.Handler):
            def emit(self, record):
                Channel('log', channel_layer=layer).send({'line': record.getMessage()}, immediately=True)

        def consumer(message):
            message.reply_channel.send({'text': 'x'})

        handler = ToChannel()
        logger = logging.getLogger('django.channels')
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        self.layer.channel_layer.capacity = 1
        with self.settings(CHANNEL_SEND_TIMEOUT=0.01):
            self.handle_together(consumer, 2 * [{'reply_channel': 'p!0'}])
        self.assertIn('was dropped', self.layer.receive(['log'])[1]['line'])

    # In a worker

    def run_worker(self, consumer, **options):
        self.layer = ChannelLayerWrapper(self.layer.channel_layer, 'test', [route('task', consumer)])
        self.worker = Worker(self.layer, signal_handlers=False, **options)
        thread = threading.Thread(target=self.worker.run)
        thread.daemon = True
        thread.start()
        return thread

    def join(self, thread):
        thread.join(PATIENCE)
        self.assertFalse(thread.is_alive(), self.log())

    def test_a_worker_takes_what_waits_together(self):
        done = threading.Event()

        def consumer(message):
            message.reply_channel.send({'text': str(message['n'])})
            if message['n'] == 39:
                done.set()

        for number in range(40):
            self.layer.send('task', {'reply_channel': 'p!0', 'n': number})
        del self.calls[:]
        thread = self.run_worker(consumer, prefetch=8, clock=StoppedClock())
        self.assertTrue(done.wait(PATIENCE))
        self.worker.stop()
        self.join(thread)
        self.assertEqual(self.texts(), [('p!0', str(number)) for number in range(40)])
        self.assertLess(len(self.calls), 40)
        self.assertLessEqual(max(len(call[1]) for call in self.calls if call[0] == 'send_many'), 8)

    def numbers_taken(self, waiting, times, reply=lambda: None):
        """Have `waiting` messages of 5 ms handled, in batches; return the list of their sizes, which grows."""
        clock, taken = StoppedClock(), []

        def handle(channel, content):
            clock.now += 0.005
            reply()
            return HANDLED

        for number in range(waiting):
            self.layer.send('task', {'n': number})
        self.runner = PrefetchRunner(self.layer, ['task'], handle, lambda: False, 16, clock, slow_after=60)
        self.addCleanup(self.runner.stop)
        record = self.runner._sizer.record
        self.runner._sizer.record = lambda number, *others: taken.append(number) or record(number, *others)
        for _ in range(times):
            self.runner.run_once()
        return taken

    def test_it_takes_a_share_of_what_the_layer_says_is_waiting(self):
        self.layer = ChannelLayerWrapper(CountingLayer(), 'test', [])
        taken = self.numbers_taken(41, 12, lambda: coalesce(self.layer, 'p!0', {}, 1))
        # Nothing is known before the first was slow; behind the second 39 wait, then 35, and so on.
        self.assertEqual(taken, [1, 1, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1])

    def test_it_takes_a_few_at_once_while_messages_of_some_milliseconds_wait(self):
        taken = self.numbers_taken(IN_A_ROW + 7, IN_A_ROW + 2)
        # Once there were less, nobody waited any more.
        self.assertEqual(taken, IN_A_ROW * [1] + [4, 3])
        self.layer.send('task', {'n': 0})
        self.layer.send('task', {'n': 1})
        self.runner.run_once()
        self.assertEqual(taken[-1], 1)

    def test_a_worker_that_stops_gives_back_what_it_has_not_begun(self):
        def consumer(message):
            if message['n'] == 5:
                self.worker.stop()
            self.seen.append(message['n'])

        for number in range(40):
            self.layer.send('task', {'n': number})
        self.join(self.run_worker(consumer, prefetch=30))
        left = [message['n'] for channel, message in self.layer.receive_batch(['task'], 100)]
        self.assertEqual(self.seen + left, list(range(40)))
        self.assertEqual(self.seen[-1], 5)

    def combine(self, consumer, numbers, expected, **options):
        """Have a worker handle messages with these numbers, and stop at the last; return its layer's calls."""
        self.layer = ChannelLayerWrapper(CombiningLayer(**options), 'test', [])
        for number in numbers:
            self.layer.send('task', {'reply_channel': 'p!0', 'n': number})
        self.calls = self.layer.channel_layer.calls
        del self.calls[:]

        def stopping(message):
            consumer(message)
            if message['n'] == numbers[-1]:
                self.worker.stop()

        self.join(self.run_worker(stopping, prefetch=2, clock=StoppedClock()))
        return [call for call in self.calls if call[0] in expected]

    def test_replies_leave_with_the_call_that_receives_the_next(self):
        def consumer(message):
            message.reply_channel.send({'text': str(message['n'])})

        calls = self.combine(consumer, range(6), ('send_and_receive',))
        # The first message comes alone, and behind the last one is the stop.
        self.assertEqual([len(channels) for name, channels in calls], [1, 2, 2])
        self.assertEqual(self.texts(), [('p!0', str(number)) for number in range(6)])

    def test_a_reply_without_room_keeps_what_comes_next_for_others(self):
        def consumer(message):
            self.seen.append(message['n'])
            message.reply_channel.send({'text': str(message['n'])})

        with self.settings(CHANNEL_SEND_TIMEOUT=0.01):
            calls = self.combine(consumer, range(4), ('requeue',), channel_capacity={'p!*': 1})
        self.assertEqual((calls, self.seen), ([('requeue', ['task'])], [0, 1, 2, 3]))
        self.assertEqual(self.texts(), [('p!0', '0')])
        # It waited for room until it was given up.
        self.assertLogged('A message to p!0 was dropped')

    def test_what_cannot_be_sent_while_receiving_costs_the_others_nothing(self):
        def consumer(message):
            message.reply_channel.send({'text': str(message['n']) if message['n'] != 1 else 'unsendable'})

        self.combine(consumer, range(6), ())
        self.assertEqual([text for name, text in self.texts()], ['0', '2', '3', '4', '5'])
        self.assertLogged('could not be sent')

    def test_a_layer_that_is_gone_while_receiving_has_its_sends_tried_again(self):
        def consumer(message):
            message.reply_channel.send({'text': str(message['n'])})

        def send_and_receive(pairs, on_sent, *arguments):
            del self.layer.channel_layer.send_and_receive
            error = LayerUnavailable('gone')
            on_sent(pairs[1:], error)
            raise error

        self.layer = ChannelLayerWrapper(CombiningLayer(), 'test', [])
        self.layer.channel_layer.send_and_receive = send_and_receive
        slots = []
        deferred = DeferredSends(self.layer, Coalescer(), [
            (self.layer, 'send', 'p!0', {'text': str(number)}, None) for number in range(3)
        ], lambda: slots.append('free'))
        with self.assertRaises(LayerUnavailable):
            deferred.receive(['task'], 10)
        self.assertEqual(([text for name, text in self.texts()], slots), (['1', '2'], ['free']))
        self.assertLogged('1 messages may be lost: gone')

    def test_an_answer_that_may_be_lost_while_receiving_is_sent_late(self):
        def send_and_receive(pairs, on_sent, *arguments):
            on_sent([], LayerUnavailable('gone'))
            return ()

        self.layer = ChannelLayerWrapper(CombiningLayer(), 'test', [])
        self.layer.channel_layer.send_and_receive = send_and_receive
        DeferredSends(self.layer, Coalescer(), [
            (self.layer, 'send', 'p!0', {'status': 200, 'content': b'', 'text': 'answer'}, None),
            (self.layer, 'send', 'p!1', {'text': 'frame'}, None),
        ], lambda: None).receive(['task'], 10)
        LATE_ANSWERS.finish(PATIENCE)
        # A frame might come out of its order.
        self.assertEqual(self.texts(), [('p!0', 'answer')])

    def test_a_layer_that_takes_nothing_back_is_asked_for_one_at_a_time(self):
        class Plain(object):
            """As a layer of the 1.x family, and with batches."""
            ChannelFull = MessageTooLarge = ChannelFull
            extensions = []

            def __init__(self, layer):
                self.send, self.receive, self.receive_batch = layer.send, layer.receive, layer.receive_batch

        self.layer = ChannelLayerWrapper(Plain(InMemoryChannelLayer()), 'test', [])
        self.layer.channel_layer.receive_batch = None
        for number in range(5):
            self.layer.send('task', {'n': number})

        def consumer(message):
            self.seen.append(message['n'])
            if message['n'] == 3:
                self.worker.stop()

        self.join(self.run_worker(consumer, prefetch=8))
        self.assertEqual(self.seen, [0, 1, 2, 3])


class SteppedClock(Clock):
    """Whoever sleeps says for how long, and goes on once step() is called."""

    def __init__(self):
        self._asked, self._steps = six.moves.queue.Queue(), six.moves.queue.Queue()
        self._is_over = False

    def sleep(self, seconds):
        self._asked.put(seconds)
        if not self._is_over:
            self._steps.get()

    def asked(self):
        """Return the seconds that somebody sleeps, waiting for that."""
        return self._asked.get(timeout=PATIENCE)

    def step(self):
        self._steps.put(None)

    def end(self):
        """Have nobody sleep any more."""
        self._is_over = True
        self.step()


class Watched(object):
    """A batch as the Watchdog sees it."""

    def __init__(self):
        self.number, self.is_running, self.until_slow, self.looks = 0, False, 0.01, 0

    def begin(self):
        self.number += 1
        self.is_running = True

    def seconds_until_slow(self):
        return self.until_slow

    def yield_if_slow(self):
        self.looks += 1


class WatchdogTests(SimpleTestCase):

    def setUp(self):
        self.batch, self.clock = Watched(), SteppedClock()
        self.watchdog = Watchdog(self.batch, self.clock)

    def tearDown(self):
        # It may sleep, or be about to, and once more before it sees that it is stopped.
        self.clock.end()
        self.watchdog.stop()

    def begin(self):
        self.batch.begin()
        self.watchdog.wake()

    def test_it_looks_again_when_the_message_that_runs_is_slow(self):
        self.batch.until_slow = 0.004
        self.begin()
        self.assertEqual(self.clock.asked(), 0.004)
        self.batch.until_slow = 0
        self.clock.step()
        self.assertEqual(self.clock.asked(), INTERVAL)
        self.assertEqual(self.batch.looks, 1)

    def test_a_batch_that_comes_between_two_looks_wakes_nobody(self):
        self.begin()
        self.clock.asked()
        self.batch.is_running = False
        self.assertTrue(self.watchdog._busy.is_set())
        self.begin()
        self.batch.is_running = False
        self.clock.step()
        self.clock.asked()
        self.assertTrue(self.watchdog._busy.is_set())

    def test_it_sleeps_once_none_has_come(self):
        self.begin()
        self.batch.is_running = False
        for _ in range(2):
            self.clock.asked()
            self.clock.step()
        while self.watchdog._busy.is_set():
            self.assertTrue(self.clock._asked.empty())
        self.begin()
        self.clock.asked()

    def test_it_goes_on_as_long_as_a_message_runs(self):
        self.begin()
        for _ in range(4):
            self.clock.asked()
            self.clock.step()
        self.clock.asked()
        self.assertEqual(self.batch.looks, 4)
