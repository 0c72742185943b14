"""Tests of sessions and users for messages."""
from __future__ import absolute_import, unicode_literals

from django.channels import auth, outbox, sessions
from django.channels.exceptions import ConsumeLater
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.channels.routing import route
from django.channels.test.linting import exempt
from django.channels.worker import DROPPED, Worker
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import TestCase, override_settings

from .logs import LogTestCase

SIGNED_COOKIES = 'django.contrib.sessions.backends.signed_cookies'


class SessionTestCase(TestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer()

    def message(self, channel='websocket.receive', cookie=None, **content):
        content.setdefault('reply_channel', 'p!a')
        if cookie:
            content['headers'] = [[b'host', b'x'], [b'cookie', cookie.encode('ascii')]]
        return Message(content, channel, self.layer)

    def http_session(self, **values):
        session = SessionStore()
        session.update(values)
        session.save()
        return session

    def cookie(self, session):
        return 'a=b; %s=%s' % (settings.SESSION_COOKIE_NAME, session.session_key)


class ChannelSessionTests(SessionTestCase):

    def test_it_lasts_from_message_to_message_of_a_reply_channel(self):
        @sessions.channel_session
        def count(message):
            message.channel_session['n'] = message.channel_session.get('n', 0) + 1
            return message.channel_session['n']

        self.assertEqual([count(self.message()) for _ in range(3)], [1, 2, 3])
        self.assertEqual(count(self.message(reply_channel='p!b')), 1)
        self.assertEqual(sessions.session_for_reply_channel('p!a')['n'], 3)

    def test_methods_can_be_decorated(self):
        class Consumer(object):
            @sessions.channel_session
            def receive(self, message, n):
                message.channel_session['n'] = n
                return self

        consumer = Consumer()
        self.assertIs(consumer.receive(self.message(), n=5), consumer)
        self.assertEqual(sessions.session_for_reply_channel('p!a')['n'], 5)

    def test_nothing_is_kept_of_a_consumer_that_raises(self):
        @sessions.channel_session
        def consumer(message):
            message.channel_session['n'] = 1
            raise RuntimeError()

        with self.assertRaises(RuntimeError):
            consumer(self.message())
        self.assertNotIn('n', sessions.session_for_reply_channel('p!a'))

    def test_a_session_that_is_only_read_is_not_made(self):
        sessions.channel_session(lambda message: message.channel_session.get('n'))(self.message())
        session = sessions.session_for_reply_channel('p!a')
        self.assertFalse(session.exists(session.session_key))

    def test_the_slower_of_two_first_messages_is_put_back(self):
        @sessions.channel_session
        def consumer(message):
            message.channel_session['n'] = 1
            if message.get('race'):
                consumer(self.message())

        with self.assertRaises(ConsumeLater):
            consumer(self.message(race=True))

    def test_a_message_without_a_reply_channel_has_no_session(self):
        with self.assertRaisesMessage(ValueError, 'needs a message with a reply_channel; task has none'):
            sessions.channel_session(lambda message: None)(Message({}, 'task', self.layer))

    def test_what_is_no_message_is_refused(self):
        with self.assertRaisesMessage(TypeError, 'must be called with a message'):
            sessions.channel_session(lambda message: None)('text')

    @override_settings(CHANNEL_SESSION_ENGINE=SIGNED_COOKIES)
    def test_cookies_are_no_place_for_it(self):
        with self.assertRaisesMessage(ValueError, 'set CHANNEL_SESSION_ENGINE to another backend'):
            sessions.session_for_reply_channel('p!a')

    @override_settings(SESSION_ENGINE=SIGNED_COOKIES, CHANNEL_SESSION_ENGINE='django.contrib.sessions.backends.file')
    def test_the_engine_can_be_another_one_than_for_http(self):
        self.assertEqual(
            type(sessions.session_for_reply_channel('p!a')).__module__, 'django.contrib.sessions.backends.file'
        )


class HttpSessionTests(SessionTestCase):

    def test_the_cookie_names_it(self):
        session = self.http_session(colour='red')
        consumer = sessions.http_session(lambda message: message.http_session)
        self.assertEqual(consumer(self.message(cookie=self.cookie(session)))['colour'], 'red')

    def test_the_query_string_can_name_it(self):
        session = self.http_session(colour='red')
        for query in ('a=b&session_key=%s', '?session_key=%s'[1:]):
            message = self.message(query_string=(query % session.session_key).encode('ascii'))
            self.assertEqual(sessions.http_session(lambda message: message.http_session)(message)['colour'], 'red')

    def test_there_may_be_none(self):
        consumer = sessions.http_session(lambda message: message.http_session)
        for message in (self.message(), self.message(cookie='a=b'), self.message(headers=[], query_string=b'')):
            self.assertIsNone(consumer(message))

    def test_a_change_is_saved(self):
        session = self.http_session(colour='red')

        @sessions.http_session
        def consumer(message):
            message.http_session['colour'] = 'blue'

        consumer(self.message(cookie=self.cookie(session)))
        self.assertEqual(SessionStore(session.session_key)['colour'], 'blue')

    def test_it_is_at_hand_for_the_life_of_the_socket(self):
        session = self.http_session(colour='red')
        consumer = sessions.channel_and_http_session(lambda message: message.http_session['colour'])
        self.assertEqual(consumer(self.message('websocket.connect', cookie=self.cookie(session))), 'red')
        session['colour'] = 'blue'
        session.save()
        self.assertEqual(consumer(self.message()), 'blue')


class UserTests(SessionTestCase):

    def setUp(self):
        super(UserTests, self).setUp()
        self.user = User.objects.create_user('ann', 'ann@example.com')

    def login(self):
        values = {SESSION_KEY: str(self.user.pk), BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0]}
        if hasattr(self.user, 'get_session_auth_hash'):
            values[HASH_SESSION_KEY] = self.user.get_session_auth_hash()
        return self.http_session(**values)

    def test_the_handshake_has_the_user_of_the_http_session(self):
        message = self.message('websocket.connect', cookie=self.cookie(self.login()))
        self.assertEqual(auth.http_session_user(lambda message: message.user)(message), self.user)

    def test_without_a_session_the_user_is_anonymous(self):
        for decorator in (
            auth.http_session_user, auth.channel_session_user, auth.channel_session_user_from_http,
            auth.channel_and_http_session_user_from_http,
        ):
            user = decorator(lambda message: message.user)(self.message('websocket.connect'))
            self.assertFalse(user.pk, decorator)

    # Django before 1.10 looks at the hash only with this middleware.
    @override_settings(MIDDLEWARE_CLASSES=['django.contrib.auth.middleware.SessionAuthenticationMiddleware'])
    def test_a_forged_session_is_anonymous(self):
        session = self.login()
        session[HASH_SESSION_KEY] = 'x' * 40
        session.save()
        message = self.message('websocket.connect', cookie=self.cookie(session))
        self.assertIsNone(auth.http_session_user(lambda message: message.user)(message).pk)

    def test_the_user_of_the_handshake_is_that_of_the_frames(self):
        connect = auth.channel_session_user_from_http(lambda message: message.user)
        receive = auth.channel_session_user(lambda message: message.user)
        message = self.message('websocket.connect', cookie=self.cookie(self.login()))
        self.assertEqual(connect(message), self.user)
        self.assertEqual(receive(self.message()), self.user)
        self.assertIsNone(receive(self.message(reply_channel='p!b')).pk)

    def test_nothing_a_frame_says_changes_its_user(self):
        connect = auth.channel_session_user_from_http(lambda message: message.user)
        receive = auth.channel_session_user(lambda message: message.user)
        connect(self.message('websocket.connect'))
        frame = self.message(cookie=self.cookie(self.login()), user=self.user.pk, text='{"user": "ann"}')
        self.assertIsNone(receive(frame).pk)

    def test_the_live_session_follows_a_logout(self):
        session = self.login()
        consumer = auth.channel_and_http_session_user_from_http(lambda message: message.user)
        connect = self.message('websocket.connect', cookie=self.cookie(session))
        self.assertEqual(consumer(connect), self.user)
        session.flush()
        self.assertIsNone(consumer(self.message()).pk)

    def test_transfer_takes_a_logged_out_user_away(self):
        target = {SESSION_KEY: '1', BACKEND_SESSION_KEY: 'x', 'other': 1}
        auth.transfer_user({}, target)
        self.assertEqual(target, {'other': 1})


@exempt('path')
class OrderingTests(LogTestCase, SessionTestCase):

    def setUp(self):
        super(OrderingTests, self).setUp()
        self.seen = []

        @sessions.enforce_ordering
        def consumer(message):
            self.seen.append(message['order'])

        self.consumer = consumer

    def message(self, **content):
        return super(OrderingTests, self).message(path='/', text='', **content)

    def work(self):
        while True:
            channel, content = self.layer.receive(['websocket.receive', 'websocket.connect'])
            if channel is None:
                return
            self.consumer(Message(content, channel, self.layer))

    def test_early_messages_wait_for_those_before_them(self):
        for order in (2, 1, 3, 0, 4):
            self.consumer(self.message(order=order))
        self.work()
        self.assertEqual(self.seen, [0, 1, 2, 3, 4])
        self.assertEqual(self.layer.global_statistics()['messages_pending'], 0)

    def test_a_message_that_fails_holds_up_nobody_and_leaves_nothing(self):
        @sessions.enforce_ordering
        def consumer(message):
            self.seen.append(message['order'])
            message.channel_session['from'] = message['order']
            if message['order'] == 1:
                raise ZeroDivisionError()
        self.consumer = consumer
        for order in (0, 2):
            consumer(self.message(order=order))
        with self.assertRaises(ZeroDivisionError):
            consumer(self.message(order=1))
        self.assertEqual(sessions.session_for_reply_channel('p!a')['from'], 0)
        self.work()
        self.assertEqual(self.seen, [0, 1, 2])

    def test_a_send_that_fails_holds_up_nobody_either(self):
        @sessions.enforce_ordering
        def consumer(message):
            self.seen.append(message['order'])
            if message['order'] == 0:
                message.reply_channel.send({'__asgi_channel__': 'which layers refuse'})
        with self.assertRaises(ValueError), outbox.buffered():
            consumer(self.message(order=0))
        consumer(self.message(order=1))
        self.assertEqual(self.seen, [0, 1])

    def test_a_message_that_is_put_back_keeps_its_turn(self):
        @sessions.enforce_ordering
        def consumer(message):
            self.seen.append(message['order'])
            if len(self.seen) == 1:
                raise ConsumeLater()
        self.consumer = consumer
        with self.assertRaises(ConsumeLater):
            consumer(self.message(order=0))
        consumer(self.message(order=1))
        consumer(self.message(order=0))
        self.work()
        self.assertEqual(self.seen, [0, 0, 1])

    def test_a_full_channel_loses_nothing_that_waited(self):
        self.layer = InMemoryChannelLayer(capacity=2)
        for order in (2, 1):
            self.consumer(self.message(order=order))
        for name in ('p!b', 'p!c'):
            self.layer.send('websocket.receive', {'reply_channel': name, 'path': '/', 'text': '', 'order': 1})
        self.consumer(self.message(order=0))
        self.consumer(self.message(order=3))
        self.work()
        self.assertEqual(self.seen, [0, 1, 2, 3])

    @override_settings(CHANNEL_SEND_TIMEOUT=0.1)
    def test_a_full_channel_of_a_layer_that_takes_nothing_back_holds_up_nobody(self):
        class Layer(InMemoryChannelLayer):
            @property
            def give_back(self):
                raise AttributeError('give_back')
        self.layer = Layer(capacity=1)
        self.consumer(self.message(order=1))
        self.layer.send('websocket.receive', {'reply_channel': 'p!b', 'path': '/', 'text': '', 'order': 1})
        self.consumer(self.message(order=0))
        self.assertLogged('waited for the one before it was dropped')
        self.consumer(self.message(order=2))
        self.assertEqual(self.seen, [0, 2])

    def test_a_consumer_that_exits_holds_up_nobody(self):
        @sessions.enforce_ordering
        def consumer(message):
            self.seen.append(message['order'])
            if message['order'] == 0:
                raise SystemExit()
        with self.assertRaises(SystemExit):
            consumer(self.message(order=0))
        consumer(self.message(order=1))
        self.assertEqual(self.seen, [0, 1])

    def test_a_message_that_is_put_back_too_often_holds_up_nobody(self):
        @sessions.enforce_ordering
        def consumer(message):
            self.seen.append(message['order'])
            if message['order'] == 0:
                raise ConsumeLater()
        self.consumer = consumer
        layer = ChannelLayerWrapper(self.layer, 'default', [route('websocket.receive', consumer)])
        worker = Worker(layer, message_retries=0, signal_handlers=False)
        consumer(self.message(order=1))
        self.assertEqual(worker.handle('websocket.receive', self.message(order=0).content), DROPPED)
        self.work()
        self.assertEqual(self.seen, [0, 1])

    def test_sockets_do_not_wait_for_each_other(self):
        self.consumer(self.message(order=1))
        self.consumer(self.message(order=0, reply_channel='p!b'))
        self.assertEqual(self.seen, [0])

    def test_a_message_without_an_order_is_refused(self):
        with self.assertRaisesMessage(ValueError, 'needs a message with an order'):
            self.consumer(self.message())

    def test_there_is_no_slight_mode(self):
        with self.assertRaisesMessage(ValueError, 'no slight mode'):
            sessions.enforce_ordering(slight=True)
