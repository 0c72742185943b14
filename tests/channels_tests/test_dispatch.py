"""Tests of what a message leaves behind, whatever its consumer does."""
from __future__ import absolute_import, unicode_literals

import logging
import signal
import threading
import unittest
from importlib import import_module

from django.channels import failures, route
from django.channels.compat import URLS_MODULE, six
from django.channels.compat.abilities import KNOWS_MADE_CONNECTIONS
from django.channels.compat.transactions import made_connections
from django.channels.exceptions import ConsumeLater, LayerUnavailable
from django.channels.layers import ChannelLayerWrapper, late_answers
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.log import setup_logger
from django.channels.signals import consumer_finished, consumer_started
from django.channels.worker import DROPPED, FAILED, HANDLED, UNROUTED, Worker
from django.db import connection, transaction
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from django.utils import timezone, translation
from django.utils.log import RequireDebugTrue

from .clocks import ManualClock
from .logs import LogTestCase

try:
    from contextvars import ContextVar
except ImportError:
    ContextVar = None

urls = import_module(URLS_MODULE)


class Unheard(BaseException):
    """As gevent's Timeout: no Exception."""


class DispatchTestCase(LogTestCase):

    def setUp(self):
        super(DispatchTestCase, self).setUp()
        self.layer = InMemoryChannelLayer()
        self.seen = []

    def worker(self, consumer, channel='task', **options):
        wrapper = ChannelLayerWrapper(self.layer, 'test', [route(channel, consumer)])
        return Worker(wrapper, signal_handlers=False, **options)

    def handle(self, consumer, channel='task', **content):
        return self.worker(consumer, channel).handle(channel, content)

    def replies(self):
        return [message for channel, message in self.layer.receive_batch(['p!'], 100)]


class EndingTests(DispatchTestCase, SimpleTestCase):

    def raising(self, error):
        def consumer(message):
            raise error
        return consumer

    def test_whatever_is_raised_ends_one_message(self):
        for error in (ValueError('x'), SystemExit(1), GeneratorExit(), Unheard('x'), MemoryError(), StopIteration()):
            worker = self.worker(self.raising(error))
            self.assertEqual(worker.handle('task', {}), FAILED)
            self.assertEqual((worker.outcomes[FAILED], worker.outcomes[HANDLED]), (1, 0))
            self.assertLogged(type(error).__name__)

    def test_a_consumer_that_yields_does_not_seem_to_have_run(self):
        def consumer(message):
            self.seen.append('runs')
            yield

        self.assertEqual(self.handle(consumer, 'websocket.receive', reply_channel='p!a'), FAILED)
        self.assertLogged('which nothing runs: it must be a plain function without yield')
        self.assertEqual((self.seen, self.replies()), ([], [{'close': 1011}]))

    def test_ctrl_c_in_a_thread_is_an_error_like_others(self):
        outcomes = []
        worker = self.worker(self.raising(KeyboardInterrupt()))
        thread = threading.Thread(target=lambda: outcomes.append(worker.handle('task', {})))
        thread.start()
        thread.join()
        self.assertEqual(outcomes, [FAILED])

    def test_ctrl_c_of_the_operator_comes_through(self):
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.assertRaises(KeyboardInterrupt):
            self.handle(self.raising(KeyboardInterrupt()))

    def test_a_client_that_waits_is_answered_at_once(self):
        for channel, reply in (
            ('http.request', {
                'status': 500, 'headers': [[b'Content-Type', b'text/plain; charset=utf-8']],
                'content': b'Internal Server Error', 'more_content': False,
            }),
            ('websocket.connect', {'close': True, 'status': 500}),
            ('websocket.receive', {'close': 1011}),
        ):
            for error in (ValueError('x'), Unheard('x')):
                self.handle(self.raising(error), channel, reply_channel='p!a')
                self.assertEqual(self.replies(), [reply])
        for channel in ('websocket.disconnect', 'http.disconnect', 'task'):
            self.handle(self.raising(ValueError()), channel, reply_channel='p!a')
            self.assertEqual(self.replies(), [])

    def test_so_is_one_whose_message_has_no_route_or_is_dropped(self):
        wrapper = ChannelLayerWrapper(self.layer, 'test', [])
        wrapper.router.match = lambda message: None
        worker = Worker(wrapper, signal_handlers=False)
        self.assertEqual(worker.handle('websocket.connect', {'reply_channel': 'p!a'}), UNROUTED)
        self.assertEqual(self.replies(), [{'close': True, 'status': 503}])
        worker = self.worker(self.raising(ConsumeLater()), 'http.request', message_retries=0)
        self.assertEqual(worker.handle('http.request', {'reply_channel': 'p!a'}), DROPPED)
        self.assertEqual([reply['status'] for reply in self.replies()], [503])

    def test_a_layer_that_was_away_is_no_error_of_the_server(self):
        for channel, reply in (
            ('http.request', {
                'status': 503, 'headers': [[b'Content-Type', b'text/plain; charset=utf-8'], [b'Retry-After', b'2']],
                'content': b'Service Unavailable', 'more_content': False,
            }),
            ('websocket.connect', {'close': True, 'status': 503}),
            ('websocket.receive', {'close': 1011}),
        ):
            self.handle(self.raising(LayerUnavailable('no memory')), channel, reply_channel='p!a')
            self.assertEqual(self.replies(), [reply])

    def test_a_layer_that_is_away_meanwhile_ends_nothing(self):
        def unavailable(channel, message):
            raise LayerUnavailable('no Redis')

        self.layer.send, clock = unavailable, ManualClock()
        late = self.answer_late(clock)
        self.assertEqual(self.handle(self.raising(ValueError()), 'websocket.connect', reply_channel='p!a'), FAILED)
        self.assertLogged('could not be told that it failed; it is told once the layer takes it: no Redis')
        # No message behind it waits meanwhile.
        self.assertEqual(clock.slept, [])
        clock.now = late_answers.PATIENCE
        self.assertTrue(late.send_all())
        del self.layer.send
        self.assertFalse(late.send_all())
        self.assertEqual(self.replies(), [{'close': True, 'status': 500}])

    def test_an_answer_that_came_to_be_too_late_is_given_up(self):
        clock = ManualClock()
        late = self.answer_late(clock)
        late.add(self.layer, 'p!a', {'close': True})
        clock.now = late_answers.PATIENCE + 1
        self.assertFalse(late.send_all())
        self.assertEqual(self.replies(), [])
        self.assertLogged('1 clients could not be answered within 120 s.')

    def answer_late(self, clock):
        """Return the LateAnswers that take what fails now, and send when they are told to."""
        late = late_answers.LateAnswers(clock)
        late.start = lambda: None
        self.addCleanup(setattr, failures, 'LATE_ANSWERS', failures.LATE_ANSWERS)
        failures.LATE_ANSWERS = late
        return late

    def test_a_response_that_has_begun_is_broken_off(self):
        def consumer(message):
            message.is_streaming = True
            raise ValueError('x')

        self.handle(consumer, 'http.request', reply_channel='p!a')
        self.assertEqual([reply['closed'] for reply in self.replies()], [True])

    def test_a_layer_that_is_away_for_a_moment_is_asked_again(self):
        send, left = self.layer.send, [LayerUnavailable('no memory'), LayerUnavailable('no memory')]

        def refuse(channel, message):
            if left:
                raise left.pop()
            send(channel, message)

        self.layer.send = refuse
        late = late_answers.LateAnswers()
        self.addCleanup(setattr, failures, 'LATE_ANSWERS', failures.LATE_ANSWERS)
        failures.LATE_ANSWERS = late
        self.assertEqual(self.handle(self.raising(ValueError()), 'http.request', reply_channel='p!a'), FAILED)
        late.finish(30)
        self.assertEqual([reply['status'] for reply in self.replies()], [500])

    def test_the_log_says_which_message_failed_but_not_what_it_held(self):
        records = []
        handler = logging.Handler()
        handler.emit = records.append
        logging.getLogger('django.channels').addHandler(handler)
        try:
            self.handle(self.raising(ValueError('x')), reply_channel='p!a', secret='hush', __retries__=2)
        finally:
            logging.getLogger('django.channels').removeHandler(handler)
        self.assertLogged('attempt 3, message keys: reply_channel, secret')
        self.assertLogged('reply channel p!a')
        self.assertNotIn('hush', self.log())
        self.assertEqual((records[0].channel, records[0].reply_channel, records[0].attempt), ('task', 'p!a', 3))
        self.assertIn('.test_dispatch.', records[0].consumer)

    def test_it_says_that_as_well_while_debug_is_on(self):
        with self.settings(DEBUG=True):
            self.handle(self.raising(ValueError('x')), secret='hush')
        self.assertLogged('hush')

    def test_a_thread_that_ends_begins_anew(self):
        done, failures = threading.Event(), [Unheard('once'), Unheard('twice')]
        receive = self.layer.receive

        def failing(channels, block=False):
            if failures:
                raise failures.pop()
            return receive(channels, block)

        self.layer.receive = failing
        worker = self.worker(lambda message: done.set())
        self.layer.send('task', {})
        thread = threading.Thread(target=worker.run)
        thread.start()
        self.assertTrue(done.wait(10))
        worker.stop()
        thread.join(10)
        self.assertLogged('A thread of the worker failed, and is restarted')


class IsolationTests(DispatchTestCase, SimpleTestCase):

    def look(self, message):
        self.seen.append((
            translation.get_language(), timezone.get_current_timezone_name(), urls.get_script_prefix(),
            urls.get_urlconf(),
        ))

    def test_what_a_consumer_sets_for_its_thread_ends_with_it(self):
        def consumer(message):
            self.look(message)
            translation.activate('fr')
            timezone.activate(timezone.utc if hasattr(timezone, 'utc') else timezone.get_fixed_timezone(0))
            urls.set_script_prefix('/app/')
            urls.set_urlconf('channels_tests.http_urls')
            if message.get('fails'):
                raise ValueError()

        with self.settings(USE_TZ=True, TIME_ZONE='Europe/Berlin'):
            for fails in (False, True, False):
                self.handle(consumer, fails=fails)
        self.assertEqual(self.seen[1:], self.seen[:1] * 2)

    def test_what_was_set_before_stays(self):
        with translation.override('de'):
            self.handle(lambda message: translation.activate('fr'))
            self.assertEqual(translation.get_language(), 'de')

    @unittest.skipIf(ContextVar is None, 'This Python has no contexts.')
    def test_context_variables_end_with_the_message(self):
        variable = ContextVar(str('variable'), default=None)

        def consumer(message):
            self.seen.append(variable.get())
            variable.set('mine')

        for _ in range(2):
            self.handle(consumer)
        self.assertEqual(self.seen, [None, None])

    def test_addresses_begin_with_the_root_path_of_a_socket(self):
        self.handle(self.look, 'websocket.receive', root_path='/app')
        self.handle(self.look, 'websocket.receive')
        self.assertEqual([seen[2] for seen in self.seen], ['/app/', '/'])

    def test_the_script_name_of_the_settings_comes_first_as_for_views(self):
        for name, begins in (('/forced', '/forced/'), ('', '/')):
            with override_settings(FORCE_SCRIPT_NAME=name):
                self.handle(self.look, 'websocket.receive', root_path='/app')
            self.assertEqual(self.seen.pop()[2], begins)

    @override_settings(FORCE_SCRIPT_NAME='/app')
    def test_a_socket_whose_server_tells_no_root_path_has_that_of_the_settings(self):
        def consumer(message, rest):
            self.seen.append((message['path'], rest, urls.get_script_prefix()))

        for path in ('/app/chat', '/chat'):
            for root_path in ({}, {'root_path': ''}):
                content = dict(root_path, path=path)
                wrapper = ChannelLayerWrapper(self.layer, 'test', [
                    route('websocket.receive', consumer, path='^/(?P<rest>.*)$'),
                ])
                Worker(wrapper, signal_handlers=False).handle('websocket.receive', content)
                self.assertEqual(self.seen.pop(), (path, 'chat', '/app/'), content)


class FrameTests(DispatchTestCase, SimpleTestCase):

    def test_a_frame_has_the_kind_of_data_that_it_came_with_alone(self):
        """Servers may name the other kind, as None; consumers of Channels 1.x ask whether it is in the message."""
        def consumer(message):
            self.seen.append({key: message[key] for key in ('text', 'bytes') if key in message})

        for data in ({'text': 'x', 'bytes': None}, {'text': None, 'bytes': b'x'}, {'text': '', 'bytes': None},
                     {'text': None, 'bytes': b''}, {'text': 'x'}, {'bytes': b'x'}):
            self.handle(consumer, 'websocket.receive', reply_channel='p!c', path='/', order=1, **data)
            self.assertEqual(self.seen.pop(), {key: value for key, value in data.items() if value is not None})


class TransactionTests(DispatchTestCase, TransactionTestCase):
    available_apps = []

    def test_a_transaction_that_is_left_open_is_rolled_back(self):
        def consumer(message):
            self.seen.append(connection.in_atomic_block)
            connection.ensure_connection()
            transaction.atomic().__enter__()

        def run():
            try:
                for _ in range(2):
                    self.handle(consumer)
                self.seen.append(connection.in_atomic_block)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual(self.seen, [False, False, False])
        self.assertLogged('A consumer left a transaction of the database default open')

    @unittest.skipUnless(KNOWS_MADE_CONNECTIONS, 'Django makes them itself.')
    def test_a_thread_whose_consumers_have_no_use_for_a_database_makes_no_connection(self):
        """Django would look at it with each request."""
        def run():
            self.handle(lambda message: None)
            self.seen.append(made_connections())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual(self.seen, [[]])

    def test_a_transaction_that_was_open_before_is_left_alone(self):
        """A client of a project's own sends the signals in a TestCase."""
        def run():
            try:
                for sent in ([consumer_finished], [consumer_started, consumer_finished], [consumer_finished]):
                    with transaction.atomic():
                        wrapped = connection.connection
                        for each in sent:
                            each.send(sender=type(self))
                        self.seen.append(connection.in_atomic_block and connection.connection is wrapped)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual(self.seen, [True, True, True])


class LogTests(SimpleTestCase):

    def setUp(self):
        self.root, self.parent = logging.getLogger(), logging.getLogger('channelstests')
        self.logger = logging.getLogger('channelstests.worker')
        self.stream = six.StringIO()

    def tearDown(self):
        for logger in (self.parent, self.logger):
            logger.handlers, logger.propagate = [], True
            logger.setLevel(logging.NOTSET)

    def consoles(self):
        return [handler for handler in self.logger.handlers if isinstance(handler, logging.StreamHandler)]

    def test_handlers_above_hear_of_it(self):
        self.parent.addHandler(logging.StreamHandler(self.stream))
        setup_logger('channelstests.worker').info('heard')
        self.assertEqual(self.stream.getvalue(), 'heard\n')
        self.assertTrue(self.logger.propagate)

    def test_a_console_above_is_the_only_one(self):
        self.parent.addHandler(logging.StreamHandler())
        setup_logger('channelstests.worker')
        self.assertEqual(self.consoles(), [])

    def test_a_console_above_that_says_nothing_is_none(self):
        silent = logging.StreamHandler()
        silent.setLevel(logging.ERROR)
        self.parent.addHandler(silent)
        setup_logger('channelstests.worker')
        self.assertEqual(len(self.consoles()), 1)
        # A second command in the process adds no second one.
        setup_logger('channelstests.worker')
        self.assertEqual(len(self.consoles()), 1)

    def test_a_project_with_handlers_of_the_root_logger_has_decided(self):
        handler = logging.StreamHandler(self.stream)
        handlers, self.root.handlers = self.root.handlers, [handler]
        level = self.root.level
        try:
            self.root.setLevel(logging.WARNING)
            logger = setup_logger('channelstests.worker')
            logger.info('not asked for')
            logger.warning('heard')
            self.assertEqual((self.consoles(), self.stream.getvalue()), ([], 'heard\n'))
            setup_logger('channelstests.worker', 2).debug('asked for')
            self.assertEqual((self.consoles(), self.stream.getvalue()), ([], 'heard\nasked for\n'))
        finally:
            self.root.handlers = handlers
            self.root.setLevel(level)

    def test_the_console_of_django_repeats_nothing_of_the_root_loggers(self):
        django = logging.getLogger('django')
        root, own = logging.StreamHandler(), logging.StreamHandler()
        own.addFilter(RequireDebugTrue())
        handlers = self.root.handlers, django.handlers
        try:
            self.root.handlers, django.handlers = [root], [own]
            setup_logger('django.channelstests')
            # A second command in the process changes nothing.
            setup_logger('django.channelstests')
            with override_settings(DEBUG=True):
                self.assertEqual(self.who_writes(logging.INFO), [root])
                root.setLevel(logging.WARNING)
                self.assertEqual(self.who_writes(logging.INFO), [own])
                self.assertEqual(self.who_writes(logging.ERROR), [root])
                # Django's own lines come as they do without channels.
                self.assertEqual(self.who_writes(logging.ERROR, 'django.request'), [root, own])
        finally:
            self.root.handlers, django.handlers = handlers

    def test_what_is_asked_for_comes_beside_the_console_of_django(self):
        django = logging.getLogger('django')
        own = logging.StreamHandler()
        own.setLevel(logging.INFO)
        own.addFilter(RequireDebugTrue())
        handlers = self.root.handlers, django.handlers
        logger = logging.getLogger('django.channelstests')
        self.addCleanup(logger.setLevel, logger.level)
        self.addCleanup(setattr, logger, 'handlers', logger.handlers)
        logger.handlers = []
        try:
            self.root.handlers, django.handlers = [], [own]
            with override_settings(DEBUG=True):
                setup_logger('django.channelstests')
                self.assertEqual(logger.handlers, [])
                setup_logger('django.channelstests', 2)
                # A second command in the process changes nothing.
                setup_logger('django.channelstests', 2)
                added, = logger.handlers
                for level, writing in ((logging.DEBUG, [added]), (logging.INFO, [own]), (logging.ERROR, [own])):
                    self.assertEqual([
                        handler for handler in (added, own)
                        if level >= handler.level and handler.filter(logging.LogRecord('', level, '', 0, '', (), None))
                    ], writing)
        finally:
            self.root.handlers, django.handlers = handlers

    def who_writes(self, level, name='django.channelstests'):
        record = logging.LogRecord(name, level, __file__, 0, '', (), None)
        return [
            handler for handler in self.root.handlers + logging.getLogger('django').handlers
            if handler.level <= level and handler.filter(record)
        ]

    def test_the_level_of_the_project_stays(self):
        self.logger.setLevel(logging.WARNING)
        setup_logger('channelstests.worker')
        self.assertEqual(self.logger.level, logging.WARNING)
        setup_logger('channelstests.worker', 2)
        self.assertEqual(self.logger.level, logging.DEBUG)
