"""Tests of what becomes of messages on acknowledged channels in a worker."""
from __future__ import absolute_import, unicode_literals

import datetime
import decimal
from unittest import skipUnless

from django.channels import outbox
from django.channels.channel import Channel, Group
from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.exceptions import ConsumeLater
from django.channels.layers.acknowledgement import ChannelOptions
from django.channels.layers.clock import Clock
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.redis import RedisChannelLayer
from django.channels.layers.registry import ChannelLayerWrapper
from django.channels.prefetch.runner import GATHERING, IN_A_ROW, PrefetchRunner
from django.channels.retries import Acknowledged, Retry
from django.channels.routing import Router, include, route
from django.channels.worker import Worker
from django.test import SimpleTestCase

from .logs import LogTestCase

#: Seconds: a machine may be busy, and no consumer is slow by that.
NEVER = 60


class Temporary(Exception):
    """What a consumer raises that is worth another try."""


class SteppedClock(Clock):
    """A clock that goes on when the test says so; its sleeps are real."""
    now = 0.0

    def __init__(self):
        #: How long each was.
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        super(SteppedClock, self).sleep(seconds)


class RetryTests(SimpleTestCase):

    def test_pauses_grow_up_to_the_last(self):
        retry = Retry(first=1, factor=3, last=20, jitter=0)
        self.assertEqual([retry.pause(attempt) for attempt in (1, 2, 3, 4, 5)], [1, 3, 9, 20, 20])
        self.assertEqual(retry.pause(10 ** 9), 20)

    def test_jitter_keeps_a_pause_near(self):
        pauses = [Retry(first=10, jitter=0.5).pause(1) for _ in range(100)]
        self.assertTrue(all(5 <= pause <= 15 for pause in pauses))
        self.assertGreater(max(pauses) - min(pauses), 1)

    def test_exceptions_are_told_apart(self):
        retry = Retry(on=(Temporary, LookupError), never=KeyError)
        self.assertTrue(retry.applies_to(Temporary()))
        self.assertTrue(retry.applies_to(IndexError()))
        self.assertFalse(retry.applies_to(KeyError()))
        self.assertFalse(retry.applies_to(ValueError()))

    def test_nonsense_is_refused(self):
        for options in ({'first': -1}, {'first': 5, 'last': 1}, {'factor': 0.5}, {'jitter': 1}, {'attempts': 0},
                        {'attempts': 'many'}, {'last': float('inf')}, {'first': '1'}):
            with self.assertRaises(ValueError):
                Retry(**options)

    def test_a_large_factor_ends_at_the_last_pause(self):
        for factor in (1e17, 10 ** 17):
            self.assertEqual(Retry(factor=factor, jitter=0).pause(60), 3600)

    def test_what_is_no_exception_class_is_refused_at_once(self):
        # isinstance() would raise once a consumer has failed, and its message would stay held.
        for options in ({'on': [ValueError]}, {'on': 'ValueError'}, {'never': [ValueError]}, {'on': (ValueError, 5)}):
            with self.assertRaisesMessage(ValueError, 'a class of exceptions, or a tuple of them'):
                Retry(**options)
        self.assertTrue(Retry(on=(ValueError, (KeyError,))).applies_to(KeyError()))
        for options in ({'capacity': 0}, {'deliveries': True}, {'lifetime': 0}, {'dead_letters': None},
                        {'lifetime': float('inf')}, {'lifetime': float('nan')}, {'lifetime': '5'}):
            with self.assertRaises(ValueError):
                Acknowledged(**options)
        for retry in (Retry, 5):
            with self.assertRaisesMessage(TypeError, 'retry must be a Retry'):
                Acknowledged(retry=retry)

    def test_more_than_a_record_counts_to_is_refused(self):
        self.assertEqual(Acknowledged(Retry(attempts=65535), deliveries=65535).options.deliveries, 65535)
        with self.assertRaisesMessage(ValueError, 'deliveries may be 65535 at most, not 65536'):
            Acknowledged(deliveries=65536)
        with self.assertRaisesMessage(ValueError, 'attempts may be 65535 at most, not 65536'):
            Retry(attempts=65536)

    def test_the_shortest_lifetime_is_not_none(self):
        self.assertEqual(ChannelOptions(lifetime=0.0001).as_text().split()[1], '1')


class RoutingTests(SimpleTestCase):

    def test_a_route_says_that_its_channels_are_acknowledged(self):
        router = Router([
            route('jobs', len, acknowledged=True),
            include([route('inner', len, acknowledged=Acknowledged(capacity=5))]),
            # A key of the message, as in Channels 1.x.
            route('plain', len, acknowledged='yes'),
        ])
        self.assertEqual(
            router.acknowledged_channels(), {'jobs': ChannelOptions(), 'inner': ChannelOptions(capacity=5)}
        )


class WorkerTests(LogTestCase, SimpleTestCase):
    """A worker of an in-memory layer, message by message."""

    def setUp(self):
        super(WorkerTests, self).setUp()
        self.now = 0.0
        self.inner = InMemoryChannelLayer(capacity=2, clock=lambda: self.now)
        self.seen = []

    def work(self, consumer, number=1, prefetch=1, **options):
        """Return a worker that has handled what waits on "jobs", `number` messages at least."""
        options.setdefault('retry', Retry(first=1, factor=2, jitter=0))
        self.layer = ChannelLayerWrapper(self.inner, 'default', [
            route('jobs', consumer, acknowledged=Acknowledged(**options)), route('others', consumer),
        ])
        worker = Worker(self.layer, signal_handlers=False, prefetch=prefetch)
        worker.ready = lambda: None
        self.layer.router
        self.inner.hold_as('threads')
        return worker

    def numbers(self):
        return self.inner.acknowledged_statistics()['jobs']

    def send(self, **message):
        Channel('jobs', channel_layer=self.layer).send(message)

    def test_a_message_is_acknowledged_with_what_its_consumer_sends(self):
        def consumer(message):
            Channel('out', channel_layer=message.channel_layer).send({'n': message['n']})
            self.seen.append((message['n'], self.numbers()['held'], self.inner.receive(['out'])))

        worker = self.work(consumer)
        self.send(n=1)
        self.assertEqual(worker.run_once(), 'handled')
        self.assertEqual(self.seen, [(1, 1, (None, None))])
        self.assertEqual(self.inner.receive(['out']), ('out', {'n': 1}))
        self.assertEqual((self.numbers()['held'], self.numbers()['waiting']), (0, 0))

    def test_a_failed_one_comes_again_after_growing_pauses_and_dies_in_the_end(self):
        def consumer(message):
            self.seen.append(message.attempt)
            Channel('out', channel_layer=message.channel_layer).send({})
            raise Temporary('not now')

        worker = self.work(consumer, deliveries=3)
        self.send(n=1)
        for pause in (0, 1, 2):
            self.assertEqual(self.inner.receive(['other']), (None, None))
            self.now += pause
            self.assertEqual(worker.run_once(), 'failed')
        self.assertEqual(self.inner.receive(['out']), (None, None))
        letter, = self.inner.dead_letters('jobs')
        self.assertEqual((letter.attempts, self.seen), (3, [1, 2, 3]))
        self.assertEqual(letter.story['error'], 'Temporary: not now')
        self.assertIn('test_acknowledging', letter.story['consumer'])
        # On Python 2 as well, whose exceptions don't have theirs.
        self.assertIn('in consumer', letter.story['traceback'])
        self.assertLogged('is a dead letter now, after 3 attempts')
        for pause, attempt in ((1, 2), (2, 3)):
            self.assertLogged('(%s) comes again in %d.0 s, for attempt %d.' % (letter.id, pause, attempt))
        self.assertNotIn('for attempt 4', self.log())

    def test_what_is_not_worth_it_dies_at_once(self):
        def consumer(message):
            raise KeyError('gone')

        worker = self.work(consumer, retry=Retry(on=Temporary))
        self.send()
        worker.run_once()
        self.assertEqual(len(self.inner.dead_letters('jobs')), 1)

    def test_a_route_may_allow_fewer_attempts_than_the_channel(self):
        def consumer(message):
            raise Temporary()

        worker = self.work(consumer, retry=Retry(attempts=1))
        self.send()
        worker.run_once()
        self.assertEqual(len(self.inner.dead_letters('jobs')), 1)

    def test_consume_later_has_a_delay(self):
        def consumer(message):
            self.seen.append(self.now)
            if len(self.seen) == 1:
                raise ConsumeLater(delay=30)

        worker = self.work(consumer)
        self.send()
        self.assertEqual(worker.run_once(), 'deferred')
        self.now = 29
        self.assertEqual(self.inner.jobs('jobs')[0].attempts, 1)
        self.assertIsNone(self.inner.receive(['jobs'])[0])
        self.now = 30
        self.assertEqual(worker.run_once(), 'handled')
        self.assertEqual(self.seen, [0, 30])

    def test_a_consumer_that_always_puts_it_back_ends(self):
        def consumer(message):
            raise ConsumeLater()

        worker = self.work(consumer, deliveries=30)
        self.send()
        outcomes = [worker.run_once() for _ in range(30)]
        self.assertEqual(outcomes, ['deferred'] * 29 + ['dropped'])
        self.assertEqual(len(self.inner.dead_letters('jobs')), 1)

    def test_a_worker_may_be_told_that_any_number_of_times_is_right(self):
        def consumer(message):
            raise ConsumeLater()

        worker = self.work(consumer, deliveries=3)
        worker.message_retries = 2 ** 31 - 1
        self.send()
        self.assertEqual([worker.run_once() for _ in range(5)], ['deferred'] * 5)

    def test_a_message_without_a_route_is_a_dead_letter(self):
        worker = self.work(lambda message: None)
        self.layer.router.root.routing[:] = [route('jobs', len, name='^nobody$')]
        self.send(name='somebody')
        self.assertEqual(worker.run_once(), 'unrouted')
        self.assertEqual(self.inner.dead_letters('jobs')[0].story, {'error': 'No route takes it.'})

    def test_sends_to_groups_go_out_before_the_acknowledgement(self):
        def consumer(message):
            Group('all', channel_layer=message.channel_layer).send({'n': 1})
            Channel('out', channel_layer=message.channel_layer).send({'n': 2})

        worker = self.work(consumer)
        self.inner.group_add('all', 'out')
        self.send()
        worker.run_once()
        self.assertEqual([self.inner.receive(['out'])[1]['n'] for _ in range(2)], [1, 2])
        self.assertEqual(self.numbers()['held'], 0)

    def test_a_send_that_finds_no_room_has_the_message_tried_again(self):
        def consumer(message):
            Channel('out', channel_layer=message.channel_layer).send({})

        worker = self.work(consumer)
        for _ in range(2):
            self.inner.send('out', {})
        self.send()
        with self.settings(CHANNEL_SEND_TIMEOUT=0):
            worker.run_once()
        self.assertEqual((self.numbers()['held'], self.numbers()['later']), (0, 1))

    def test_a_layer_that_fails_has_the_message_tried_again(self):
        def acknowledge(finished):
            raise RuntimeError('a mistake of the layer')

        worker = self.work(lambda message: None)
        self.send()
        self.inner.acknowledge = acknowledge
        worker.run_once()
        self.assertLogged('a mistake of the layer')
        self.assertEqual((self.numbers()['held'], self.numbers()['later']), (0, 1))

    def test_messages_of_a_batch_end_together(self):
        def consumer(message):
            if message['n'] == 1:
                raise Temporary()
            Channel('out%d' % message['n'], channel_layer=message.channel_layer).send({})

        worker = self.work(consumer)
        for number in range(3):
            self.send(n=number)
        runner = PrefetchRunner(self.layer, ['jobs'], worker.handle, lambda: False, 10, slow_after=NEVER)
        self.addCleanup(runner.stop)
        runner.handle_batch(self.inner.receive_batch(['jobs'], 10))
        self.assertEqual((self.numbers()['held'], self.numbers()['later']), (0, 1))
        self.assertEqual(self.inner.receive(['out0', 'out1', 'out2'])[0] in ('out0', 'out2'), True)

    def test_a_slow_acknowledgement_makes_no_batch_smaller(self):
        # Its round trip is one for the whole batch.
        clock, acknowledge = SteppedClock(), self.inner.acknowledge

        def acknowledge_slowly(finished):
            clock.now += 1
            return acknowledge(finished)

        worker = self.work(lambda message: None)
        self.inner.acknowledge = acknowledge_slowly
        runner = PrefetchRunner(self.layer, ['jobs'], worker.handle, lambda: False, 10, clock)
        self.addCleanup(runner.stop)
        for number in range(3):
            self.send(n=number)
        self.assertEqual((runner.run_once(), self.numbers()['waiting']), ('handled', 2))
        self.assertEqual((runner.run_once(), self.numbers()['waiting']), ('handled', 0))
        self.assertEqual((clock.now, self.numbers()['held']), (2, 0))

    def test_a_batch_is_acknowledged_by_what_receives_the_next(self):
        self.inner.acknowledges_with_receive = True
        worker = self.work(lambda message: None)
        runner = PrefetchRunner(self.layer, ['jobs'], worker.handle, lambda: False, 10, slow_after=NEVER)
        for number in range(2):
            self.send(n=number)
        self.assertEqual((runner.run_once(), self.numbers()['held']), ('handled', 1))
        self.assertEqual((runner.run_once(), self.numbers()['held']), ('handled', 1))
        runner.stop()
        self.assertEqual((self.numbers()['held'], self.numbers()['waiting']), (0, 0))

    def pauses(self, consumer, seconds=0, channel='jobs'):
        """Handle six messages, one by one and so many `seconds` apart; return for how long that paused."""
        clock = SteppedClock()
        worker = self.work(consumer)
        runner = PrefetchRunner(self.layer, [channel], worker.handle, lambda: False, 10, clock)
        self.addCleanup(runner.stop)
        # As where they are quick.
        runner._sizer.limit = 10
        for number in range(6):
            self.inner.send(channel, {'n': number})
            runner.run_once()
            clock.now += seconds
        return [seconds for seconds in clock.slept if seconds == GATHERING]

    def test_jobs_that_come_one_by_one_gather(self):
        self.inner.acknowledges_with_receive = True
        # The first isn't in a row with anything, nor does it come after one.
        self.assertEqual(len(self.pauses(lambda message: None)), 4)

    def test_nobody_waits_for_jobs_that_gather(self):
        self.inner.acknowledges_with_receive = True
        # They come seldom; something comes of them; or they are no jobs, and
        # the layer saves nothing by that.
        self.assertEqual(self.pauses(lambda message: None, seconds=2 * IN_A_ROW), [])
        self.assertEqual(self.pauses(lambda message: Channel('out', channel_layer=self.layer).send({})), [])
        self.assertEqual(self.pauses(lambda message: None, channel='others'), [])

    def test_plain_messages_of_which_nothing_comes_gather_too(self):
        self.inner.sends_with_receive = True
        self.assertEqual(len(self.pauses(lambda message: None, channel='others')), 4)

    def test_nobody_waits_for_plain_messages_that_gather(self):
        self.inner.sends_with_receive = True
        for consumer in (
            lambda message: Channel('out%d' % message['n'], channel_layer=self.layer).send({}),
            lambda message: Channel('out%d' % message['n'], channel_layer=self.layer).send({}, immediately=True),
            lambda message: Group('g', channel_layer=self.layer).send({}),
            lambda message: Group('g', channel_layer=self.layer).add('out'),
            lambda message: 1 // 0,
        ):
            self.assertEqual(self.pauses(consumer, channel='others'), [])
        self.assertEqual(self.pauses(lambda message: None, seconds=2 * IN_A_ROW, channel='others'), [])

    def test_a_layer_that_fails_meanwhile_has_the_message_tried_again(self):
        def acknowledge_and_receive(*arguments):
            raise RuntimeError('a mistake of the layer')

        self.inner.acknowledges_with_receive = True
        worker = self.work(lambda message: None)
        runner = PrefetchRunner(self.layer, ['jobs'], worker.handle, lambda: False, 10, slow_after=NEVER)
        self.addCleanup(runner.stop)
        self.send()
        runner.run_once()
        self.inner.acknowledge_and_receive = acknowledge_and_receive
        with self.assertRaises(RuntimeError):
            runner.run_once()
        self.assertLogged('a mistake of the layer')
        self.assertEqual((self.numbers()['held'], self.numbers()['later']), (0, 1))

    def test_what_was_given_to_another_is_neither_acknowledged_nor_sent(self):
        def consumer(message):
            held = list(self.inner._acknowledged_queues['jobs']._held)
            self.inner._acknowledged_queues['jobs'].let_go(held[0])
            Channel('out', channel_layer=message.channel_layer).send({})

        worker = self.work(consumer)
        self.send()
        worker.run_once()
        self.assertEqual(self.inner.receive(['out']), (None, None))
        self.assertLogged('was requeued before its consumer finished here')

    @skipUnless(SUPPORTS_ASYNC, 'This Django or Python has no async code.')
    def test_async_code_sends_jobs(self):
        from asgiref.sync import async_to_sync
        self.work(lambda message: None)
        id = async_to_sync(Channel('jobs', channel_layer=self.layer).asend)({}, delay=60)
        self.assertEqual([job.id for job in self.inner.jobs('jobs')], [id])

    @skipUnless(SUPPORTS_ASYNC, 'This Django or Python has no async code.')
    def test_async_consumers_end_in_the_same_way(self):
        from . import async_consumers
        worker = self.work(async_consumers.send_or_fail)
        self.send(out='out')
        self.assertEqual(worker.run_once(), 'handled')
        self.assertEqual(self.inner.receive(['out'])[0], 'out')
        self.send(error='no')
        self.assertEqual(worker.run_once(), 'failed')
        self.assertEqual((self.numbers()['held'], self.numbers()['later']), (0, 1))


class JobOptionTests(SimpleTestCase):
    """What a job is sent with is looked at where it is sent, also by a consumer."""

    WRONG = [
        ({'delay': float('inf')}, 'delay must be a number of seconds'),
        ({'delay': float('nan')}, 'delay must be a number of seconds'),
        ({'delay': datetime.timedelta(1)}, 'delay must be a number of seconds'),
        ({'delay': '5'}, 'delay must be a number of seconds'), ({'delay': 10 ** 400}, 'delay must be a number of sec'),
        ({'at': datetime.datetime(2030, 1, 1)}, 'at must be a number of seconds'),
        ({'at': -float('inf')}, 'at must be a number of seconds'), ({'delay': 1, 'at': 1}, 'not with both'),
        ({'priority': 101}, 'A priority is'),
        ({'unique': 5}, 'unique must be text'),
        ({'unique': 'x' * 65536}, 'unique may have 65535 bytes'), ({'unique': '\xe9' * 32768}, 'unique may have'),
        ({'unique': '\ud800'}, 'half of a surrogate pair'), ({'unique': 0}, 'unique must be text'),
        ({'unique': 'a', 'conflict': 'wait'}, "conflict must be 'refuse' or 'replace'"),
    ]

    def test_a_consumers_send_raises_at_once(self):
        channel = Channel('jobs', channel_layer=InMemoryChannelLayer())
        for options, text in self.WRONG:
            with outbox.collected() as sends, self.assertRaisesMessage(ValueError, text):
                channel.send({}, **options)
            self.assertFalse(sends.has_sends)

    def test_a_layer_by_itself_refuses_the_same(self):
        # No Redis is asked.
        for layer in (InMemoryChannelLayer(), RedisChannelLayer(hosts=['redis://127.0.0.1:1/0'])):
            for options, text in self.WRONG:
                with self.assertRaisesMessage(ValueError, text):
                    layer.send_job('jobs', {}, **options)

    def test_a_delay_that_is_over_or_of_another_type_is_good(self):
        layer = InMemoryChannelLayer()
        for delay in (-5, decimal.Decimal('-0.5'), 0):
            layer.send_job('jobs', {}, delay=delay)
            self.assertEqual(layer.receive(['jobs']), ('jobs', {}))

    def test_the_id_is_that_of_the_job_with_the_same_unique_key(self):
        layer = InMemoryChannelLayer()
        channel = Channel('jobs', channel_layer=layer)
        first = channel.send({'n': 1}, unique='key')
        self.assertEqual(channel.send({'n': 2}, unique='key'), first)
        self.assertTrue(channel.cancel(first))
        replaced = channel.send({'n': 3}, delay=60, unique='key')
        with outbox.collected() as sends:
            later = channel.send({'n': 4}, unique='key', conflict='replace')
        sends.deliver()
        self.assertNotIn(later, (first, replaced))
        self.assertEqual([job.id for job in layer.jobs('jobs')], [later])

    def test_a_consumer_can_not_put_its_message_off_for_ever(self):
        with self.assertRaisesMessage(ValueError, 'delay must be a number of seconds'):
            ConsumeLater(delay=float('inf'))

    def test_durations_of_a_layer_are_limited(self):
        for layer in (InMemoryChannelLayer, RedisChannelLayer):
            for options in ({'expiry': float('inf')}, {'group_expiry': 1e300}, {'expiry': float('nan')}):
                with self.assertRaisesMessage(ValueError, 'must be a number of seconds above 0 and up to 9000000000'):
                    layer(**options)
        with self.assertRaisesMessage(ValueError, 'timeout must be a number of seconds'):
            RedisChannelLayer(confirm={'replicas': 1, 'timeout': float('inf')})
