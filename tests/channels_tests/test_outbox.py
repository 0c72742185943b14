"""Tests of Channel, Group and the outbox that holds a consumer's sends."""
from __future__ import absolute_import, unicode_literals

import contextlib
import threading
import unittest

from django.channels import Channel, Group, channel_layers, outbox, route
from django.channels.compat.transactions import has_commit_hooks
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.test import ChannelTestCase
from django.db import connection, transaction
from django.test import SimpleTestCase, TransactionTestCase, override_settings

from .logs import LogTestCase

try:
    import contextvars
except ImportError:
    contextvars = None

LAYERS = {
    'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []},
    'other': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []},
}


class Failure(Exception):
    """What a consumer raises in these tests."""


@override_settings(CHANNEL_LAYERS=LAYERS)
class SendTests(LogTestCase, SimpleTestCase):

    def setUp(self):
        super(SendTests, self).setUp()
        channel_layers.reset()

    def test_outside_of_a_consumer_sends_go_out_at_once(self):
        Channel('a').send({'n': 1})
        self.assertEqual(channel_layers['default'].receive(['a']), ('a', {'n': 1}))

    def test_an_alias_or_a_layer_says_where(self):
        layer = InMemoryChannelLayer()
        Channel('a', alias='other').send({'n': 1})
        Channel('a', channel_layer=layer).send({'n': 2})
        self.assertEqual(channel_layers['other'].receive(['a']), ('a', {'n': 1}))
        self.assertEqual(layer.receive(['a']), ('a', {'n': 2}))

    def test_groups_take_channels_and_names(self):
        group = Group('g')
        group.add('p!a')
        group.add(Channel('p!b'))
        group.send({'n': 1})
        layer = channel_layers['default']
        self.assertEqual([layer.receive(['p!'])[0] for _ in range(2)], ['p!a', 'p!b'])
        group.discard(Channel('p!a'))
        group.discard('p!b')
        self.assertEqual(layer.group_channels('g'), [])

    def test_each_thread_has_an_outbox_of_its_own(self):
        layer = channel_layers['default']
        with outbox.buffered():
            thread = threading.Thread(target=Channel('a').send, args=({'n': 1},))
            thread.start()
            thread.join()
            self.assertEqual(layer.receive(['a']), ('a', {'n': 1}))

    @unittest.skipIf(contextvars is None, 'This Python has no contexts.')
    def test_what_outlives_its_consumer_sends_at_once(self):
        layer = channel_layers['default']
        with outbox.buffered():
            context = contextvars.copy_context()
            context.run(Channel('a').send, {'n': 1})
            self.assertEqual(layer.receive(['a']), (None, None))
        self.assertEqual(layer.receive(['a']), ('a', {'n': 1}))
        context.run(Channel('a').send, {'n': 2})
        self.assertEqual(layer.receive(['a']), ('a', {'n': 2}))

    def test_only_dicts_can_be_sent(self):
        for content in ([], 'text', None, 1):
            for sender in (Channel('a'), Group('g')):
                with self.assertRaisesMessage(TypeError, 'You can only send dicts, not %s' % type(content).__name__):
                    sender.send(content)

    def test_bad_names_are_refused_where_they_are_used(self):
        with self.assertRaisesMessage(ValueError, 'is not a valid channel name'):
            Channel('with space')
        with self.assertRaisesMessage(ValueError, 'is not a valid group name'):
            Group('g!')
        with self.assertRaisesMessage(TypeError, 'A channel name must be a string'):
            Group('g').add(None)

    def test_who_knows_the_routing_warns_once_of_a_channel_that_nobody_reads(self):
        Channel('tpyo').send({})
        self.assertEqual(self.log(), '')
        channel_layers['default'].router.add_route(route('typo', len))
        for _ in range(2):
            Channel('tpyo').send({})
        self.assertLogged(
            'A message was sent to tpyo, which no route of the channel layer default (InMemoryChannelLayer) reads',
            'Add a route for it, or correct the name.',
        )
        self.assertEqual(self.log().count('tpyo'), 1)
        for name in ('typo', 'asgi.delay', 'p!a', 'p?a'):
            Channel(name).send({'channel': 'typo', 'delay': 1, 'content': {}})
        Channel('other', channel_layer=InMemoryChannelLayer()).send({})
        self.assertEqual(self.log().count('A message was sent'), 1)

    def test_warnings_of_channels_that_nobody_reads_have_an_end(self):
        channel_layers['default'].router
        for n in range(200):
            Channel('n%d' % n).send({})
        self.assertEqual(self.log().count('A message was sent'), 100)

    def test_their_names_read_as_text(self):
        self.assertEqual(str(Channel('a')), 'a')
        self.assertEqual(repr(Group('g')), '<Group g>')


class FullAtFirst(InMemoryChannelLayer):
    """A layer that has no room for so many jobs."""
    refusals = 0

    def send_job(self, *args, **kwargs):
        if self.refusals:
            self.refusals -= 1
            raise self.ChannelFull()
        return super(FullAtFirst, self).send_job(*args, **kwargs)


@override_settings(CHANNEL_LAYERS=LAYERS)
class OutboxTests(SimpleTestCase):

    def setUp(self):
        channel_layers.reset()

    def received(self, *names):
        layer, messages = channel_layers['default'], []
        while True:
            channel, message = layer.receive(list(names))
            if channel is None:
                return messages
            messages.append((channel, message))

    def test_sends_wait_for_the_end_of_the_block(self):
        Group('g').add('p!a')
        with outbox.buffered():
            Channel('p!a').send({'n': 1})
            Group('g').send({'n': 2})
            Channel('p!a').send({'n': 3})
            self.assertEqual(self.received('p!'), [])
        self.assertEqual([message['n'] for channel, message in self.received('p!')], [1, 2, 3])

    def test_sends_are_dropped_if_the_block_raises(self):
        Group('g').add('p!a')
        with self.assertRaises(Failure):
            with outbox.buffered():
                Channel('p!a').send({'n': 1})
                Group('g').send({'n': 2})
                raise Failure()
        self.assertEqual(self.received('p!'), [])
        self.assertIsNone(outbox.current())

    def test_immediately_skips_the_outbox(self):
        with self.assertRaises(Failure):
            with outbox.buffered():
                Channel('a').send({'n': 1}, immediately=True)
                raise Failure()
        self.assertEqual(self.received('a'), [('a', {'n': 1})])

    def test_what_is_held_may_be_changed_by_the_sender(self):
        content = {'list': []}
        with outbox.buffered():
            Channel('a').send(content)
            content['list'].append(1)
        self.assertEqual(self.received('a'), [('a', {'list': []})])

    def test_blocks_nest(self):
        with outbox.buffered():
            Channel('a').send({'n': 1})
            with self.assertRaises(Failure):
                with outbox.buffered():
                    Channel('a').send({'n': 2})
                    raise Failure()
        self.assertEqual(self.received('a'), [('a', {'n': 1})])

    def test_the_holder_can_clear_it(self):
        with outbox.buffered() as held:
            Channel('a').send({'n': 1})
            held.clear()
        self.assertEqual(self.received('a'), [])

    @override_settings(CHANNEL_SEND_TIMEOUT=0.01)
    def test_a_full_channel_costs_only_its_own_messages(self):
        channel_layers['default'].channel_layer.capacity = 1
        with outbox.buffered():
            Channel('a').send({'n': 1})
            Channel('a').send({'n': 2})
            Channel('b').send({'n': 3})
        self.assertEqual(sorted(self.received('a', 'b')), [('a', {'n': 1}), ('b', {'n': 3})])

    def test_jobs_wait_for_room_as_messages_do(self):
        layer = FullAtFirst(acknowledged=['jobs'])
        with outbox.buffered():
            Channel('jobs', channel_layer=layer).send({'n': 1}, priority=5)
            layer.refusals = 2
        with outbox.collected() as held:
            Channel('jobs', channel_layer=layer).send({'n': 2}, priority=5)
        layer.refusals = 2
        held.deliver_now()
        self.assertEqual([job.message for job in layer.jobs('jobs')], [{'n': 1}, {'n': 2}])


@unittest.skipIf(not has_commit_hooks(), 'This Django has no transaction.on_commit().')
@override_settings(CHANNEL_LAYERS=LAYERS, CHANNEL_SEND_ON_COMMIT='default')
class CommitTests(TransactionTestCase):
    available_apps = ['django.channels']

    def setUp(self):
        channel_layers.reset()

    def received(self):
        return channel_layers['default'].receive(['a'])[1]

    def test_sends_wait_for_the_commit(self):
        with transaction.atomic():
            Channel('a').send({'n': 1})
            self.assertIsNone(self.received())
        self.assertEqual(self.received(), {'n': 1})

    def test_sends_are_dropped_by_a_rollback(self):
        with outbox.buffered():
            with self.assertRaises(Failure):
                with transaction.atomic():
                    Channel('a').send({'n': 1})
                    raise Failure()
        self.assertIsNone(self.received())

    def test_in_a_consumer_they_wait_for_both(self):
        with self.assertRaises(Failure):
            with outbox.buffered():
                with transaction.atomic():
                    Channel('a').send({'n': 1})
                self.assertIsNone(self.received())
                raise Failure()
        self.assertIsNone(self.received())

    def test_without_a_transaction_nothing_waits(self):
        Channel('a').send({'n': 1})
        self.assertEqual(self.received(), {'n': 1})

    def test_immediately_skips_the_commit(self):
        with transaction.atomic():
            Channel('a').send({'n': 1}, immediately=True)
            self.assertEqual(self.received(), {'n': 1})


@unittest.skipIf(not has_commit_hooks(), 'This Django has no transaction.on_commit().')
@override_settings(CHANNEL_LAYERS=LAYERS, CHANNEL_SEND_ON_COMMIT='default')
class CapturedCommitTests(ChannelTestCase):
    """A TestCase never commits; Django's captureOnCommitCallbacks() and we run its hooks."""

    @contextlib.contextmanager
    def captured(self):
        # As that does it, which came with Django 3.2.
        begin = len(connection.run_on_commit)
        yield
        for hook in connection.run_on_commit[begin:]:
            hook[1]()

    def numbers(self):
        messages = iter(lambda: self.get_next_message('a'), None)
        return [message['n'] for message in messages]

    def test_what_was_captured_is_sent_once(self):
        with self.captured():
            with transaction.atomic():
                Channel('a').send({'n': 1})
        with transaction.atomic():
            Channel('a').send({'n': 2})
        self.assertEqual(self.numbers(), [1, 2])

    def test_a_look_costs_nobody_else_a_hook(self):
        called = []
        with transaction.atomic():
            Channel('a').send({'n': 1})
        with self.captured():
            with transaction.atomic():
                Channel('a').send({'n': 2})
            self.assertEqual(self.numbers(), [1, 2])
            transaction.on_commit(lambda: called.append('theirs'))
        self.assertEqual((called, self.numbers()), (['theirs'], []))
