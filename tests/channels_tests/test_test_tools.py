"""Tests of the tools for tests."""
from __future__ import absolute_import, unicode_literals

import functools
import importlib
import sys
import unittest
import warnings

from django.channels import Channel, Group, route
from django.channels.auth import channel_session_user, channel_session_user_from_http, http_session_user
from django.channels.compat import RemovedAfterNextVersionWarning
from django.channels.exceptions import ConsumeLater, DenyConnection, InvalidChannelLayerError, WebsocketCloseException
from django.channels.layers import ChannelLayerWrapper, channel_layers
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.channels.routing import null_consumer
from django.channels.sessions import channel_session, enforce_ordering, http_session
from django.channels.test import (
    ChannelTestCase, ChannelTestCaseMixin, Client, HttpClient, TransactionChannelTestCase, WSClient, apply_routes,
)
from django.channels.test.linting import exempt
from django.contrib.auth.models import User
from django.db import connection
from django.http.cookie import parse_cookie
from django.test import SimpleTestCase, modify_settings, override_settings


def layers(**aliases):
    return {
        alias: {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': routing}
        for alias, routing in aliases.items()
    }


def echo(message):
    message.reply_channel.send({'text': message['text']})


def accept(message, **kwargs):
    message.reply_channel.send({'accept': True})


class ChannelTestCaseTests(SimpleTestCase):

    def setUp(self):
        self.real = {alias: ChannelLayerWrapper(InMemoryChannelLayer(), alias, []) for alias in ('default', 'other')}
        settings = override_settings(CHANNEL_LAYERS=layers(default=[route('task', echo)], other=[]))
        settings.enable()
        self.addCleanup(settings.disable)
        for alias, layer in self.real.items():
            channel_layers.set(alias, layer)
        self.addCleanup(channel_layers.reset)
        # Defined here, where the runner doesn't find it.
        seen = self.seen = []

        class Case(ChannelTestCaseMixin, SimpleTestCase):
            test_channel_aliases = ['default', 'other']

            def runTest(self):
                seen.append(channel_layers['default'])
                Channel('task').send({'n': 1})
                Channel('task', alias='other').send({'n': 2})
                with override_settings(CHANNEL_LAYERS=layers(default=[route('later', echo)], other=[])):
                    seen.append(channel_layers['default'])

        self.case = Case

    def errors(self, case):
        result = unittest.TestResult()
        unittest.TestSuite([case(), case()]).run(result)
        return [text for test, text in result.errors + result.failures]

    def test_each_test_has_layers_of_its_own_and_the_real_ones_see_nothing(self):
        self.assertEqual(self.errors(self.case), [])
        self.assertEqual(len(set(map(id, self.seen))), 4)
        for alias, layer in self.real.items():
            self.assertIs(channel_layers[alias], layer)
            self.assertEqual(layer.global_statistics()['messages_count'], 0)

    def test_they_have_the_routing_of_the_settings_also_when_those_change(self):
        self.assertEqual(self.errors(self.case), [])
        first, second = self.seen[:2]
        self.assertIn('task', first.router.channels)
        self.assertIn('later', second.router.channels)

    def test_the_layer_of_an_unknown_alias_is_an_error(self):
        class Case(self.case):
            test_channel_aliases = ['default', 'missing']

            def runTest(self):
                channel_layers['missing']

        self.assertIn("There is no channel layer 'missing'", self.errors(Case)[0])

    def test_they_come_back_after_an_error_in_the_setup_of_the_class(self):
        class Case(self.case):
            @classmethod
            def setUpClass(cls):
                super(Case, cls).setUpClass()
                cls.tearDownClass()
                raise RuntimeError('planned')

        self.assertIn('planned', self.errors(Case)[0])
        self.assertIs(channel_layers['default'], self.real['default'])


class WithoutSettingsTests(ChannelTestCaseMixin, SimpleTestCase):

    def test_a_reusable_app_needs_no_channel_layers(self):
        with override_settings(CHANNEL_LAYERS={}), apply_routes([route('task', echo)]):
            client = Client()
            client.send_and_consume('task', {'text': 'x'})
            self.assertEqual(client.receive(), {'text': 'x'})


class SetUpTestDataTests(ChannelTestCase):

    @classmethod
    def setUpTestData(cls):
        Channel('task').send({'n': 1})
        cls.kind = type(channel_layers['default'].channel_layer).__name__

    def test_what_it_sends_stays_in_memory_and_out_of_the_tests(self):
        self.assertEqual(self.kind, 'InMemoryChannelLayer')
        self.assertIsNone(self.get_next_message('task'))


class GetNextMessageTests(ChannelTestCaseMixin, SimpleTestCase):

    def test_messages_come_in_order_and_then_none(self):
        Channel('task').send({'n': 1})
        Channel('task').send({'n': 2})
        message = self.get_next_message('task')
        self.assertEqual((message['n'], message.channel.name), (1, 'task'))
        self.assertEqual(self.get_next_message('task', require=True)['n'], 2)
        self.assertIsNone(self.get_next_message('task'))

    def test_a_message_can_be_required(self):
        with self.assertRaisesMessage(AssertionError, 'Expected a message on channel task, got none.'):
            self.get_next_message('task', require=True)

    def test_a_client_of_a_process_leaves_the_messages_of_the_others(self):
        for n, channel in enumerate(['p!a', 'p!b', 'p!a', 'p!b']):
            Channel(channel).send({'n': n})
        self.assertEqual(self.get_next_message('p!b')['n'], 1)
        self.assertEqual(self.get_next_message('p!b')['n'], 3)
        self.assertIsNone(self.get_next_message('p!b'))
        self.assertEqual([self.get_next_message('p!a')['n'] for _ in range(2)], [0, 2])


class TransactionTests(TransactionChannelTestCase):
    available_apps = ['django.contrib.contenttypes', 'django.contrib.auth']

    def test_layers_are_in_memory(self):
        Channel('task').send({})
        self.assertFalse(connection.in_atomic_block)
        self.assertEqual(self.get_next_message('task', require=True).content, {})


class ApplyRoutesTests(ChannelTestCaseMixin, SimpleTestCase):

    def consumers(self):
        return channel_layers['default'].router.root.routing

    def test_as_a_context_it_nests_and_comes_off(self):
        before = channel_layers['default']
        with apply_routes([route('a', echo)]):
            with apply_routes(route('b', echo)):
                self.assertEqual([r.channels for r in self.consumers()], [['b']])
            self.assertEqual([r.channels for r in self.consumers()], [['a']])
            # The messages stay, only where they go is another matter.
            self.assertIs(channel_layers['default'].channel_layer, before.channel_layer)
        self.assertIs(channel_layers['default'], before)

    @apply_routes({'a': echo}, aliases=['default'])
    def test_as_a_decorator(self):
        """A docstring, which stays."""
        self.assertEqual([r.channels for r in self.consumers()], [['a']])

    def test_a_decorated_class_has_the_routes_in_each_test(self):
        seen = []

        @apply_routes([route('a', echo)])
        class Case(ChannelTestCaseMixin, SimpleTestCase):
            def setUp(self):
                seen.append([r.channels for r in channel_layers['default'].router.root.routing])

            def runTest(self):
                pass

        result = unittest.TestResult()
        unittest.TestSuite([Case(), Case()]).run(result)
        self.assertEqual(result.errors, [])
        self.assertEqual(seen, [[['a']], [['a']]])
        self.assertEqual(self.consumers(), [])

    def test_who_held_the_layer_before_has_the_routes_too(self):
        client = Client()
        held, sent = client.channel_layer, []
        held.send = lambda channel, message: sent.append(channel)
        self.addCleanup(delattr, held, 'send')
        with apply_routes([route('a', lambda message: Channel('b').send({}))]):
            self.assertIsNotNone(held.router.match(Message({}, 'a', held)))
            Channel('b').send({})
        self.assertEqual(sent, ['b'])
        self.assertIsNone(held.router.match(Message({}, 'a', held)))

    def test_an_unknown_alias_is_refused(self):
        with self.assertRaisesMessage(InvalidChannelLayerError, "There is no channel layer 'missing'"):
            apply_routes([], aliases=['missing']).__enter__()


@exempt('order', 'path')
class ClientTests(ChannelTestCase):

    def test_it_sends_consumes_and_receives(self):
        client = Client()
        with apply_routes([route('echo', echo)]):
            client.send('echo', {'text': 'a'})
            client.consume('echo')
            client.send_and_consume('echo', {'text': 'b'})
        self.assertEqual(client.receive(), {'text': 'a'})
        self.assertEqual(client.receive(), {'text': 'b'})
        self.assertIsNone(client.receive())

    def test_it_returns_what_the_consumer_returns(self):
        with apply_routes([route('task', lambda message, n: n, n='(?P<n>.)')]):
            self.assertEqual(Client().send_and_consume('task', {'n': 5}), '5')

    def test_clients_do_not_read_each_others_replies(self):
        one, other = Client(), Client()
        with apply_routes([route('echo', echo)]):
            one.send_and_consume('echo', {'text': 'a'})
        self.assertIsNone(other.receive())

    def test_it_can_be_in_a_group(self):
        client = Client()
        client.join_group('room')
        Group('room').send({'n': 1})
        self.assertEqual(client.receive(), {'n': 1})

    def test_it_takes_messages_from_any_channel(self):
        Channel('other').send({'n': 1})
        self.assertEqual(Client().get_next_message('other')['n'], 1)

    def test_it_finds_the_consumer_of_a_channel(self):
        with apply_routes([route('echo', echo)]):
            self.assertIs(Client().get_consumer_by_channel('echo'), echo)
            self.assertIsNone(Client().get_consumer_by_channel('nothing'))

    def test_without_message_or_route_it_fails_unless_told_otherwise(self):
        client = Client()
        with self.assertRaisesMessage(AssertionError, 'There is no message on channel task.'):
            client.consume('task')
        with self.assertRaisesMessage(AssertionError, 'No route fits <Message on task'):
            client.send_and_consume('task')
        self.assertIsNone(client.consume('task', fail_on_none=False))
        self.assertIsNone(client.send_and_consume('task', fail_on_none=False))

    def test_a_frame_for_which_there_is_only_the_default_has_no_route(self):
        """A worker ignores it; a test with a mistake in its path is not to pass."""
        with apply_routes([route('websocket.receive', echo, path='^/chat/$')]):
            with self.assertRaisesMessage(AssertionError, 'No route fits <Message on websocket.receive'):
                WSClient().send_and_consume('websocket.receive', path='/cat/', text='x')
            WSClient().send_and_consume('websocket.receive', path='/cat/', text='x', fail_on_none=False)
            WSClient().send_and_consume('websocket.disconnect', {'code': 1000}, path='/chat/')
        with apply_routes([route('websocket.receive', null_consumer)]):
            WSClient().send_and_consume('websocket.receive', path='/cat/', text='x')

    def test_what_a_consumer_raises_is_raised_and_its_sends_are_dropped(self):
        def consumer(message):
            Channel('done').send({})
            raise {'retry': ConsumeLater, 'bug': KeyError}[message['kind']]('planned')

        with apply_routes([route('task', consumer)]):
            with self.assertRaises(KeyError):
                Client().send_and_consume('task', {'kind': 'bug'})
            with self.assertRaises(ConsumeLater):
                Client().send_and_consume('task', {'kind': 'retry'})
        self.assertIsNone(self.get_next_message('done'))

    def test_what_acts_on_the_socket_does_so(self):
        def close(message):
            raise WebsocketCloseException(4000)

        client = Client()
        with apply_routes([route('websocket.receive', close)]):
            client.send_and_consume('websocket.receive', {'text': ''})
        self.assertEqual(client.receive(), {'close': 4000})

    def test_the_transaction_and_the_queries_of_the_test_are_left_alone(self):
        def consumer(message):
            return User.objects.count()

        User.objects.create_user('ann')
        with apply_routes([route('task', consumer)]):
            with self.assertNumQueries(2):
                self.assertEqual(Client().send_and_consume('task'), 1)
                self.assertEqual(Client().send_and_consume('task'), 1)

    def test_it_gets_pages(self):
        client = Client()
        client.send_and_consume('http.request', {
            'http_version': '1.1', 'method': 'GET', 'path': '/missing/', 'query_string': b'',
            'headers': [[b'host', b'testserver']],
        })
        self.assertEqual(client.receive()['status'], 404)

    def test_it_can_be_of_another_layer(self):
        with override_settings(CHANNEL_LAYERS=layers(default=[], other=[route('echo', echo)])):
            client = Client(alias='other')
            client.send_and_consume('echo', {'text': 'a'})
            self.assertEqual(client.receive(), {'text': 'a'})


@exempt('order')
class WSClientTests(ChannelTestCaseMixin, SimpleTestCase):

    def test_text_is_json_both_ways(self):
        client = WSClient()
        with apply_routes([route('websocket.receive', echo)]):
            client.send_and_consume('websocket.receive', text={'a': [1]})
            self.assertEqual(client.receive(), {'a': [1]})
            client.send_and_consume('websocket.receive', text='"raw"')
            self.assertEqual(client.receive(json=False), '"raw"')
            client.send_and_consume('websocket.receive', {'text': '5'})
            self.assertEqual(client.receive(), 5)

    def test_what_is_no_text_comes_whole(self):
        client = WSClient()
        Channel(client.reply_channel).send({'bytes': b'x'})
        Channel(client.reply_channel).send({'close': True})
        self.assertEqual(client.receive(), {'bytes': b'x'})
        self.assertEqual(client.receive(), {'close': True})
        self.assertIsNone(client.receive())

    def test_the_path_holds_on_and_the_query_does_not(self):
        client = WSClient()
        client.send('websocket.connect', path='/room/?a=b')
        client.send('websocket.receive', text='x')
        connect, receive = self.get_next_message('websocket.connect'), self.get_next_message('websocket.receive')
        self.assertEqual((connect['path'], connect['query_string']), ('/room/', b'a=b'))
        self.assertEqual((receive['path'], receive['query_string']), ('/room/', b''))

    def test_headers_and_cookies_are_sent_along(self):
        client = WSClient()
        client.set_header('Origin', 'http://x')
        client.set_cookie('foo', 'not-bar')
        client.set_cookie('foo', 'bar')
        client.set_cookie('qux', 'qu;x')
        client._began = True
        client.send('task')
        headers = dict(map(tuple, self.get_next_message('task')['headers']))
        self.assertEqual(headers[b'origin'], b'http://x')
        self.assertEqual(parse_cookie(str(headers[b'cookie'].decode('ascii'))), {'foo': 'bar', 'qux': 'qu;x'})
        with self.assertRaisesMessage(ValueError, 'Cookies are set with set_cookie()'):
            client.set_header('Cookie', 'a=b')

    def test_order_is_counted_on_request(self):
        client = WSClient(ordered=True)
        for _ in range(2):
            client.send('task')
        self.assertEqual([self.get_next_message('task')['order'] for _ in range(2)], [0, 1])
        with self.assertRaisesMessage(ValueError, 'The order is counted by the client'):
            client.send('task', {'order': 5})


@exempt('order')
class SocketTests(ChannelTestCase):

    def connect(self, consumer, **options):
        with apply_routes([route('websocket.connect', consumer)]):
            client = WSClient()
            return client, client.send_and_consume('websocket.connect', **options)

    def test_a_connection_has_to_be_accepted(self):
        def deny(message):
            raise DenyConnection()

        def say(message):
            message.reply_channel.send({'text': '"hello"'})

        def accept_and_say(message):
            message.reply_channel.send({'accept': True, 'text': '"hello"'})

        client, _ = self.connect(accept)
        self.assertIsNone(client.receive())
        for consumer in (say, accept_and_say):
            client, _ = self.connect(consumer)
            self.assertEqual(client.receive(), 'hello')
        for consumer in (deny, lambda message: None):
            # Tests of the 1.x family expect either.
            for expected in (AssertionError, DenyConnection):
                with self.assertRaisesMessage(expected, 'Connection rejected: '):
                    self.connect(consumer)
        client, _ = self.connect(deny, check_accept=False)
        self.assertEqual(client.receive(), {'close': True})

    def test_a_visitor_is_anonymous_until_login(self):
        user = User.objects.create_user('ann', password='secret')
        client = WSClient()
        with apply_routes([route('websocket.connect', http_session_user(lambda message: message.user))]):
            consume = functools.partial(client.send_and_consume, 'websocket.connect', check_accept=False)
            self.assertIsNone(consume().pk)
            self.assertFalse(client.login(username='ann', password='wrong'))
            self.assertIsNone(consume().pk)
            self.assertTrue(client.login(username='ann', password='secret'))
            self.assertEqual(consume(), user)

    def test_a_user_can_be_logged_in_without_a_password(self):
        user = User.objects.create_user('ann')
        client = WSClient()
        client.force_login(user)

        @channel_session_user_from_http
        def connect(message):
            accept(message)
            return message.user

        @channel_session_user
        def receive(message):
            return message.user

        with apply_routes([route('websocket.connect', connect), route('websocket.receive', receive)]):
            self.assertEqual(client.send_and_consume('websocket.connect'), user)
            self.assertEqual(client.send_and_consume('websocket.receive', text='x'), user)

    def test_an_inactive_user_can_not_log_in(self):
        User.objects.create_user('ann', password='secret')
        User.objects.update(is_active=False)
        self.assertFalse(WSClient().login(username='ann', password='secret'))

    def test_its_session_is_that_of_the_cookie_and_of_the_channel(self):
        client = WSClient()
        client.session['colour'] = 'red'
        client.session.save()

        @channel_session
        @http_session
        def consumer(message):
            accept(message)
            return message.channel_session['colour'], message.http_session['colour']

        with apply_routes([route('websocket.connect', consumer)]):
            self.assertEqual(client.send_and_consume('websocket.connect'), ('red', 'red'))

    @override_settings(CHANNEL_SESSION_ENGINE='django.contrib.sessions.backends.file')
    def test_with_two_engines_it_is_that_of_the_cookie(self):
        client = WSClient()
        client.session['colour'] = 'red'
        client.session.save()
        consumer = http_session(lambda message: message.http_session['colour'])
        with apply_routes([route('task', consumer)]):
            self.assertEqual(client.send_and_consume('task'), 'red')

    @modify_settings(INSTALLED_APPS={'remove': ['django.contrib.sessions', 'django.contrib.admin']})
    def test_without_the_sessions_app_it_has_none(self):
        with self.assertRaisesMessage(EnvironmentError, "'django.contrib.sessions' in INSTALLED_APPS"):
            WSClient().session
        self.assertEqual(WSClient().get_cookies(), {})

    def test_ordered_messages_fit_a_consumer_that_insists(self):
        seen = []
        consumer = enforce_ordering(lambda message: seen.append(message['order']))
        client = WSClient(ordered=True)
        with apply_routes([route('task', consumer)]):
            client.send('task')
            client.send('task')
            client.consume('task')
            client.consume('task')
        self.assertEqual(seen, [0, 1])


class DeprecationTests(SimpleTestCase):

    def warnings_of(self, action):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            action()
        return [(warning.category, str(warning.message)) for warning in caught]

    def test_the_name_http_client_warns(self):
        self.assertTrue(issubclass(HttpClient, WSClient))
        self.assertEqual(
            self.warnings_of(HttpClient),
            [(RemovedAfterNextVersionWarning, 'HttpClient is deprecated: use WSClient.')]
        )

    def test_the_module_tests_warns_and_has_the_same_names(self):
        def load():
            sys.modules.pop('django.channels.tests', None)
            self.tests = importlib.import_module('django.channels.tests')

        self.assertEqual(
            self.warnings_of(load),
            [(RemovedAfterNextVersionWarning, 'channels.tests is deprecated: import from channels.test.')]
        )
        self.assertIs(self.tests.Client, Client)
