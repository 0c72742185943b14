"""What programs of the 1.x era do with sessions, users, origins and class-based consumers (parity A.5 and A.6)."""
from __future__ import absolute_import, unicode_literals

import functools
import json
from datetime import datetime

from channels import Channel, Group, auth, include, route, route_class
from channels.generic.base import BaseConsumer
from channels.generic.websockets import JsonWebsocketConsumer, WebsocketConsumer, WebsocketDemultiplexer
from channels.security.websockets import BaseOriginValidator, allowed_hosts_only
from channels.sessions import (
    channel_and_http_session, channel_session, enforce_ordering, http_session, session_for_reply_channel,
)
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test.utils import override_settings

from .cases import attempt, case, cases
from .generic import FRAMES, drive, frame, texts
from .sessions import connect, cookie, make_user, name_of, origin, site_session
from .tools import layer, message, received, work


def stored():
    return {key: value for key, value in session_for_reply_channel('reply!a').items()}


def in_turn(*actions, **options):
    """Have a socket's consumers call `actions` on its channel session, one each; return what they return and leave."""
    decorator = options.pop('decorator', channel_session)
    name = options.pop('name', 'channel_session')
    found = []
    for number, action in enumerate(actions):
        consumer = decorator(lambda message, action=action: found.append(action(getattr(message, name))))
        consumer(connect(**options) if not number else message({'path': '/', 'order': number}, 'websocket.receive'))
    return found


def put(key, value):
    return lambda session: session.__setitem__(key, value)


def changed_list(session):
    session['list'] = session.get('list', []) + ['x']
    return len(session['list'])


def inside(session):
    session.setdefault('room', {})['name'] = 'tea'
    session.modified = True


cases('a channel session over several messages', {
    'a list that grows': lambda: in_turn(changed_list, changed_list, changed_list),
    'changed inside and marked': lambda: in_turn(inside, lambda session: session['room']),
    'changed inside, not marked': lambda: in_turn(
        put('a', []), lambda session: session['a'].append(1), lambda session: session['a']),
    'popped': lambda: in_turn(put('a', 1), lambda session: session.pop('a'), lambda session: session.get('a', 'gone')),
    'popped with a default': lambda: in_turn(lambda session: session.pop('a', 5)),
    'popped without one': lambda: in_turn(lambda session: session.pop('a')),
    'deleted key': lambda: in_turn(put('a', 1), lambda s: s.__delitem__('a'), lambda s: 'a' in s),
    'cleared': lambda: in_turn(put('a', 1), lambda s: s.clear(), lambda s: sorted(s.keys())),
    'cleared and filled': lambda: in_turn(
        put('a', 1), lambda s: (s.clear(), s.update({'b': 2})) and None, lambda s: dict(s.items())),
    'flushed later': lambda: in_turn(put('a', 1), lambda s: s.flush(), lambda s: sorted(s.keys())),
    'saved later': lambda: in_turn(put('a', 1), lambda s: (s.update({'b': 2}), s.save()) and None,
                                   lambda s: dict(s.items())),
    'the key stays': lambda: len(set(in_turn(*[lambda s: s.session_key] * 3))),
    'empty at first': lambda: in_turn(lambda s: [s.is_empty(), s.accessed, s.modified]),
    'values, items, has_key': lambda: in_turn(put('a', 1), lambda s: [
        sorted(s.keys()), sorted(s.values()), sorted(s.items()), s.has_key('a')]),  # NOQA: W601
    'keys that are numbers': lambda: in_turn(put(1, 'x'), lambda s: [s.get(1), s.get('1')]),
    'a tuple': lambda: in_turn(put('a', (1, 2)), lambda s: s['a']),
    'text of all kinds': lambda: in_turn(put('a', '\u00e4\u4e2d\U0001f600\x00'), lambda s: s['a']),
    'what is not JSON': lambda: in_turn(put('a', datetime(2017, 1, 1))),
    'expiry': lambda: in_turn(lambda s: s.set_expiry(300), lambda s: [
        s.get_expiry_age() <= 300, s.get_expire_at_browser_close()]),
    'expiry 0': lambda: in_turn(lambda s: (s.set_expiry(0), s.update({'a': 1})) and None, lambda s: s.get('a')),
    'expiry in the past': lambda: in_turn(
        lambda s: (s.set_expiry(-100), s.update({'a': 1})) and None, lambda s: s.get('a')),
    'load': lambda: in_turn(put('a', 1), lambda s: s.load()),
    'test cookie': lambda: in_turn(lambda s: s.set_test_cookie(), lambda s: [
        s.test_cookie_worked(), s.delete_test_cookie(), s.test_cookie_worked()]),
    'with a user': lambda: in_turn(
        lambda s: sorted(s.keys()), lambda s: sorted(s.keys()), decorator=auth.channel_session_user_from_http,
        headers=cookie(site_session(make_user()))),
    'pickled': lambda: pickled(),
    'in files': lambda: in_files(),
    'in a cache': lambda: in_cache(),
})


def pickled():
    with override_settings(SESSION_SERIALIZER='django.contrib.sessions.serializers.PickleSerializer'):
        return in_turn(put('a', datetime(2017, 1, 1)), lambda s: s['a'].year, lambda s: s.save())


def in_files():
    with override_settings(SESSION_ENGINE='django.contrib.sessions.backends.file'):
        return in_turn(changed_list, changed_list, lambda s: s.flush() and None)[:2]


def in_cache():
    with override_settings(SESSION_ENGINE='django.contrib.sessions.backends.cache'):
        return in_turn(changed_list, changed_list, lambda s: s.save(), lambda s: s['list'], lambda s: s.flush())[:4]


@case('a channel session: other consumers of the same socket see it')
def others_see():
    in_turn(put('room', 'tea'))
    return [stored()['room'], in_turn(lambda s: s['room'])]


@case('a channel session: from outside of a consumer')
def from_outside():
    session = session_for_reply_channel('reply!a')
    session['a'] = 1
    session.save(must_create=True)
    other = session_for_reply_channel('reply!a')
    other['b'] = 2
    other.save()
    return in_turn(lambda s: dict(s.items()))


@case('a channel session: one for each reply channel')
def one_each():
    keys = {session_for_reply_channel(name).session_key for name in ('reply!a', 'reply!b', 'reply!A', 'reply:a')}
    return [len(keys), {len(key) for key in keys}]


def orders(first, second):
    return lambda: [attempt(first(second(lambda message: [message.channel_session is not None, hasattr(
        message, 'http_session')])), connect()), attempt(second(first(lambda message: 'in')), connect())]


cases('decorators around each other', {
    'channel_session, http_session': orders(channel_session, http_session),
    'enforce_ordering, channel_session_user': orders(enforce_ordering, auth.channel_session_user),
    'from_http, enforce_ordering': orders(auth.channel_session_user_from_http, enforce_ordering),
    'both from http, channel_session': orders(auth.channel_and_http_session_user_from_http, channel_session),
    'http_session_user, channel_session': orders(auth.http_session_user, channel_session),
    'origin, channel_session': lambda: attempt(
        channel_session(allowed_hosts_only(lambda message: 'in')),
        connect(headers=[[b'origin', b'http://example.com']])),
    'a partial': lambda: attempt(
        channel_session(functools.partial(lambda room, message: [room, message.channel_session is not None], 'x')),
        connect()),
    'an object that can be called': lambda: attempt(channel_session(Callable()), connect()),
    'doc, module and attributes': lambda: [
        getattr(channel_session(documented), name) for name in ('__doc__', '__module__', 'flag')],
})


class Callable(object):

    def __call__(self, message):
        return message.channel_session is not None


def documented(message):
    """A consumer."""


documented.flag = 'kept'


def live(*actions, **values):
    """Have a socket's consumers call `actions` on its HTTP session; return what they return and the site's rows."""
    session = site_session(make_user(), **values)
    found = in_turn(*actions, decorator=channel_and_http_session, name='http_session', headers=cookie(session))
    left = SessionStore(session.session_key)
    return [found, {key: left[key] for key in left.keys() if not key.startswith('_')}]


cases('the HTTP session of a socket', {
    'read later': lambda: live(lambda s: s['colour'], lambda s: s['colour'], colour='red'),
    'written at connect': lambda: live(put('seen', True), lambda s: s['seen']),
    'written later': lambda: live(lambda s: None, put('seen', True), lambda s: s['seen']),
    'changed inside and marked': lambda: live(inside, lambda s: s['room'], colour='red'),
    'a list that grows': lambda: live(changed_list, changed_list),
    'popped': lambda: live(lambda s: s.pop('colour'), lambda s: s.get('colour', 'gone'), colour='red'),
    'saved by hand': lambda: live(lambda s: (s.update({'a': 1}), s.save()) and None, lambda s: s['a']),
    'key': lambda: len(set(live(lambda s: s.session_key, lambda s: s.session_key)[0])),
})


@case('the HTTP session of a socket: a view changes it meanwhile')
def changed_meanwhile():
    session = site_session(colour='red')

    def of_view(ignored):
        other = SessionStore(session.session_key)
        other['colour'] = 'blue'
        other.save()
        return ignored['colour']
    return in_turn(lambda s: s['colour'], of_view, lambda s: s['colour'], decorator=channel_and_http_session,
                   name='http_session', headers=cookie(session))


@case('the HTTP session of a socket: it has expired')
def expired():
    session = site_session(colour='red')
    Session.objects.update(expire_date=datetime(2001, 1, 1))
    return in_turn(lambda s: s is not None and s.get('colour', 'gone'), decorator=http_session, name='http_session',
                   headers=cookie(session))


def person(decorator=auth.channel_session_user_from_http, function=name_of, **more):
    session = site_session(make_user())
    found = []
    decorator(lambda message: found.append(function(message)))(connect(headers=cookie(session), **more))
    return found


cases('message.user', {
    'is the model': lambda: person(function=lambda message: isinstance(message.user, get_user_model())),
    'pk and equality': lambda: person(function=lambda message: [
        message.user == get_user_model().objects.get(), message.user.pk == get_user_model().objects.get().pk]),
    'logged in or not': lambda: [
        person(function=lambda message: bool(message.user.is_authenticated)),
        auth.channel_session_user(lambda message: bool(message.user.is_anonymous))(connect())],
    'can be set': lambda: person(function=lambda message: setattr(message, 'user', 5) or message.user),
    'saved': lambda: person(function=lambda message: message.user.save()) + list(
        get_user_model().objects.values_list('username', flat=True)),
    'in a model': lambda: person(function=lambda message: message.user.groups.count()),
    'permissions': lambda: person(function=lambda message: message.user.has_perm('auth.add_user')),
    'inactive': lambda: inactive(),
    'deleted': lambda: deleted(),
    'renamed': lambda: renamed(),
    'another backend': lambda: another_backend(),
    'no message at all': lambda: attempt(auth.channel_session_user(name_of)),
    'set by http_session_user': lambda: person(auth.http_session_user),
    'stays after a failing frame': lambda: after_failing(),
})


def later_name(**fields):
    person()
    get_user_model().objects.update(**fields)
    return auth.channel_session_user(name_of)(message())


def inactive():
    session = site_session(make_user())
    get_user_model().objects.update(is_active=False)
    return [auth.channel_session_user_from_http(name_of)(connect(headers=cookie(session)))]


def deleted():
    person()
    get_user_model().objects.all().delete()
    return auth.channel_session_user(name_of)(message())


def renamed():
    return later_name(username='bob')


def another_backend():
    with override_settings(AUTHENTICATION_BACKENDS=[
            'django.contrib.auth.backends.RemoteUserBackend', 'django.contrib.auth.backends.ModelBackend']):
        return person()


def after_failing():
    person()

    @auth.channel_session_user
    def fails(message):
        raise ZeroDivisionError()
    return [attempt(fails, message()), auth.channel_session_user(name_of)(message())]


class OfCompany(BaseOriginValidator):
    """As the documentation of Channels 1.x has it."""

    allowed_origins = ['https://company.example', 'company.example']

    def validate_origin(self, message, origin):
        return origin.split(':')[0] in ('http', 'https') and origin.endswith('company.example')


ORIGINS = {
    'other case': b'HTTP://EXAMPLE.COM', 'with a slash': b'http://example.com/',
    'with a path': b'http://example.com/x',
    'no scheme': b'example.com', 'no scheme but a port': b'example.com:80', 'other scheme': b'chrome-extension://abc',
    'https': b'https://example.com', 'user': b'http://evil@example.com', 'below': b'http://a.example.com',
    'ends alike': b'http://evilexample.com', 'dot at the end': b'http://example.com.', 'port only': b'http://:80',
    'odd port': b'http://example.com:99999', 'text port': b'http://example.com:x', 'space': b'http://example.com ',
    'v6': b'http://[::1]:8000', 'half a v6': b'http://[::1', 'file': b'file://', 'company': b'https://company.example',
    'two in one': b'http://example.com http://evil.example', 'idna': b'http://xn--bcher-kva.example',
}
for _name, _value in sorted(ORIGINS.items()):
    cases('origins', {
        _name: lambda value=_value: [
            attempt(origin, decorator, [b'origin', value]) for decorator in (allowed_hosts_only, OfCompany)],
        _name + ' with hosts of all kinds': lambda value=_value: [
            _under(hosts, value) for hosts in (['*'], ['.example.com'], ['EXAMPLE.com'], ['[::1]'], [])],
    })


def _under(hosts, value):
    with override_settings(ALLOWED_HOSTS=hosts):
        return attempt(origin, allowed_hosts_only, [b'origin', value])


class Echo(WebsocketConsumer):

    def receive(self, text=None, bytes=None, **kwargs):
        self.send(text=text, bytes=bytes)


def changed(base=WebsocketConsumer, **members):
    return type(str('Changed'), (base,), members)


def raw(self, message, **kwargs):
    message.reply_channel.send({'text': 'raw ' + message.channel.name})


def init(self, message, **kwargs):
    self.mine = 'set'
    WebsocketConsumer.__init__(self, message, **kwargs)


def keep_handler(self, message, **kwargs):
    handler = WebsocketConsumer.get_handler(self, message, **kwargs)
    return channel_session(handler)


OWN = {'websocket.connect': 'raw_connect', 'websocket.receive': 'raw_receive', 'chat.job': 'job'}
cases('class-based consumers', {
    'raw methods': lambda: drive(changed(raw_connect=raw, raw_receive=raw, raw_disconnect=raw), *FRAMES),
    'own __init__': lambda: drive(
        changed(__init__=init, receive=lambda self, text=None, bytes=None: self.send(text=self.mine)), 'receive'),
    'own get_handler': lambda: drive(changed(
        get_handler=keep_handler,
        receive=lambda self, text=None, bytes=None: self.send(text=str(self.message.channel_session is not None))),
        'receive'),
    'own mapping': lambda: own_mapping(),
    'own mapping, names': lambda: sorted(changed(method_mapping=OWN).channel_names()),
    'groups in a tuple': lambda: groups(groups=('one', 'two')),
    'groups by a generator': lambda: groups(
        connection_groups=lambda self, **kwargs: (name for name in ('one', 'two'))),
    'groups in a set': lambda: groups(connection_groups=lambda self, **kwargs: {'one'}),
    'no groups': lambda: groups(connection_groups=lambda self, **kwargs: []),
    'groups of the user': lambda: groups(
        http_user=True, connection_groups=lambda self, **kwargs: ['user-%s' % (self.message.user.pk or 0)]),
    'accept in connect and send': lambda: drive(changed(connect=lambda self, message, **kwargs: (
        self.message.reply_channel.send({'accept': True}), self.send(text='hello'))), 'connect'),
    'send in connect, without accept': lambda: drive(
        changed(connect=lambda self, message, **kwargs: self.send(text='hello')), 'connect'),
    'close in connect': lambda: drive(changed(connect=lambda self, message, **kwargs: self.close()), 'connect'),
    'accept in connect by reply channel and close': lambda: drive(changed(
        connect=lambda self, message, **kwargs: (self.message.reply_channel.send({'accept': True}), self.close())),
        'connect'),
    'send in disconnect': lambda: drive(
        changed(disconnect=lambda self, message, **kwargs: self.send(text='bye')), 'disconnect'),
    'code of disconnect': lambda: said(lambda self, message, **kwargs: message['code'], 'disconnect'),
    'one class in two routes': lambda: two_routes(),
    'attrs of a route': lambda: attrs_of_route(),
    'below an include': lambda: below_include(),
    'below two includes': lambda: below_two(),
    'by its dotted name': lambda: dotted(),
    'text that is empty': lambda: drive(Echo, ('receive', {'text': ''})),
    'a large text': lambda: len(drive(Echo, ('receive', {'text': 'x' * 100000}))[0]['text']),
    'self.kwargs': lambda: drive(changed(receive=lambda self, text=None, bytes=None, **kwargs: self.send(
        text=json.dumps(self.kwargs, sort_keys=True))), 'receive', filters={'path': '^/(?P<room>chat)'}),
    'decorators as class attributes': lambda: [hasattr(BaseConsumer, name) for name in (
        'channel_session', 'channel_session_user', 'strict_ordering', 'slight_ordering', 'method_mapping')],
    'both kinds of a session': lambda: said(lambda self, message, **kwargs: [
        self.message.http_session is not None, self.message.channel_session is not None, self.message.user.username],
        'connect', http_user_and_session=True),
    'a session that lasts': lambda: session_of_class(),
    'JSON: own encoding': lambda: own_encoding(),
    'JSON: numbers and null': lambda: [json_echo(text) for text in ('1', 'null', '"x"', 'true', '[]', '{}')],
    'JSON: receive with keywords': lambda: drive(
        changed(JsonWebsocketConsumer, receive=lambda self, content, **kwargs: self.send({'kwargs': sorted(kwargs)})),
        ('receive', {'text': '{}'}), filters={'path': '^/(?P<room>chat)'}),
    'JSON: close with the last': lambda: drive(
        changed(JsonWebsocketConsumer, receive=lambda self, content, **kwargs: self.send({'last': 1}, close=True)),
        ('receive', {'text': '{}'})),
})


def own_mapping():
    consumer = changed(method_mapping=OWN, job=lambda self, message, **kwargs: Channel('out').send({'job': True}))
    with layer([route_class(consumer)]) as wrapped:
        wrapped.send('chat.job', {'path': '/'})
        work(wrapped)
        return received(wrapped, 'out')


def groups(**members):
    consumer = changed(**members)
    with layer([route_class(consumer)]) as wrapped:
        content = dict(FRAMES['connect'], reply_channel='websocket.send!a')
        wrapped.send('websocket.connect', content)
        work(wrapped)
        found = [received(wrapped, 'websocket.send!a')]
        for name in ('one', 'two', 'user-0'):
            Group(name).send({'text': name})
        found.append(received(wrapped, 'websocket.send!a'))
        wrapped.send('websocket.disconnect', dict(FRAMES['disconnect'], reply_channel='websocket.send!a'))
        work(wrapped)
        Group('one').send({'text': 'later'})
        return found + [received(wrapped, 'websocket.send!a')]


def said(function, event, **members):
    found = []
    drive(changed(**dict(members, **{event: lambda self, *args, **kwargs: found.append(
        function(self, *args, **kwargs))})), event)
    return found


def route_socket(routing, path='/chat/', event='receive', **more):
    with layer(routing) as wrapped:
        wrapped.send('websocket.' + event, dict(FRAMES[event], path=path, reply_channel='websocket.send!a', **more))
        work(wrapped)
        return received(wrapped, 'websocket.send!a')


def two_routes():
    routing = [route_class(Echo, path='^/chat/'), route_class(Echo, path='^/talk/')]
    return [route_socket(routing, path) for path in ('/chat/', '/talk/', '/else/')]


class Labelled(WebsocketConsumer):
    label = 'own'

    def receive(self, text=None, bytes=None, **kwargs):
        self.send(text=self.label)


def attrs_of_route():
    routing = [Labelled.as_route(path='^/chat/', attrs={'label': 'other'}), Labelled.as_route(path='^/')]
    return [route_socket(routing), route_socket(routing, '/x/')]


def below_include():
    return [route_socket([include([route_class(Echo, path='^/room')], path='^/chat')], path)
            for path in ('/chat/room', '/chat/other')]


def below_two():
    told = changed(receive=lambda self, text=None, bytes=None, **kwargs: self.send(
        text=json.dumps(sorted(kwargs.items()))))
    inner = [route_class(told, path=r'^/(?P<room>\w+)/$')]
    return [route_socket([include([include(inner, path='^/(?P<house>[a-z]+)')], path='^/v(?P<version>[0-9]+)')], path)
            for path in ('/v1/blue/tea/', '/v1/blue/', '/v/blue/tea/', '/v12/red/9/')]


def dotted():
    return route_socket([route('websocket.receive', 'scenarios.idioms.echo')])


def echo(message):
    message.reply_channel.send({'text': message['text']})


def session_of_class():
    class Counts(WebsocketConsumer):
        channel_session = True

        def receive(self, text=None, bytes=None, **kwargs):
            session = self.message.channel_session
            session['n'] = session.get('n', 0) + 1
            self.send(text=str(session['n']))
    return drive(Counts, 'connect', 'receive', 'receive')


def own_encoding():
    class Own(JsonWebsocketConsumer):

        @classmethod
        def decode_json(cls, text):
            return text.split(',')

        @classmethod
        def encode_json(cls, content):
            return '|'.join(content)

        def receive(self, content, **kwargs):
            self.send(content)
    return drive(Own, ('receive', {'text': 'a,b'}))


def json_echo(text):
    return drive(changed(JsonWebsocketConsumer, receive=lambda self, content, **kwargs: self.send(content)),
                 ('receive', {'text': text}))


class Listed(JsonWebsocketConsumer):
    channel_session_user = True

    def connection_groups(self, multiplexer=None, **kwargs):
        return ['listed']

    def connect(self, message, multiplexer=None, **kwargs):
        multiplexer.send({'user': message.user.username})

    def receive(self, content, multiplexer=None, **kwargs):
        multiplexer.group_send('listed', multiplexer.stream, content)
        multiplexer.send({'own': True})


class Streams(WebsocketDemultiplexer):
    consumers = {'one': Listed, 'two': Listed}
    http_user = True


cases('WebsocketDemultiplexer over a socket', {
    'connect': lambda: sorted(json.dumps(item, sort_keys=True) for item in texts(drive(Streams, 'connect'))),
    'group_send by a stream': lambda: texts(drive(Streams, 'connect', frame('two')))[2:],
    'own connection_groups': lambda: len(texts(drive(Streams, 'connect', frame('one'), frame('two')))),
    'own connect': lambda: drive(changed(Streams, connect=lambda self, message, **kwargs: None), 'connect'),
    'own receive, refused stream': lambda: attempt(
        changed(Streams, consumers={}), message({'path': '/', 'text': frame()[1]['text']}, 'websocket.receive')),
    'payload that is text': lambda: texts(drive(Streams, 'connect', frame('two', 'text')))[2:],
    'more keys': lambda: texts(drive(Streams, 'connect', frame('two', more=1)))[2:],
    'disconnect leaves the groups': lambda: len(drive(Streams, 'connect', frame('one'), 'disconnect', frame('two'))),
})
