"""Tests of the delay server."""
from __future__ import absolute_import, unicode_literals

import logging
import os
import signal
import threading
from datetime import timedelta
from importlib import import_module

from django.apps import apps
from django.channels import Channel, route
from django.channels.delay import consumers
from django.channels.delay.management.commands.rundelay import Command, DueSender
from django.channels.delay.models import CLAIM, DelayedMessage
from django.channels.exceptions import ConsumeLater, LayerUnavailable
from django.channels.layers import ChannelLayerWrapper, channel_layers
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.signals import worker_ready
from django.channels.test import ChannelTestCase, Client, apply_routes
from django.channels.test.linting import exempt
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test import SimpleTestCase, TestCase, override_settings
from django.utils import timezone

from .logs import LogTestCase


def make_due():
    DelayedMessage.objects.update(due_date=timezone.now() - timedelta(seconds=1))


class SchemaEditor(object):
    """What a migration is given."""

    def __init__(self, connection):
        self.connection = connection


class DelayTestCase(LogTestCase, ChannelTestCase):

    def delay(self, **content):
        with apply_routes([route(consumers.CHANNEL, consumers.delay_message)]):
            Client().send_and_consume(consumers.CHANNEL, content)

    def send_due(self):
        return consumers.send_due(channel_layers['default'])


class DelayTests(DelayTestCase):

    def test_a_message_is_sent_when_its_time_has_come(self):
        self.delay(channel='task', delay=60000, content={'n': 1})
        self.assertEqual(self.send_due(), 0)
        self.assertIsNone(self.get_next_message('task'))
        make_due()
        self.assertEqual(self.send_due(), 1)
        self.assertEqual(self.get_next_message('task').content, {'n': 1})
        self.assertFalse(DelayedMessage.objects.exists())

    def test_the_delay_is_in_milliseconds(self):
        before = timezone.now()
        self.delay(channel='task', delay=90000, content={})
        delayed = DelayedMessage.objects.get()
        self.assertLessEqual(before + timedelta(seconds=90), delayed.due_date + timedelta(milliseconds=1))
        self.assertLessEqual(delayed.delay, 90000)
        self.assertGreater(delayed.delay, 60000)

    def test_no_delay_is_one_too(self):
        self.delay(channel='task', delay=0, content={})
        self.assertEqual(self.send_due(), 1)

    def test_content_may_be_whatever_a_message_holds(self):
        content = {'bytes': b'\xff\0', 'text': 'd\xfc', 'list': [1, 2.5, None, {'a': True}]}
        self.delay(channel='task', delay=0, content=content)
        self.send_due()
        self.assertEqual(self.get_next_message('task').content, content)

    def test_the_oldest_goes_first_and_only_so_many_at_a_time(self):
        for n in range(consumers.BATCH + 5):
            self.delay(channel='task!%d' % n, delay=0, content={'n': n})
        self.assertEqual([self.send_due() for _ in range(3)], [consumers.BATCH, 5, 0])
        received = channel_layers['default'].receive_batch(['task!'], 1000)
        self.assertEqual([message['n'] for _, message in received], list(range(consumers.BATCH + 5)))

    @exempt('channel', 'delay', 'content')
    def test_a_malformed_message_is_logged_and_skipped(self):
        good = {'channel': 'task', 'delay': 0, 'content': {}}
        for change, error in (
            ({'channel': None}, 'A channel name must be a string'),
            ({'channel': 'a b'}, 'not a valid channel name'),
            ({'delay': 'soon'}, 'its delay must be a number of milliseconds'),
            ({'delay': True}, 'its delay must be a number of milliseconds'),
            ({'delay': -1}, 'its delay must be a number of milliseconds'),
            ({'delay': 2 ** 63 - 1}, 'A message on asgi.delay was dropped'),
            ({'delay': 10 ** 17}, 'A message on asgi.delay was dropped'),
            ({'content': 'text'}, 'its content must be a dict'),
        ):
            self._stream.truncate(0)
            self.delay(**dict(good, **change))
            self.assertLogged(error)
        self.delay(channel='task')
        self.assertLogged('it has no delay and no content.')
        self.assertFalse(DelayedMessage.objects.exists())
        self.delay(**good)
        self.assertEqual(self.send_due(), 1)

    def test_a_full_channel_postpones_the_message(self):
        for _ in range(channel_layers['default'].capacity):
            Channel('task').send({})
        self.delay(channel='task', delay=0, content={})
        self.send_due()
        self.assertEqual(self.send_due(), 0)
        delayed = DelayedMessage.objects.get()
        self.assertTrue(0 < delayed.delay <= 1000)
        while self.get_next_message('task'):
            pass
        make_due()
        self.send_due()
        self.get_next_message('task', require=True)

    def test_a_record_that_can_not_be_sent_is_logged_and_deleted(self):
        DelayedMessage.objects.create(delay=0, channel_name='a b', content='{}')
        DelayedMessage.objects.create(delay=0, channel_name='task', content='{')
        DelayedMessage.objects.create(delay=0, channel_name='task', content='{"n": 1}')
        self.assertEqual(self.send_due(), 3)
        self.assertEqual(self.log().count('was dropped'), 2)
        self.assertEqual(self.get_next_message('task')['n'], 1)
        self.assertFalse(DelayedMessage.objects.exists())

    def test_a_layer_that_fails_loses_no_message(self):
        class BrokenLayer(InMemoryChannelLayer):
            def send(self, channel, message):
                raise LayerUnavailable('gone')

        self.delay(channel='task', delay=0, content={})
        with self.assertRaisesMessage(LayerUnavailable, 'gone'):
            consumers.send_due(ChannelLayerWrapper(BrokenLayer(), 'test', []))
        make_due()
        self.send_due()
        self.get_next_message('task', require=True)

    def test_two_servers_send_a_message_once(self):
        self.delay(channel='task', delay=0, content={})
        one, other = DelayedMessage.objects.get(), DelayedMessage.objects.get()
        one.send()
        other.send()
        self.get_next_message('task', require=True)
        self.assertIsNone(self.get_next_message('task'))

    def test_a_claim_ends(self):
        delayed = DelayedMessage.objects.create(delay=0, channel_name='task', content='{}')
        self.assertTrue(delayed._claim())
        self.assertFalse(DelayedMessage.objects.is_due().exists())
        self.assertLessEqual(DelayedMessage.objects.get().due_date, timezone.now() + CLAIM)

    @override_settings(USE_TZ=True)
    def test_time_zones_are_respected(self):
        self.delay(channel='task', delay=0, content={})
        self.assertEqual(self.send_due(), 1)


class PatientConsumerTests(DelayTestCase):
    """The consumer of rundelay, with a database that fails some times."""

    def setUp(self):
        super(PatientConsumerTests, self).setUp()
        self.pauses = []
        self.is_stopping = False
        self.consumer = consumers.PatientConsumer(lambda: self.is_stopping, self)
        self.addCleanup(setattr, consumers, 'keep', consumers.keep)
        self.keep, consumers.keep = consumers.keep, self.fail_first

    def sleep(self, seconds):
        # It is the clock.
        self.pauses.append(seconds)

    def fail_first(self, message):
        if self.errors:
            raise self.errors.pop(0)
        self.keep(message)

    def delay(self, **content):
        with apply_routes([route(consumers.CHANNEL, self.consumer)]):
            Client().send_and_consume(consumers.CHANNEL, content)

    def test_a_message_waits_for_a_database_that_is_away(self):
        self.errors = [OperationalError('away'), InterfaceError('away'), ProgrammingError('no table')]
        self.delay(channel='task', delay=0, content={'n': 1})
        self.assertEqual(DelayedMessage.objects.count(), 1)
        self.assertEqual(self.pauses, [0.1, 0.2, 0.4])
        self.assertEqual(self.log().count('waits for the database: away'), 1)
        self.assertLogged('The database keeps messages again.')

    def test_what_the_database_refuses_for_good_is_an_error(self):
        self.errors = [DataError('too long')]
        with self.assertRaises(DataError):
            self.consumer(None)
        self.assertEqual(self.pauses, [])

    def test_a_worker_that_has_the_bare_consumer_puts_the_message_back(self):
        for error in (OperationalError('away'), InterfaceError('away'), ProgrammingError('no table')):
            self.errors = [error]
            with self.assertRaises(ConsumeLater):
                consumers.delay_message(None)
        self.assertLogged('is put back: away')
        for error in (DataError('too long'), IntegrityError('twice')):
            self.errors = [error]
            with self.assertRaises(type(error)):
                consumers.delay_message(None)

    def test_a_process_that_ends_puts_the_message_back(self):
        self.errors = [OperationalError('away')] * 3
        self.is_stopping = True
        with self.assertRaises(ConsumeLater):
            self.consumer(None)


class OldTableTests(TestCase):
    """The rows of Channels 1.x, whose table has another name."""

    def move(self):
        migration = import_module('django.channels.delay.migrations.0002_channels_1')
        with connection.cursor() as cursor:
            cursor.execute('CREATE TABLE %s (id integer PRIMARY KEY, due_date datetime, channel_name varchar(512), '
                           'content text)' % connection.ops.quote_name(migration.TABLE))
            for number in (1, 2):
                cursor.execute('INSERT INTO %s VALUES (%%s, %%s, %%s, %%s)' %
                               connection.ops.quote_name(migration.TABLE),
                               [number, '2026-01-0%d 03:04:05' % number, 'task', '{"n": %d}' % number])
            migration.move(apps, SchemaEditor(connection))
            cursor.execute('SELECT COUNT(*) FROM %s' % connection.ops.quote_name(migration.TABLE))
            return cursor.fetchone()[0]

    def test_they_wait_in_ours_then(self):
        self.assertEqual(self.move(), 0)
        self.assertEqual(
            [(delayed.channel_name, delayed.content, delayed.due_date.day) for delayed in
             DelayedMessage.objects.order_by('due_date')],
            [('task', '{"n": 1}', 1), ('task', '{"n": 2}', 2)],
        )

    def test_a_database_without_the_table_is_left_as_it_is(self):
        import_module('django.channels.delay.migrations.0002_channels_1').move(apps, SchemaEditor(connection))
        self.assertFalse(DelayedMessage.objects.exists())


class AppTests(TestCase):

    def test_it_is_an_app_of_its_own_and_has_its_migration(self):
        config = apps.get_app_config('channels_delay')
        self.assertEqual(config.name, 'django.channels.delay')
        self.assertIs(config.get_model('DelayedMessage'), DelayedMessage)
        loader = MigrationLoader(connection)
        changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(loader.graph)
        self.assertNotIn('channels_delay', changes)


class SpanningLayer(InMemoryChannelLayer):
    """Says that other processes see its messages, so that a server runs."""
    spans_processes = True


class CommandTests(LogTestCase, SimpleTestCase):

    @override_settings(CHANNEL_LAYERS={})
    def test_wrong_arguments_are_refused(self):
        with self.assertRaisesMessage(CommandError, '--sleep must be more than 0'):
            call_command('rundelay', sleep=0)
        with self.assertRaisesMessage(CommandError, 'There is no channel layer'):
            call_command('rundelay', layer='missing')

    @override_settings(CHANNEL_LAYERS={'default': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': [],
    }})
    def test_an_in_memory_layer_is_refused(self):
        with self.assertRaisesMessage(CommandError, 'lives inside one process'):
            call_command('rundelay')

    @override_settings(CHANNEL_LAYERS={'default': {
        'BACKEND': 'channels_tests.test_delay.SpanningLayer', 'ROUTING': [route('task', consumers.delay_message)],
    }})
    def test_its_routing_is_its_own(self):
        layer = Command().get_layer('default')
        self.assertEqual([r.channels for r in layer.router.root.routing], [['asgi.delay']])


class ServerTests(LogTestCase, SimpleTestCase):

    @override_settings(CHANNEL_LAYERS={'default': {
        'BACKEND': 'channels_tests.test_delay.SpanningLayer', 'ROUTING': [],
    }})
    def test_it_stops_by_a_signal(self):
        looked, layers = threading.Event(), []

        def send_due(layer):
            layers.append(layer)
            looked.set()
            return 0

        def on_ready(**kwargs):
            looked.wait(10)
            os.kill(os.getpid(), signal.SIGTERM)

        self.addCleanup(setattr, consumers, 'send_due', consumers.send_due)
        consumers.send_due = send_due
        worker_ready.connect(on_ready)
        self.addCleanup(worker_ready.disconnect, on_ready)
        call_command('rundelay', sleep=0.01)
        self.assertTrue(looked.is_set())
        self.assertLogged('Running delay server', 'Delay server stopped.')
        # One with the delay server's routing would warn of what it sends.
        self.assertIs(type(layers[0]), SpanningLayer)


class DueSenderTests(LogTestCase, SimpleTestCase):

    def test_an_outage_is_said_once_and_sending_goes_on(self):
        outcomes = [LayerUnavailable('gone'), LayerUnavailable('gone'), 0, KeyError('bug'), 0]
        done = threading.Event()

        def send_due(layer):
            if not outcomes:
                done.set()
                return 0
            outcome = outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        original, consumers.send_due = consumers.send_due, send_due
        try:
            sender = DueSender(None, 0.001, logging.getLogger('django.channels'))
            sender.start()
            self.assertTrue(done.wait(10))
            sender.stop()
        finally:
            consumers.send_due = original
        self.assertEqual(self.log().count('trying again: gone'), 1)
        self.assertEqual(self.log().count('Traceback'), 1)
