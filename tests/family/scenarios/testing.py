"""The tools for tests (parity A.11)."""
from __future__ import absolute_import, unicode_literals

import unittest

from channels import Channel, Group, channel_layers, route, route_class
from channels.exceptions import ConsumeLater, DenyConnection, WebsocketCloseException
from channels.generic.websockets import WebsocketConsumer
from channels.sessions import channel_session, http_session
from channels.test import (
    ChannelLiveServerTestCase, ChannelTestCase, Client, HttpClient, TransactionChannelTestCase, WSClient, apply_routes,
)
from channels.test.base import ChannelTestCaseMixin
from django.contrib.auth import get_user_model
from django.test import TestCase, TransactionTestCase

from .cases import attempt, case, cases
from .tools import layer


def accept(message):
    message.reply_channel.send({'accept': True})


def echo(message):
    message.reply_channel.send({'text': message['text']})


def refuse(message):
    message.reply_channel.send({'close': True})


def deny(message):
    raise DenyConnection()


def close(message):
    raise WebsocketCloseException(4000)


def tell(message):
    message.reply_channel.send({key: value for key, value in message.items() if key != 'reply_channel'})


ROUTES = [
    route('websocket.connect', accept, path='^/accept'), route('websocket.connect', refuse, path='^/refuse'),
    route('websocket.connect', deny, path='^/deny'), route('websocket.connect', tell, path='^/tell'),
    route('websocket.connect', lambda message: None, path='^/silent'),
    route('websocket.connect', lambda message: message.reply_channel.send({'text': 'welcome'}), path='^/welcome'),
    route('websocket.connect', lambda message: message.reply_channel.send({'accept': True, 'text': 'x'}),
          path='^/both'),
    route('websocket.receive', echo, path='^/echo'), route('websocket.receive', tell, path='^/tell'),
    route('websocket.receive', close, path='^/close'), route('websocket.receive', lambda message: 5, path='^/$'),
    route('job', tell), route('fails', lambda message: 1 // 0), route('later', lambda message: later()),
]


def later():
    raise ConsumeLater()


def with_client(function, kind=WSClient, routes=ROUTES, **options):
    with layer(), apply_routes(routes):
        return function(kind(**options))


def connect(path, **options):
    return with_client(lambda client: client.send_and_consume('websocket.connect', path=path, **options))


cases('Client', {
    'send and receive': lambda: with_client(
        lambda c: [c.send('job', {'a': 1}), c.consume('job'), c.receive(), c.receive()], Client),
    'send and consume': lambda: with_client(lambda c: [c.send_and_consume('job', {'a': 1}), c.receive()], Client),
    'without content': lambda: with_client(lambda c: [c.send_and_consume('job'), c.receive()], Client),
    'nothing to consume': lambda: with_client(lambda c: c.consume('job'), Client),
    'nothing to consume, allowed': lambda: with_client(lambda c: c.consume('job', fail_on_none=False), Client),
    'no consumer': lambda: with_client(lambda c: c.send_and_consume('nobody'), Client),
    'no consumer, allowed': lambda: with_client(lambda c: c.send_and_consume('nobody', fail_on_none=False), Client),
    'error of the consumer': lambda: with_client(lambda c: c.send_and_consume('fails'), Client),
    'ConsumeLater': lambda: with_client(lambda c: c.send_and_consume('later'), Client),
    'next message': lambda: with_client(
        lambda c: [Channel('x').send({'n': 1}), c.get_next_message('x'), c.get_next_message('x')], Client),
    'consumer by channel': lambda: with_client(lambda c: c.get_consumer_by_channel('job'), Client),
    'no consumer by channel': lambda: with_client(lambda c: c.get_consumer_by_channel('nobody'), Client),
    'group': lambda: with_client(
        lambda c: [c.join_group('g'), Group('g').send({'n': 1}), c.receive()], Client),
    'layer': lambda: with_client(lambda c: [c.alias, c.channel_layer.alias], Client),
    'two clients': lambda: with_client(lambda c: c.reply_channel != Client().reply_channel, Client),
    'reply channel is kept': lambda: with_client(
        lambda c: [c.send('job', {'reply_channel': 'mine'}), c.get_next_message('job').reply_channel], Client),
})
cases('WSClient.connect', {
    'accepted': lambda: connect('/accept'), 'refused': lambda: connect('/refuse'), 'denied': lambda: connect('/deny'),
    'silent': lambda: connect('/silent'), 'welcome': lambda: connect('/welcome'), 'both': lambda: connect('/both'),
    'no route': lambda: connect('/nothing'),
    'refused, unchecked': lambda: with_client(lambda c: [
        c.send_and_consume('websocket.connect', path='/refuse', check_accept=False), c.receive()]),
    'silent, unchecked': lambda: connect('/silent', check_accept=False),
    'text of the refusal': lambda: _text_of_refusal(),
})


def _text_of_refusal():
    try:
        connect('/refuse')
    except AssertionError as error:
        return str(error).startswith('Connection rejected: ') and str(error).endswith("!= '{accept: True}'")


def exchange(path='/echo', receive=None, **sent):
    def function(client):
        client.send_and_consume('websocket.receive', path=path, **sent)
        return client.receive(**(receive or {}))
    return with_client(function)


cases('WSClient.receive', {
    'text': lambda: exchange(text='hello', receive={'json': False}),
    'dict': lambda: exchange(text={'a': 1}), 'list': lambda: exchange(text=[1]),
    'text in the content': lambda: exchange(content={'text': '{"a": 1}'}),
    'dict in the content': lambda: exchange(content={'text': {'a': 1}}),
    'not JSON': lambda: exchange(text='hello'),
    'closed': lambda: exchange('/close', text='x'),
    'empty text': lambda: exchange(text=''),
    'result of the consumer': lambda: with_client(
        lambda c: c.send_and_consume('websocket.receive', text='x')),
    'nothing': lambda: with_client(lambda c: c.receive()),
    'dict under text': lambda: with_client(
        lambda c: [Channel(c.reply_channel).send({'text': {'a': 1}}), c.receive()][1]),
    'bytes': lambda: with_client(lambda c: [Channel(c.reply_channel).send({'bytes': b'x'}), c.receive()][1]),
})


def sent(function, channel='websocket.connect', kind=WSClient, **options):
    """Return the message that `function(client)` sends, without what is random."""
    def inner(client):
        function(client)
        content = dict(client.get_next_message(channel).content)
        content['reply_channel'] = content['reply_channel'] == client.reply_channel
        content['headers'] = {
            name if isinstance(name, type('')) else bytes(name).decode('latin-1'): value
            for name, value in (content['headers'].items() if isinstance(content['headers'], dict)
                                else content['headers'])}
        cookies = content['headers'].pop('cookie', b'').decode('latin-1')
        content['cookies'] = sorted(part.strip().split('=')[0] for part in cookies.split(';') if part)
        for name in ('host', 'origin'):
            content['headers'].pop(name, None)
        return content
    return with_client(inner, kind, **options)


def _two(client):
    client.send('websocket.connect', path='/one?a=1')
    client.get_next_message('websocket.connect')
    client.send('websocket.connect')


cases('WSClient.send', {
    'path': lambda: sent(lambda c: c.send('websocket.connect', path='/x'))['path'],
    'default path': lambda: sent(lambda c: c.send('websocket.connect'))['path'],
    'path after another': lambda: sent(_two)['path'],
    'query': lambda: bytes(sent(lambda c: c.send('websocket.connect', path='/x?a=1'))['query_string'].encode('ascii')
                           if isinstance(sent(lambda c: c.send('websocket.connect', path='/x?a=1'))['query_string'],
                                         type('')) else b'a=1'),
    'header': lambda: sent(lambda c: (c.set_header('x-one', '1'), c.send('websocket.connect')))['headers'],
    'cookie': lambda: sent(lambda c: (c.set_cookie('a', '1'), c.send('websocket.connect')))['cookies'],
    'cookie as a header': lambda: sent(lambda c: c.set_header('cookie', 'x')),
    'session cookie once': lambda: sent(
        lambda c: (c.send('websocket.connect'), c.get_next_message('websocket.connect'), c.send('websocket.receive')),
        'websocket.receive')['cookies'],
    'order': lambda: sent(lambda c: c.send('websocket.connect'), ordered=True)['order'],
    'order counts': lambda: sent(
        lambda c: (c.send('websocket.connect'), c.send('websocket.receive')),
        'websocket.receive', ordered=True)['order'],
    'no order': lambda: 'order' in sent(lambda c: c.send('websocket.connect')),
    'order given twice': lambda: sent(lambda c: c.send('websocket.connect', {'order': 1}), ordered=True),
    'text': lambda: sent(lambda c: c.send('websocket.connect', text={'a': 1}))['text'],
    'content wins': lambda: sent(lambda c: c.send('websocket.connect', {'path': '/mine'}))['path'],
    'positional': lambda: sent(lambda c: c.send('websocket.connect', {}, 'x', '/p'))['path'],
    'other name': lambda: HttpClient.__mro__.count(WSClient),
    'attributes': lambda: with_client(lambda c: [c.order, sorted(c.get_cookies()), sorted(c.headers)]),
})


def make_user(**more):
    return get_user_model().objects.create_user('ann', 'ann@example.com', 'secret', **more)


def who(message):
    message.reply_channel.send({'text': message.http_session.get('_auth_user_id') or ''})


USERS = [route('websocket.connect', accept), route('websocket.receive', http_session(who))]


def logged_in(function):
    make_user()

    def inner(client):
        outcome = function(client)
        client.send_and_consume('websocket.receive', text='x')
        return [outcome, bool(client.receive(json=False))]
    return with_client(inner, routes=USERS)


cases('WSClient.login', {
    'right': lambda: logged_in(lambda c: c.login(username='ann', password='secret')),
    'wrong': lambda: with_client(lambda c: make_user() and c.login(username='ann', password='wrong')),
    'forced': lambda: logged_in(lambda c: c.force_login(get_user_model().objects.get())),
    'forced with a backend': lambda: logged_in(lambda c: c.force_login(
        get_user_model().objects.get(), backend='django.contrib.auth.backends.ModelBackend')),
    'nobody': lambda: with_client(lambda c: c.login(username='nobody', password='x')),
})


@case('WSClient.session: what a test writes, a consumer reads')
def session_written():
    def function(client):
        client.session['a'] = 1
        client.session.save()
        client.send_and_consume('websocket.receive', text='x')
        return client.receive()
    return with_client(function, routes=[route('websocket.receive', channel_session(
        lambda message: message.reply_channel.send({'text': str(message.channel_session.get('a'))})))])


@case('WSClient.session: what a consumer writes, a test reads')
def session_read():
    def write(message):
        message.channel_session['a'] = 1

    def function(client):
        client.send_and_consume('websocket.receive', text='x')
        return client.session.get('a')
    return with_client(function, routes=[route('websocket.receive', channel_session(write))])


@case('WSClient.session: two sockets of one client')
def two_sockets():
    def function(client):
        client.force_login(make_user())
        found = []
        for _ in range(2):
            client.send_and_consume('websocket.connect')
            client.send_and_consume('websocket.receive', text='x')
            found.append(bool(client.receive(json=False)))
            client.send_and_consume('websocket.disconnect', fail_on_none=False)
        return found
    routes = [route('websocket.connect', channel_session(accept)), route('websocket.receive', http_session(who)),
              route('websocket.disconnect', channel_session(lambda message: None))]
    return with_client(function, routes=routes)


class Chat(WebsocketConsumer):
    groups = ['g']

    def receive(self, text=None, bytes=None, **kwargs):
        self.group_send('g', text)


@case('WSClient: a class-based consumer')
def class_based():
    def function(client):
        client.send_and_consume('websocket.connect')
        client.send_and_consume('websocket.receive', text='x')
        return client.receive(json=False)
    return with_client(function, routes=[route_class(Chat)])


def applied(routes, **options):
    with layer() as wrapped:
        with apply_routes(routes, **options):
            match = channel_layers['default'].router.match(Client().get_next_message('x') or _message('job'))
        return [match is not None, wrapped.alias]


def _message(channel):
    Channel(channel).send({'text': 'x'})
    return Client().get_next_message(channel)


cases('apply_routes', {
    'list': lambda: applied(ROUTES), 'one route': lambda: applied(route('job', tell)),
    'lists in a list': lambda: applied([[route('else', tell)], [route('job', tell)]]),
    'tuple': lambda: applied((route('job', tell),)),
    'aliases': lambda: applied(ROUTES, aliases=['default']),
    'other routes are gone': lambda: applied([route('else', tell)]),
    'methods': lambda: [hasattr(apply_routes, name) for name in ('enter', 'exit', '__enter__', '__exit__')],
})


@case('apply_routes: by hand')
def by_hand():
    with layer():
        applied_routes = apply_routes([route('job', tell)])
        applied_routes.enter()
        inside = Client().get_consumer_by_channel('job') is not None
        applied_routes.exit()
        return [inside, Client().get_consumer_by_channel('job') is not None]


@case('apply_routes: as a decorator')
def as_decorator():
    with layer():
        inside = apply_routes([route('job', tell)])(lambda: Client().get_consumer_by_channel('job') is not None)
        return [inside(), Client().get_consumer_by_channel('job') is not None]


def run_tests(base, **members):
    """Run a TestCase made of `members`; return (tests, failures, errors)."""
    result = unittest.TestResult()
    case_class = type(str('Case'), (base,), members)
    names = [name for name in members if name.startswith('test')]
    unittest.TestSuite(case_class(name) for name in sorted(names)).run(result)
    return [result.testsRun, len(result.failures), len(result.errors)]


def _sends(self):
    Channel('x').send({'n': 1})
    assert self.get_next_message('x').content == {'n': 1}
    assert self.get_next_message('x') is None


def _leaves(self):
    Channel('left').send({'n': 1})


def _finds(self):
    assert self.get_next_message('left') is None


def _requires(self):
    self.get_next_message('x', require=True)


def _other_alias(self):
    Channel('x', 'second').send({'n': 1})
    assert self.get_next_message('x', alias='second') is not None


cases('ChannelTestCase', {
    'sends and looks': lambda: run_tests(ChannelTestCase, test=_sends),
    'isolated': lambda: run_tests(ChannelTestCase, test_1=_leaves, test_2=_finds),
    'required': lambda: run_tests(ChannelTestCase, test=_requires),
    'transactions': lambda: run_tests(ChannelTestCase, test=_sends),
    'aliases': lambda: run_tests(ChannelTestCase, test=_other_alias, test_channel_aliases=['default', 'second']),
    'default aliases': lambda: ChannelTestCase.test_channel_aliases,
    'bases': lambda: [issubclass(ChannelTestCase, TestCase), issubclass(ChannelTestCase, ChannelTestCaseMixin),
                      issubclass(TransactionChannelTestCase, TransactionTestCase)],
    'with apply_routes on a class': lambda: run_tests(_Decorated, test=_consumes),
    'setUp sends': lambda: run_tests(ChannelTestCase, setUp=lambda self: Channel('x').send({'n': 1}), test=lambda self:
                                     self.assertIsNotNone(self.get_next_message('x'))),
    'hooks that a fixture calls': lambda: [_hooked(), _hooked()],
    'hooks that a subclass has': lambda: run_tests(
        ChannelTestCase, _pre_setup=_own_pre_setup, _post_teardown=_own_post_teardown, test=_sends),
    'a hook that sends': lambda: run_tests(
        ChannelTestCase, _pre_setup=_sending_pre_setup, test_1=_finds_sent, test_2=_finds_sent),
    'live server attributes': lambda: [ChannelLiveServerTestCase.host, ChannelLiveServerTestCase.worker_threads,
                                       ChannelLiveServerTestCase.serve_static],
})


def _own_pre_setup(self):
    super(ChannelTestCase, self)._pre_setup()
    self.mine = True


def _sending_pre_setup(self):
    super(ChannelTestCase, self)._pre_setup()
    Channel('left').send({'n': 1})


def _finds_sent(self):
    assert self.get_next_message('left').content == {'n': 1}
    assert self.get_next_message('left') is None


def _own_post_teardown(self):
    assert self.mine
    super(ChannelTestCase, self)._post_teardown()


def _hooked():
    """Isolate the layer as a fixture of pytest does, without running a TestCase."""
    outside = channel_layers['default']
    tools = type(str('Isolated'), (TransactionChannelTestCase,), {'runTest': None})()
    tools._pre_setup()
    try:
        return channel_layers['default'] is outside
    finally:
        tools._post_teardown()


@apply_routes([route('job', tell)])
class _Decorated(ChannelTestCase):
    """A class with routes of its own."""


def _consumes(self):
    client = Client()
    client.send_and_consume('job', {'a': 1})
    assert client.receive() == {'a': 1}


cases('attempt', {'is honest': lambda: attempt(_finds, None)['raised'] != []})
