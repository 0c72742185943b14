"""Sessions, users and origins (parity A.5)."""
from __future__ import absolute_import, unicode_literals

from channels import auth, channel_layers
from channels.exceptions import ConsumeLater, DenyConnection
from channels.routing import route
from channels.security.websockets import AllowedHostsOnlyOriginValidator, BaseOriginValidator, allowed_hosts_only
from channels.sessions import (
    channel_and_http_session, channel_session, enforce_ordering, http_session, session_for_reply_channel,
)
from django.conf import settings
from django.contrib import auth as django_auth
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test.utils import override_settings

from .cases import attempt, case, cases, plain
from .tools import layer, message, received, work

SESSION_DECORATORS = {
    'channel_session': channel_session, 'http_session': http_session,
    'channel_and_http_session': channel_and_http_session, 'enforce_ordering': enforce_ordering,
    'channel_session_user': auth.channel_session_user, 'http_session_user': auth.http_session_user,
    'channel_session_user_from_http': auth.channel_session_user_from_http,
    'channel_and_http_session_user_from_http': auth.channel_and_http_session_user_from_http,
}


def connect(**more):
    return message({'path': '/', 'headers': [], 'order': 0}, 'websocket.connect', **more)


def site_session(user=None, **values):
    """Return a session of the site, saved, in which `user` is logged in."""
    session = SessionStore()
    session.update(values)
    if user is not None:
        session[django_auth.SESSION_KEY] = str(user.pk)
        session[django_auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[django_auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session


def cookie(session):
    return [[b'cookie', ('a=b; %s=%s' % (settings.SESSION_COOKIE_NAME, session.session_key)).encode('ascii')]]


def make_user(name='ann'):
    return get_user_model().objects.create_user(name, 'ann@example.com', 'secret')


for _name, _decorator in SESSION_DECORATORS.items():
    cases(_name, {
        'returns what the consumer returns, or nothing':
            lambda d=_decorator: d(lambda message: 5)(connect()) in (5, None),
        'keeps the name': lambda d=_decorator: d(attempt).__name__,
        'hands arguments on': lambda d=_decorator: d(_keep_arguments)(connect(), room='x') in (None, {'room': 'x'}),
        'without a message': lambda d=_decorator: d(lambda message: 5)(),
        'with something else': lambda d=_decorator: d(lambda message: 5)('message'),
        'message by keyword': lambda d=_decorator: d(lambda message: 5)(message=connect()) in (5, None),
        'no message': lambda d=_decorator: d(lambda message: 5)({'path': '/'}),
        'lets errors through': lambda d=_decorator: d(_fail)(connect()),
        'lets ConsumeLater through': lambda d=_decorator: d(_later)(connect()),
    })


def _keep_arguments(message, **kwargs):
    return kwargs


def _fail(message):
    raise ZeroDivisionError()


def _later(message):
    raise ConsumeLater()


@channel_session
def count(message):
    message.channel_session['n'] = message.channel_session.get('n', 0) + 1
    return message.channel_session['n']


@case('channel_session: it lasts')
def channel_session_lasts():
    found = [count(message()), count(message()), count(message(reply_channel='reply!b'))]
    return found + [session_for_reply_channel('reply!a')['n'], session_for_reply_channel('reply!a').session_key]


def _first(action):
    """Have the first consumer of a socket call `action`, and return what the second finds."""
    consumer = channel_session(lambda message: action(message.channel_session))
    consumer(connect())
    session = session_for_reply_channel('reply!a')
    return {key: value for key, value in session.items()}


def _save(session):
    session['a'] = 1
    session.save()


def _save_and_change(session):
    _save(session)
    session['b'] = 2


def _flush(session):
    session['a'] = 1
    session.flush()


def _cycle(session):
    session['a'] = 1
    session.cycle_key()


def _delete(session):
    session['a'] = 1
    del session['a']


def _copy():
    copy = session_for_reply_channel('reply!a')
    copy['b'] = 1
    return copy


def _save_copy(session):
    _copy().save()


def _save_copy_and_change(session):
    _save_copy(session)
    session['a'] = 1


def _save_and_change_inside(session):
    session['a'] = []
    session.save()
    session['a'].append(1)


def _save_then_copy(session):
    copy = _copy()
    _save(session)
    copy.save()


cases('channel_session in the first consumer', {
    'save a copy': lambda: _first(_save_copy), 'save a copy and change': lambda: _first(_save_copy_and_change),
    'save and then a copy': lambda: _first(_save_then_copy),
    'save and change inside': lambda: _first(_save_and_change_inside),
    'save': lambda: _first(_save), 'save and change': lambda: _first(_save_and_change),
    'flush': lambda: _first(_flush), 'cycle_key': lambda: _first(_cycle), 'delete': lambda: _first(_delete),
    'nothing': lambda: _first(len if False else dict),
    'set_expiry': lambda: sorted(_first(lambda session: session.set_expiry(60))),
    'setdefault': lambda: _first(lambda session: session.setdefault('a', 1)),
    'set_test_cookie': lambda: sorted(_first(lambda session: session.set_test_cookie())),
    'session_key': lambda: _first(lambda session: session.update({'k': session.session_key})),
    'exists': lambda: _first(lambda session: session.update({'k': session.exists(session.session_key)})),
})


@case('channel_session: without a reply channel')
def channel_session_without():
    return count(message({'reply_channel': None}))


@case('channel_session: a consumer that fails keeps what it wrote')
def channel_session_failing():
    @channel_session
    def consumer(message):
        message.channel_session['a'] = 1
        raise ZeroDivisionError()
    return [attempt(consumer, message()), session_for_reply_channel('reply!a').get('a')]


@case('channel_session: decorated twice')
def channel_session_twice():
    @channel_session
    @channel_session
    def consumer(message):
        message.channel_session['a'] = 1
    consumer(message())
    return session_for_reply_channel('reply!a')['a']


@case('channel_session: methods')
def channel_session_method():
    class Consumer(object):
        @channel_session
        def receive(self, message, n):
            message.channel_session['n'] = n
            return n
    return [Consumer().receive(message(), 3), session_for_reply_channel('reply!a')['n']]


@case('channel_session: engines')
def channel_session_engines():
    found = []
    for engine in ('db', 'cache', 'cached_db', 'signed_cookies'):
        with override_settings(CHANNEL_SESSION_ENGINE='django.contrib.sessions.backends.' + engine):
            found.append(attempt(count, message(reply_channel='reply!' + engine)))
    return found


@case('channel_session: rows after the socket')
def rows_after():
    count(connect())
    channel_session(lambda message: None)(message({}, 'websocket.disconnect'))
    return Session.objects.count()


@channel_session
def login(message):
    user = make_user()
    user.backend = settings.AUTHENTICATION_BACKENDS[0]
    request = type(str('Request'), (object,), {'session': message.channel_session, 'META': {}, 'user': None})()
    django_auth.login(request, user)


@case('channel_session: a login in the first consumer, and the next message')
def channel_session_login():
    login(connect())
    return auth.channel_session_user(lambda message: message.user.username)(message())


@http_session
def colour(message):
    return message.http_session and message.http_session.get('colour')


cases('http_session', {
    'cookie': lambda: colour(connect(headers=cookie(site_session(colour='red')))),
    'no cookie': lambda: colour(connect()),
    'no headers': lambda: colour(message({'path': '/'})),
    'headers as a dict': lambda: colour(connect(headers={'cookie': cookie(site_session(colour='red'))[0][1]})),
    'query': lambda: colour(connect(query_string=('session_key=' + site_session(colour='red').session_key))),
    'query in bytes': lambda: colour(
        connect(query_string=('session_key=' + site_session(colour='red').session_key).encode('ascii'))),
    'unknown key': lambda: colour(connect(headers=[[b'cookie', b'sessionid=' + b'x' * 32]])),
    'two cookie headers': lambda: colour(connect(headers=[[b'cookie', b'a=b']] + cookie(site_session(colour='red')))),
    'without a path': lambda: colour(message({'headers': []})),
})


@case('http_session: the query wins over the cookie')
def query_wins():
    one, two = site_session(colour='red'), site_session(colour='blue')
    return colour(connect(headers=cookie(one), query_string='session_key=' + two.session_key))


@case('http_session: a change is saved')
def http_session_saved():
    session = site_session(colour='red')

    @http_session
    def change(message):
        message.http_session['colour'] = 'blue'
    change(connect(headers=cookie(session)))
    return SessionStore(session.session_key)['colour']


@case('http_session: what is written to one that is gone')
def http_session_gone():
    @http_session
    def change(message):
        message.http_session['colour'] = 'blue'
    change(connect(headers=[[b'cookie', b'sessionid=' + b'x' * 32]]))
    return Session.objects.count()


@case('channel_and_http_session: later messages have it')
def both_later():
    session = site_session(colour='red')
    consumer = channel_and_http_session(
        lambda message: [message.http_session['colour'], message.channel_session is not None])
    return [consumer(connect(headers=cookie(session))), consumer(message({'path': '/'}))]


@case('channel_and_http_session: without a session')
def both_without():
    consumer = channel_and_http_session(lambda message: message.http_session)
    return [consumer(connect()), consumer(message({'path': '/'}))]


@case('channel_and_http_session: a socket that was opened on Channels 1.1.8')
def both_before():
    stored = session_for_reply_channel('reply!a')
    stored[settings.SESSION_COOKIE_NAME] = site_session(colour='red').session_key
    stored.save(must_create=True)
    return channel_and_http_session(lambda message: message.http_session['colour'])(message({'path': '/'}))


def name_of(message):
    return message.user.username


def logged_in(decorator, **more):
    return decorator(name_of)(connect(headers=cookie(site_session(make_user())), **more))


cases('users', {
    'http_session_user': lambda: logged_in(auth.http_session_user),
    'channel_session_user_from_http': lambda: logged_in(auth.channel_session_user_from_http),
    'both from http': lambda: logged_in(auth.channel_and_http_session_user_from_http),
    'channel_session_user': lambda: logged_in(auth.channel_session_user),
    'anonymous by http': lambda: auth.http_session_user(name_of)(connect()),
    'anonymous by channel': lambda: auth.channel_session_user(name_of)(connect()),
    'attributes': lambda: auth.channel_session_user_from_http(
        lambda message: [hasattr(message, name) for name in ('user', 'channel_session', 'http_session')])(connect()),
    'attributes of channel_session_user': lambda: auth.channel_session_user(
        lambda message: [hasattr(message, name) for name in ('user', 'channel_session', 'http_session')])(connect()),
})


@case('users: the frames have the user of the handshake')
def user_of_frames():
    logged_in(auth.channel_session_user_from_http)
    return [auth.channel_session_user(name_of)(message()),
            auth.channel_session_user(name_of)(message(reply_channel='reply!b'))]


@case('users: frames with the live session')
def user_of_live():
    logged_in(auth.channel_and_http_session_user_from_http)
    return auth.channel_and_http_session_user_from_http(name_of)(message({'path': '/'}))


@case('users: a changed password')
def changed_password():
    user = make_user()
    session = site_session(user)
    user.set_password('other')
    user.save()
    found = auth.channel_session_user_from_http(name_of)(connect(headers=cookie(session)))
    return [found, Session.objects.filter(pk=session.session_key).exists()]


@case('users: a password that is changed while the socket is open')
def changed_password_later():
    logged_in(auth.channel_session_user_from_http)
    user = get_user_model().objects.get()
    user.set_password('other')
    user.save()
    return auth.channel_session_user(name_of)(message())


@case('users: a log-out while the socket is open')
def logged_out_later():
    session = site_session(make_user())
    auth.channel_session_user_from_http(name_of)(connect(headers=cookie(session)))
    SessionStore(session.session_key).flush()
    return auth.channel_session_user(name_of)(message())


KEYS = (django_auth.SESSION_KEY, django_auth.BACKEND_SESSION_KEY, django_auth.HASH_SESSION_KEY)


def transferred(source, target=None):
    target = target or {}
    auth.transfer_user(source, target)
    return target


cases('transfer_user', {
    'all': lambda: transferred({key: key for key in KEYS}),
    'other keys stay': lambda: transferred(dict({key: key for key in KEYS}, other=1), {'mine': 1}),
    'nobody': lambda: transferred({'other': 1}, {'mine': 1}),
    'nobody to somebody': lambda: sorted(transferred({}, {key: key for key in KEYS})),
    'keyword arguments': lambda: auth.transfer_user(from_session={}, to_session={}),
})


def _ordered(orders, function=None):
    done = []

    def consumer(message):
        done.append(plain(message['order']))
        if function is not None:
            function(message)
    with layer([route('websocket.receive', enforce_ordering(consumer))]) as wrapped:
        for order in orders:
            wrapped.send('websocket.receive', {'reply_channel': 'reply!a', 'order': order, 'path': '/'})
        work(wrapped, 3 * len(orders))
    return done


cases('enforce_ordering', {
    'in order': lambda: _ordered([0, 1, 2]), 'out of order': lambda: _ordered([2, 0, 1]),
    'reversed': lambda: _ordered([2, 1, 0]), 'with a gap': lambda: _ordered([0, 2]),
    'order as text': lambda: _ordered(['0', '1']),
    'a number twice': lambda: _ordered([0, 0, 1]),
    'without order': lambda: enforce_ordering(lambda message: None)(message()),
    'slight': lambda: enforce_ordering(slight=True),
    'slight around': lambda: enforce_ordering(lambda message: None, slight=True),
    'with brackets': lambda: enforce_ordering(slight=False)(lambda message: None)(message(order=0)),
    'a consumer that fails': lambda: _ordered([0, 1], _fail),
    'a consumer that defers': lambda: _ordered([0], _later)[:1],
})


class NotEvil(BaseOriginValidator):

    def validate_origin(self, message, origin):
        return origin not in ('http://evil.example',)


class Touches(BaseOriginValidator):

    def validate_origin(self, message, origin):
        return origin.startswith('http')


def origin(decorator, *headers):
    try:
        return decorator(lambda message: 'let in')(connect(headers=list(headers)))
    except DenyConnection:
        return 'denied'


for _decorator in (NotEvil, Touches, allowed_hosts_only):
    cases('origin by ' + _decorator.__name__, {
        'good': lambda d=_decorator: origin(d, [b'origin', b'http://example.com']),
        'evil': lambda d=_decorator: origin(d, [b'origin', b'http://evil.example']),
        'missing': lambda d=_decorator: origin(d),
        'empty': lambda d=_decorator: origin(d, [b'origin', b'']),
        'not ASCII': lambda d=_decorator: origin(d, [b'origin', b'http://evil.example\xe4']),
        'null': lambda d=_decorator: origin(d, [b'origin', b'null']),
        'twice': lambda d=_decorator: origin(
            d, [b'origin', b'http://example.com'], [b'origin', b'http://evil.example'],
        ),
        'port': lambda d=_decorator: origin(d, [b'origin', b'http://example.com:8000']),
        'header without value': lambda d=_decorator: origin(d, [b'origin']),
        'a header without anything': lambda d=_decorator: origin(d, [], [b'origin', b'http://example.com']),
    })
cases('origin', {
    'get_header': lambda: NotEvil(attempt).get_header(connect(headers=[[b'x', b'1']]), b'x')[0],
    'get_header of none': lambda: NotEvil(attempt).get_header(connect(), b'x'),
    'headers as a dict': lambda: [
        attempt(lambda name=name: NotEvil(lambda message: 'let in')(connect(headers={'origin': name})))
        for name in (b'http://example.com', b'http://evil.example')],
    'get_origin': lambda: NotEvil(attempt).get_origin(connect(headers=[[b'origin', b'http://x']])),
    'name': lambda: allowed_hosts_only(attempt).__name__,
    'same class': lambda: allowed_hosts_only is AllowedHostsOnlyOriginValidator,
    'base is abstract': lambda: attempt(origin, BaseOriginValidator, [b'origin', b'x'])['raised'] != [],
    'without headers': lambda: attempt(NotEvil(attempt), message())['raised'] != [],
    'keyword arguments': lambda: NotEvil(_keep_arguments)(connect(headers=[[b'origin', b'http://x']]), a=1),
})


@case('origin: debug without allowed hosts')
def origin_debug():
    with override_settings(DEBUG=True, ALLOWED_HOSTS=[]):
        return [origin(allowed_hosts_only, [b'origin', value]) for value in
                (b'http://localhost:8000', b'http://127.0.0.1', b'http://[::1]:80', b'http://example.com')]


cases('session_for_reply_channel', {
    'key': lambda: session_for_reply_channel('reply!a').session_key,
    'empty': lambda: sorted(session_for_reply_channel('reply!a').keys()),
    'layer is not asked': lambda: 'default' in channel_layers and session_for_reply_channel('x').get('a', 5),
    'received nothing': lambda: received(channel_layers['second'], 'a'),
})
