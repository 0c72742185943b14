"""Tests of sessions and users for messages."""
from __future__ import absolute_import, unicode_literals

from django.channels import auth, outbox, session_stores, sessions, waiting_room
from django.channels.channel_sessions import end_session
from django.channels.exceptions import ConsumeLater
from django.channels.generic.websockets import WebsocketConsumer
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.channels.routing import route
from django.channels.test.linting import exempt
from django.channels.worker import DROPPED, Worker
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, login as django_login
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from .clocks import ManualClock
from .logs import LogTestCase
from .order_watches import OrderWatchTestCase

SIGNED_COOKIES = 'django.contrib.sessions.backends.signed_cookies'


class SessionTestCase(OrderWatchTestCase, TestCase):

    def setUp(self):
        super(SessionTestCase, self).setUp()
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

    def test_a_session_that_a_program_has_opened_itself_is_saved(self):
        first = sessions.session_for_reply_channel('p!a')
        first['a'] = 1
        first.save()
        message = self.message()
        message.channel_session = sessions.session_for_reply_channel('p!a')
        sessions.channel_session(lambda message: message.channel_session.update({'b': 2}))(message)
        self.assertEqual(dict(sessions.session_for_reply_channel('p!a').items()), {'a': 1, 'b': 2})

    def test_so_is_one_that_a_test_puts_on_a_message(self):
        message = self.message(order=0)
        message.channel_session = session = self.http_session(a=1)
        sessions.enforce_ordering(lambda message: message.channel_session.update({'b': 2}))(message)
        self.assertEqual(SessionStore(session.session_key)['b'], 2)

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


class KeptKeyTests(LogTestCase, SessionTestCase):
    """Whatever is called on a channel session, it stays the session of its socket."""

    engines = ['db', 'cache', 'cached_db', 'file']

    def each_engine(self):
        for engine in self.engines:
            with override_settings(CHANNEL_SESSION_ENGINE='django.contrib.sessions.backends.' + engine):
                # The cache outlives the test.
                yield engine, 'p!%s.%s' % (engine, self._testMethodName[-60:])

    def run_with_session(self, action, reply_channel, channel='websocket.receive'):
        @sessions.channel_session
        def consumer(message):
            return action(message.channel_session)
        return consumer(self.message(channel, reply_channel=reply_channel))

    def test_the_first_consumer_of_a_socket_can_call_anything(self):
        def save(session):
            session['a'] = 1
            session.save()

        def save_twice(session):
            save(session)
            session['a'] = 1
            session.save()

        def cycle_key(session):
            session['a'] = 1
            session.cycle_key()

        def create(session):
            session.create()
            session['a'] = 1

        def flush_and_go_on(session):
            session['b'] = 1
            session.flush()
            session['a'] = 1

        def save_then_flush_and_go_on(session):
            save(session)
            flush_and_go_on(session)

        for engine, reply_channel in self.each_engine():
            for number, action in enumerate(
                (save, save_twice, cycle_key, create, flush_and_go_on, save_then_flush_and_go_on)
            ):
                name = '%s%d' % (reply_channel, number)
                self.run_with_session(action, name)
                self.assertEqual(
                    self.run_with_session(lambda session: dict(session.items()), name), {'a': 1}, (engine, action)
                )
                # And again, now that there is one.
                self.run_with_session(action, name)
                self.assertEqual(
                    self.run_with_session(lambda session: dict(session.items()), name), {'a': 1}, (engine, action)
                )

    def test_the_first_consumer_of_a_socket_can_open_the_session_twice(self):
        def other():
            return sessions.session_for_reply_channel(self.reply_channel)

        def save_the_other(session):
            copy = other()
            copy['b'] = 1
            copy.save()

        def save_both(session):
            save_the_other(session)
            session['a'] = 1

        def save_this_first(session):
            copy = other()
            session['a'] = 1
            session.save()
            copy['b'] = 1
            copy.cycle_key()

        def flush_the_other(session):
            save_the_other(session)
            other().flush()
            session['a'] = 1

        for engine, reply_channel in self.each_engine():
            # As under Channels 1.x, the last to be saved wins: the consumer's
            # own, if it was changed.
            for number, (action, expected) in enumerate((
                (save_the_other, {'b': 1}), (save_both, {'a': 1}), (save_this_first, {'a': 1}),
                (flush_the_other, {'a': 1}),
            )):
                self.reply_channel = '%s%d' % (reply_channel, number)
                self.run_with_session(action, self.reply_channel)
                self.assertEqual(dict(other().items()), expected, (engine, action))

    def test_what_is_changed_inside_after_a_save_is_kept(self):
        def consumer(session):
            session['a'] = []
            session.save()
            session['a'].append(1)

        for engine, reply_channel in self.each_engine():
            self.run_with_session(consumer, reply_channel)
            self.assertEqual(sessions.session_for_reply_channel(reply_channel)['a'], [1], engine)

    def test_a_copy_does_not_hide_that_another_message_made_the_session(self):
        def consumer(session):
            session['a'] = 1
            self.run_with_session(lambda session: session.update({'n': 1}), 'p!a')
            # This copy finds the session that the other message has made.
            copy = sessions.session_for_reply_channel('p!a')
            copy['b'] = 1
            copy.save()

        with self.assertRaises(ConsumeLater):
            self.run_with_session(consumer, 'p!a')
        self.assertEqual(dict(sessions.session_for_reply_channel('p!a').items()), {'n': 1, 'b': 1})

    def test_a_login_in_a_consumer_lasts_as_long_as_the_socket(self):
        user = User.objects.create_user('ann', 'ann@example.com')
        user.backend = settings.AUTHENTICATION_BACKENDS[0]

        @auth.channel_session_user
        def login(message):
            request = HttpRequest()
            request.session, request.user = message.channel_session, message.user
            django_login(request, user)

        who = auth.channel_session_user(lambda message: message.user.pk)
        for engine, reply_channel in self.each_engine():
            login(self.message(reply_channel=reply_channel))
            self.assertEqual(who(self.message(reply_channel=reply_channel)), user.pk, engine)

    def test_what_throws_the_user_away_leaves_the_order(self):
        for engine, reply_channel in self.each_engine():
            done = []

            @sessions.enforce_ordering
            def consumer(message):
                done.append(message['order'])
                message.channel_session.flush()

            for order in range(3):
                consumer(self.message(reply_channel=reply_channel, order=order))
            self.assertEqual(done, [0, 1, 2], engine)
            session = sessions.session_for_reply_channel(reply_channel)
            self.assertEqual(list(session.keys()), [session_stores.ORDER_KEY])

    def test_it_ends_with_its_socket(self):
        def write(session):
            session['a'] = 1

        for engine, reply_channel in self.each_engine():
            self.run_with_session(write, reply_channel, 'websocket.connect')
            self.assertEqual(self.run_with_session(dict, reply_channel, 'websocket.disconnect'), {'a': 1})
            self.assertTrue(sessions.session_for_reply_channel(reply_channel).must_create, engine)

    def test_it_ends_though_the_consumer_fails(self):
        self.run_with_session(lambda session: session.update({'a': 1}), 'p!a')
        with self.assertRaises(ZeroDivisionError):
            self.run_with_session(lambda session: 1 // 0, 'p!a', 'websocket.disconnect')
        self.assertEqual(Session.objects.count(), 0)

    def test_it_ends_where_no_consumer_is_named(self):
        self.run_with_session(lambda session: session.update({'a': 1}), 'p!a')
        layer = ChannelLayerWrapper(self.layer, 'default', [])
        content = {'reply_channel': 'p!a', 'path': '/', 'order': 1, 'code': 1000}
        self.assertEqual(Worker(layer, signal_handlers=False).handle('websocket.disconnect', content), 'handled')
        self.assertEqual(Session.objects.count(), 0)

    def test_it_ends_with_a_consumer_that_has_no_decorator(self):
        class Closing(WebsocketConsumer):
            def disconnect(self, message, **kwargs):
                pass

        for consumer in lambda message: None, Closing, lambda message: 1 // 0:
            self.run_with_session(lambda session: session.update({'a': 1}), 'p!a', 'websocket.connect')
            layer = ChannelLayerWrapper(self.layer, 'default', [route('websocket.disconnect', consumer)])
            Worker(layer, signal_handlers=False).handle('websocket.disconnect', self.closed(order=1).content)
            self.assertEqual(Session.objects.count(), 0)

    def test_it_lasts_for_a_consumer_that_has_no_decorator_and_comes_again(self):
        def later(message):
            raise ConsumeLater()

        self.run_with_session(lambda session: session.update({'a': 1}), 'p!a', 'websocket.connect')
        layer = ChannelLayerWrapper(self.layer, 'default', [route('websocket.disconnect', later)])
        content = self.closed(order=1).content
        self.assertEqual(Worker(layer, signal_handlers=False).handle('websocket.disconnect', content), 'deferred')
        self.assertEqual(Session.objects.count(), 1)

    def closed(self, **content):
        return self.message('websocket.disconnect', path='/', code=1000, **content)

    def ordered(self, order, closing):
        """Have the ordered message `order` handled, and `closing()` called meanwhile."""
        done = []

        @sessions.enforce_ordering
        def consumer(message):
            closing()
            done.append(message['order'])
        consumer(self.message(order=order, text='x'))
        return done

    def test_it_lasts_for_ordered_frames_that_a_disconnect_without_order_has_overtaken(self):
        for disconnect in sessions.channel_session(lambda message: None), end_session:
            closed = self.closed(order=4)
            self.assertEqual(self.ordered(0, lambda: None), [0])
            # Another worker takes it while the first frame is handled.
            self.assertEqual(self.ordered(1, lambda: disconnect(closed)), [1])
            self.assertEqual(self.ordered(2, lambda: None), [2])
            self.assertEqual(Session.objects.count(), 1)
            self.assertEqual(self.ordered(3, lambda: None), [3])
            self.assertEqual(Session.objects.count(), 0)

    def test_an_end_for_which_there_is_no_room_any_more_costs_no_frame(self):
        self.ordered(0, lambda: None)
        send, ends = self.layer.send, []

        def send_once(channel, content):
            if 'ends_session' in content:
                ends.append(content)
                if len(ends) > 1:
                    raise self.layer.ChannelFull()
            send(channel, content)
        self.layer.send = send_once
        self.assertEqual(self.ordered(1, lambda: end_session(self.closed(order=4))), [1])
        self.assertEqual((len(ends), Session.objects.count()), (2, 1))

    def test_it_ends_where_a_frame_that_a_disconnect_has_overtaken_never_comes(self):
        clock = ManualClock()
        watch = waiting_room.OrderWatch(waiting_room._look_after, clock)
        watch._thread = 'never started'
        self.addCleanup(setattr, waiting_room, '_watch', waiting_room._watch)
        waiting_room._watch = watch
        self.ordered(0, lambda: None)
        end_session(self.closed(order=3))
        clock.sleep(29)
        watch.look_once()
        self.assertEqual(Session.objects.count(), 1)
        clock.sleep(1)
        watch.look_once()
        self.assertEqual(Session.objects.count(), 0)

    def test_it_lasts_for_a_disconnect_that_waits_for_its_turn(self):
        seen = []
        ordered = sessions.enforce_ordering(lambda message: seen.append(message.channel_session.get('a')))

        @sessions.enforce_ordering
        def connect(message):
            message.channel_session['a'] = 1

        connect(self.message('websocket.connect', reply_channel='p!a', order=0))
        ordered(self.message('websocket.disconnect', reply_channel='p!a', order=2))
        self.assertEqual(Session.objects.count(), 1)
        ordered(self.message('websocket.receive', reply_channel='p!a', order=1))
        channel, content = self.layer.receive(['websocket.disconnect'])
        ordered(Message(content, channel, self.layer))
        self.assertEqual(seen, [1, 1])
        self.assertEqual(Session.objects.count(), 0)

    def test_a_frame_that_is_later_than_the_end_brings_nothing_back(self):
        @sessions.channel_session
        def receive(message):
            message.channel_session['b'] = 1
            self.run_with_session(dict, 'p!a', 'websocket.disconnect')

        self.run_with_session(lambda session: session.update({'a': 1}), 'p!a')
        receive(self.message())
        if hasattr(session_stores.base, 'UpdateError'):
            self.assertEqual(Session.objects.count(), 0)


class HttpSessionTests(LogTestCase, SessionTestCase):

    def test_the_cookie_names_it(self):
        session = self.http_session(colour='red')
        consumer = sessions.http_session(lambda message: message.http_session)
        self.assertEqual(consumer(self.message(cookie=self.cookie(session)))['colour'], 'red')

    def test_the_query_string_can_name_it_where_a_project_says_so(self):
        session = self.http_session(colour='red')
        other = self.http_session(colour='green')
        consumer = sessions.http_session(lambda message: message.http_session)
        for query in ('a=b&session_key=%s', '?session_key=%s'[1:]):
            query = (query % session.session_key).encode('ascii')
            self.assertIsNone(consumer(self.message(query_string=query)))
            with override_settings(CHANNEL_SESSION_KEY_IN_QUERY=True):
                self.assertEqual(consumer(self.message(query_string=query))['colour'], 'red')
                # As in Channels 1.x it wins over the cookie.
                message = self.message(query_string=query, cookie=self.cookie(other))
                self.assertEqual(consumer(message)['colour'], 'red')

    def test_the_headers_may_be_a_dict(self):
        session = self.http_session(colour='red')
        message = self.message(headers={'cookie': self.cookie(session).encode('ascii')})
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

    def test_a_change_is_saved_also_of_one_that_a_program_has_opened_itself(self):
        for decorator in (sessions.http_session, sessions.channel_and_http_session, auth.http_session_user):
            session = self.http_session(colour='red')
            message = self.message('websocket.connect', reply_channel='p!%s' % session.session_key)
            message.http_session = SessionStore(session.session_key)
            decorator(lambda message: message.http_session.update({'colour': 'blue'}))(message)
            self.assertEqual(SessionStore(session.session_key)['colour'], 'blue')

    def test_it_is_at_hand_for_the_life_of_the_socket(self):
        session = self.http_session(colour='red')
        consumer = sessions.channel_and_http_session(lambda message: message.http_session['colour'])
        self.assertEqual(consumer(self.message('websocket.connect', cookie=self.cookie(session))), 'red')
        session['colour'] = 'blue'
        session.save()
        self.assertEqual(consumer(self.message()), 'blue')

    def test_a_session_that_is_gone_is_not_written_under_a_key_that_nobody_has(self):
        def end(session):
            session.flush()

        def move(session):
            # Django 1.8 wants it loaded.
            session.keys()
            session.cycle_key()

        def write(message):
            message.http_session['n'] = message.http_session.get('n', 0) + 1

        def write_and_save(message):
            write(message)
            message.http_session.save()

        for leave in (end, move):
            for consumer in (write, write_and_save):
                session = self.http_session(colour='red')
                both = sessions.channel_and_http_session(consumer)
                socket = {'reply_channel': 'p!%s.%s' % (leave.__name__, consumer.__name__)}
                both(self.message('websocket.connect', cookie=self.cookie(session), **socket))
                leave(SessionStore(session.session_key))
                before = set(Session.objects.values_list('pk', flat=True))
                both(self.message(**socket))
                both(self.message(**socket))
                self.assertEqual(set(Session.objects.values_list('pk', flat=True)), before)
        self.assertEqual(self.log().count('is gone'), 8)

    def test_a_cookie_without_a_session_makes_none(self):
        @sessions.http_session
        def write(message):
            message.http_session['a'] = 1

        write(self.message(cookie='%s=%s' % (settings.SESSION_COOKIE_NAME, 'x' * 32)))
        self.assertLogged('is gone')
        self.assertEqual(Session.objects.count(), 0)

    def test_a_session_that_a_consumer_moves_is_followed(self):
        session = self.http_session(colour='red')

        @sessions.channel_and_http_session
        def move(message):
            message.http_session.cycle_key()
            message.http_session['moved'] = True

        read = sessions.channel_and_http_session(lambda message: dict(message.http_session.items()))
        move(self.message('websocket.connect', cookie=self.cookie(session)))
        self.assertEqual(read(self.message()), {'colour': 'red', 'moved': True})
        self.assertEqual(read(self.message()), {'colour': 'red', 'moved': True})

    def test_a_session_that_a_consumer_begins_anew_is_followed(self):
        session = self.http_session(colour='red')

        @sessions.channel_and_http_session
        def begin(message):
            message.http_session.flush()
            message.http_session['new'] = True

        begin(self.message('websocket.connect', cookie=self.cookie(session)))
        read = sessions.channel_and_http_session(lambda message: dict(message.http_session.items()))
        self.assertEqual(read(self.message()), {'new': True})

    def test_without_a_channel_session_nobody_follows(self):
        session = self.http_session(colour='red')

        @sessions.http_session
        def begin(message):
            message.http_session.flush()
            message.http_session['new'] = True

        begin(self.message('websocket.connect', cookie=self.cookie(session)))
        self.assertLogged('has ended that session')
        self.assertEqual(Session.objects.count(), 0)

    def test_the_session_of_a_socket_that_was_opened_under_channels_1_is_found(self):
        session = self.http_session(colour='red')
        channel_session = sessions.session_for_reply_channel('p!a')
        channel_session[settings.SESSION_COOKIE_NAME] = session.session_key
        channel_session.save()
        read = sessions.channel_and_http_session(lambda message: message.http_session['colour'])
        self.assertEqual(read(self.message()), 'red')


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

    @override_settings(MIDDLEWARE_CLASSES=['django.contrib.auth.middleware.SessionAuthenticationMiddleware'])
    def test_looking_for_the_user_leaves_the_session_as_it_is(self):
        """A rotated SECRET_KEY and a changed password alike: the visitor's next request finds his session."""
        session = self.login()
        session['cart'] = [1]
        session.save()
        old = settings.SECRET_KEY
        connects = [
            auth.http_session_user, auth.channel_session_user_from_http, auth.channel_and_http_session_user_from_http,
        ]
        with override_settings(SECRET_KEY='new' * 20, SECRET_KEY_FALLBACKS=[old]):
            found = set()
            for number, decorator in enumerate(connects):
                message = self.message('websocket.connect', cookie=self.cookie(session), reply_channel='p!%d' % number)
                found.add(decorator(lambda message: message.user.pk)(message))
            if hasattr(self.user, 'get_session_auth_fallback_hash'):
                self.assertEqual(found, {self.user.pk})
        self.user.set_password('changed')
        self.user.save()
        for number, decorator in enumerate(connects):
            message = self.message('websocket.connect', cookie=self.cookie(session), reply_channel='p!%d' % number)
            self.assertIsNone(decorator(lambda message: message.user.pk)(message))
        self.assertEqual(SessionStore(session.session_key)['cart'], [1])

    def test_the_user_of_the_handshake_is_that_of_the_frames(self):
        connect = auth.channel_session_user_from_http(lambda message: message.user)
        receive = auth.channel_session_user(lambda message: message.user)
        message = self.message('websocket.connect', cookie=self.cookie(self.login()))
        self.assertEqual(connect(message), self.user)
        self.assertEqual(receive(self.message()), self.user)
        self.assertIsNone(receive(self.message(reply_channel='p!b')).pk)

    def test_a_decorator_inside_of_another_sees_who_has_logged_in_or_out_since(self):
        inside = auth.channel_session_user(lambda message: message.user.pk)

        def log_in(message):
            auth.transfer_user(self.login(), message.channel_session)
            return inside(message)

        def log_out(message):
            message.channel_session.flush()
            return inside(message)

        self.assertEqual(auth.channel_session_user(log_in)(self.message()), self.user.pk)
        self.assertIsNone(auth.channel_session_user(log_out)(self.message()))

    def test_each_decorator_has_the_user_of_its_own_session(self):
        message = self.message('websocket.connect', cookie=self.cookie(self.login()))
        both = auth.channel_session_user(auth.http_session_user(lambda message: message.user.pk))
        self.assertEqual(both(message), self.user.pk)
        message = self.message('websocket.connect', cookie=self.cookie(self.login()), reply_channel='p!b')
        both = auth.http_session_user(auth.channel_session_user(lambda message: message.user.pk))
        self.assertIsNone(both(message))

    def test_who_has_been_looked_up_is_looked_up_once(self):
        message = self.message('websocket.connect', cookie=self.cookie(self.login()))
        consumer = auth.channel_session_user_from_http(auth.channel_session_user(auth.http_session_user(
            lambda message: message.user.pk)))
        with CaptureQueriesContext(connection) as queries:
            self.assertEqual(consumer(message), self.user.pk)
        self.assertEqual(len([query for query in queries if 'auth_user' in query['sql']]), 1)

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

    def test_a_socket_that_lost_a_message_is_closed_and_goes_on(self):
        clock = ManualClock()
        watch = waiting_room.OrderWatch(waiting_room._look_after, clock)
        watch._thread = 'never started'
        self.addCleanup(setattr, waiting_room, '_watch', waiting_room._watch)
        waiting_room._watch = watch
        self.consumer(self.message(order=0))
        # 1 is lost with its worker.
        for order in (3, 2):
            self.consumer(self.message(order=order))
        clock.now = 29.0
        watch.look_once()
        self.work()
        self.assertEqual((self.seen, self.layer.receive(['p!'])), ([0], (None, None)))
        clock.now = 31.0
        watch.look_once()
        self.work()
        self.assertEqual(self.seen, [0, 2, 3])
        self.assertEqual(self.layer.receive(['p!'])[1], {'close': 1011})
        self.assertLogged('Message 1 of the socket p!a is lost, its consumer takes more than ',
                          ', or lacks enforce_ordering (strict_ordering in a class): the socket is closed.')

    def test_the_thread_ends_with_the_process_whatever_waits(self):
        watch = waiting_room.OrderWatch(lambda message, order_seen: None)
        watch.add(self.message(order=2), 0, 60.0)
        thread = watch._thread
        self.assertTrue(thread.is_alive())
        watch.stop()
        self.assertFalse(thread.is_alive())
        # One that comes after that waits for nobody.
        watch.add(self.message(order=1), 0, 60.0)
        watch.stop()
        self.assertIsNone(watch._thread)

    def test_a_socket_that_gets_on_slowly_is_left_alone(self):
        clock = ManualClock()
        watch = waiting_room.OrderWatch(waiting_room._look_after, clock)
        watch._thread = 'never started'
        self.addCleanup(setattr, waiting_room, '_watch', waiting_room._watch)
        waiting_room._watch = watch
        self.consumer(self.message(order=2))
        self.consumer(self.message(order=0))
        clock.now = 31.0
        watch.look_once()
        self.assertEqual(self.layer.receive(['p!']), (None, None))
        self.consumer(self.message(order=1))
        clock.now = 62.0
        watch.look_once()
        self.work()
        self.assertEqual((self.seen, self.layer.receive(['p!']), self.log()), ([0, 1, 2], (None, None), ''))

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
            supports_requeue = False

            def requeue(self, messages):
                return list(messages)
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
        with self.assertRaisesMessage(ValueError, 'comes first anyway. Remove the decorator.'):
            sessions.enforce_ordering(slight=True)
