"""Tests of log-ins that end while a WebSocket is open."""
from __future__ import absolute_import, unicode_literals

import unittest

from django.apps.registry import Apps
from django.channels import auth, channel_layers, route, route_class, socket_users
from django.channels.compat.transactions import has_commit_hooks
from django.channels.generic.websockets import WebsocketConsumer
from django.channels.sessions import enforce_ordering
from django.channels.test import ChannelTestCase, WSClient, apply_routes
from django.conf import settings
from django.contrib.auth import SESSION_KEY, authenticate, login as django_login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.test import Client, override_settings

from .clocks import ManualClock
from .logs import LogTestCase


@auth.channel_session_user_from_http
def connect(message):
    message.reply_channel.send({'accept': True})


@auth.channel_session_user
def receive(message):
    message.reply_channel.send({'text': message.user.get_username() or 'nobody'})


@auth.channel_session_user
def disconnect(message):
    pass


class Consumer(WebsocketConsumer):
    http_user = True

    def receive(self, text=None, bytes=None, **kwargs):
        self.send(text=self.message.user.get_username() or 'nobody')


class Live(Consumer):
    http_user_and_session = True


FUNCTIONS = [
    route('websocket.connect', connect), route('websocket.receive', receive),
    route('websocket.disconnect', disconnect),
]
KINDS = [('functions', FUNCTIONS), ('http_user', [route_class(Consumer)]), ('live', [route_class(Live)])]
#: A close, with which the server refuses what comes after.
CLOSED = {'close': 3000}


@override_settings(
    CHANNEL_LAYERS={'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []}},
    PASSWORD_HASHERS=['django.contrib.auth.hashers.MD5PasswordHasher'],
)
class SocketUserCase(LogTestCase, ChannelTestCase):

    def setUp(self):
        super(SocketUserCase, self).setUp()
        self.user = User.objects.create_user('ann', password='old')

    def log_in(self):
        """Return a WSClient with the cookie of a browser that has logged in."""
        client = WSClient(ordered=True)
        client.browser = Client()
        client.browser.login(username='ann', password='old')
        client.set_cookie(settings.SESSION_COOKIE_NAME, client.browser.session.session_key)
        return client

    def open(self):
        client = self.log_in()
        client.send_and_consume('websocket.connect', path='/')
        return client

    def say(self, client):
        client.send_and_consume('websocket.receive', {'text': 'who?'})
        return client.receive(json=False)


@auth.channel_and_http_session_user_from_http
def log_in(message):
    request = HttpRequest()
    request.session = message.http_session
    if message.get('text') == 'login':
        django_login(request, authenticate(username='ann', password='old'))
    message.reply_channel.send({'text': message.http_session.get(SESSION_KEY, 'nobody')})


class OneSessionTests(SocketUserCase):
    """A WSClient whose session is the cookie's and the socket's in one."""

    def test_a_login_in_a_consumer_lasts(self):
        accept = auth.channel_and_http_session_user_from_http(connect)
        for opens, reads in ((accept, log_in), (enforce_ordering(accept), enforce_ordering(log_in))):
            with apply_routes([route('websocket.connect', opens), route('websocket.receive', reads)]):
                client = WSClient(ordered=True)
                client.session['x'] = 1
                client.session.save()
                client.send_and_consume('websocket.connect', path='/')
                for text, seen in (('first', 'nobody'), ('login', str(self.user.pk)), ('next', str(self.user.pk))):
                    client.send_and_consume('websocket.receive', {'text': text})
                    self.assertEqual(client.receive(json=False), seen)


class CheckedAgainTests(SocketUserCase):

    def each_kind(self):
        for kind, routes in KINDS:
            with apply_routes(routes):
                yield kind

    @override_settings(CHANNEL_USER_CHECK_INTERVAL=0)
    def test_a_frame_after_the_log_out_is_nobodys(self):
        for kind in self.each_kind():
            client = self.open()
            self.assertEqual(self.say(client), 'ann', kind)
            client.browser.logout()
            self.assertEqual(self.say(client), 'nobody', kind)

    @override_settings(CHANNEL_USER_CHECK_INTERVAL=0)
    def test_somebody_elses_log_in_is_not_that_of_the_socket(self):
        with apply_routes(FUNCTIONS):
            client = self.open()
            session = client.browser.session
            session['_auth_user_id'] = '%d' % User.objects.create_user('bob').pk
            session.save()
            self.assertEqual(self.say(client), 'nobody')

    @override_settings(CHANNEL_USER_CHECK_INTERVAL=None)
    def test_a_project_may_leave_it_at_the_handshake(self):
        with apply_routes(FUNCTIONS):
            client = self.open()
            client.browser.session.flush()
            self.assertEqual(self.say(client), 'ann')

    def test_it_is_checked_once_a_minute(self):
        clock = ManualClock()
        checks = socket_users.RecentChecks(clock=clock)
        self.assertTrue(checks.is_due('p!a', 60))
        checks.note('p!a')
        clock.now = 59
        self.assertFalse(checks.is_due('p!a', 60))
        self.assertTrue(checks.is_due('p!b', 60))
        clock.now = 60
        self.assertTrue(checks.is_due('p!a', 60))

    def test_between_checks_no_session_is_read(self):
        with apply_routes(FUNCTIONS):
            client = self.open()
            # The channel session and the user.
            with self.assertNumQueries(2):
                self.say(client)
            with override_settings(CHANNEL_USER_CHECK_INTERVAL=0), self.assertNumQueries(3):
                self.say(client)

    def test_what_is_remembered_is_bounded(self):
        checks = socket_users.RecentChecks(limit=2, clock=ManualClock())
        for name in 'abac':
            checks.note(name)
        self.assertEqual([checks.is_due(name, 60) for name in 'abc'], [False, True, False])

    @override_settings(CHANNEL_USER_CHECK_INTERVAL=0)
    def test_a_log_in_of_the_socket_itself_needs_no_http_session(self):
        @auth.channel_session_user
        def log_in(message):
            auth.transfer_user(self.values, message.channel_session)

        with apply_routes([route('websocket.connect', connect), route('websocket.receive', receive),
                           route('log.in', log_in)]):
            other = self.open()
            self.values = dict(other.browser.session.items())
            client = WSClient(ordered=True)
            client.send_and_consume('websocket.connect', path='/')
            client.send_and_consume('log.in', {'reply_channel': client.reply_channel})
            self.assertEqual(self.say(client), 'ann')


@override_settings(CHANNEL_CLOSE_ON_LOGOUT=True)
class ClosedTests(SocketUserCase):

    def setUp(self):
        super(ClosedTests, self).setUp()
        for kind, routes in KINDS[:1]:
            swapped = apply_routes(routes)
            swapped.__enter__()
            self.addCleanup(swapped.__exit__, None, None, None)

    def test_a_log_out_closes_the_sockets_of_that_browser(self):
        here, there = self.open(), self.open()
        here.browser.logout()
        self.assertEqual(here.receive(json=False), CLOSED)
        self.assertIsNone(there.receive(json=False))

    def test_a_new_password_closes_all_of_the_users_sockets(self):
        clients = [self.open(), self.open()]
        self.user.save()
        self.assertIsNone(clients[0].receive(json=False))
        self.user.set_password('new')
        self.user.save()
        self.assertEqual([client.receive(json=False) for client in clients], [CLOSED, CLOSED])

    def test_a_proxy_of_the_user_counts_as_the_user(self):
        class ProxyUser(User):
            class Meta:
                proxy = True
                app_label = 'auth'
                apps = Apps()

        client = self.open()
        socket_users.listen_to(ProxyUser)
        user = ProxyUser.objects.get(pk=self.user.pk)
        user.set_password('new')
        user.save(update_fields=['password'])
        self.assertEqual(client.receive(json=False), CLOSED)

    def test_a_log_in_elsewhere_closes_nothing_and_looks_up_nothing(self):
        client = self.open()
        user = User.objects.get(pk=self.user.pk)
        with self.assertNumQueries(1):
            user.save(update_fields=['last_login'])
        self.assertIsNone(client.receive(json=False))

    def test_so_does_the_end_of_an_account(self):
        client = self.open()
        self.user.is_active = False
        self.user.save()
        self.assertEqual(client.receive(json=False), CLOSED)
        self.user.is_active = True
        self.user.save()
        client = self.open()
        self.user.delete()
        self.assertEqual(client.receive(json=False), CLOSED)

    @unittest.skipUnless(has_commit_hooks(), 'This Django has no commit hooks.')
    def test_it_is_done_once_the_change_is_committed(self):
        def change():
            self.user.set_password('new')
            self.user.save()

        for end in (self.user.delete, change, lambda: client.browser.logout()):
            client = self.open()
            with transaction.atomic():
                end()
                self.assertIsNone(client.receive(json=False), 'A page that opens it again would be logged in.')
            self.assertEqual(client.receive(json=False), CLOSED)
            self.user = User.objects.filter(username='ann').first() or User.objects.create_user('ann')
            self.user.set_password('old')
            self.user.save()

    @unittest.skipUnless(has_commit_hooks(), 'This Django has no commit hooks.')
    def test_what_is_rolled_back_closes_nothing(self):
        client = self.open()
        with self.assertRaisesMessage(ValueError, 'no'), transaction.atomic():
            self.user.is_active = False
            self.user.save()
            raise ValueError('no')
        self.assertIsNone(client.receive(json=False))
        self.assertEqual(self.say(client), 'ann')

    def test_a_project_can_do_it_itself(self):
        client = self.open()
        auth.close_user_sockets(self.user, code=4001)
        self.assertEqual(client.receive(json=False), {'close': 4001})
        auth.close_session_sockets(client.browser.session.session_key)
        self.assertEqual(client.receive(json=False), CLOSED)

    def groups(self):
        names = [
            socket_users.user_group(self.user.pk), socket_users.session_group(self.session_key),
        ]
        return [len(channel_layers['default'].group_channels(name)) for name in names]

    def test_a_socket_that_has_closed_leaves_nothing_behind(self):
        client = self.open()
        self.session_key = client.browser.session.session_key
        self.assertEqual(self.groups(), [1, 1])
        client.send_and_consume('websocket.disconnect', {'code': 1000})
        self.assertEqual(self.groups(), [0, 0])

    def test_nor_does_one_that_is_refused(self):
        @auth.channel_session_user_from_http
        def refuse(message):
            self.before = self.groups()
            raise ValueError('no')

        with apply_routes([route('websocket.connect', refuse)]):
            client = self.log_in()
            self.session_key = client.browser.session.session_key
            with self.assertRaisesMessage(ValueError, 'no'):
                client.send_and_consume('websocket.connect', path='/')
        self.assertEqual((self.before, self.groups()), ([1, 1], [0, 0]))

    def test_it_costs_nothing_unless_it_is_asked_for(self):
        with override_settings(CHANNEL_CLOSE_ON_LOGOUT=False):
            client = self.open()
            self.session_key = client.browser.session.session_key
            self.assertEqual(self.groups(), [0, 0])
            client.browser.logout()
        self.assertIsNone(client.receive(json=False))

    def test_a_log_out_does_not_fail_with_the_layer(self):
        def fail(*args):
            raise RuntimeError('away')

        client = self.open()
        self.addCleanup(setattr, socket_users, '_close', socket_users._close)
        socket_users._close = fail
        client.browser.logout()
        # A test case calls what waits for a commit where it looks at messages.
        self.assertIsNone(client.receive(json=False))
        self.assertLogged('could not be closed', 'away')
        self.assertIsNone(client.browser.session.get('_auth_user_id'))
