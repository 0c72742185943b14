# -*- coding: utf-8 -*-
"""Routings, tests, workers, requests and delayed messages of programs of the 1.x era (parity A.4, A.8 to A.11)."""
from __future__ import absolute_import, unicode_literals

import json
import re

from channels import Channel, Group, channel_layers, include, route, route_class
from channels.binding.websockets import WebsocketBinding
from channels.delay.models import DelayedMessage
from channels.exceptions import ChannelSocketException, ConsumeLater, DenyConnection, WebsocketCloseException
from channels.generic.websockets import WebsocketConsumer
from channels.handler import AsgiHandler, AsgiRequest
from channels.message import Message
from channels.routing import Router
from channels.sessions import channel_session, enforce_ordering
from channels.signals import consumer_finished, consumer_started
from channels.test import ChannelTestCase, Client, WSClient, apply_routes
from django.core import mail
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.test import TestCase

from .bindings import bound
from .cases import attempt, cases
from .family_app.models import Named
from .http import headers, request
from .routes import matched
from .testing import echo, run_tests, tell, with_client
from .tools import layer, message, received
from .urls import consume
from .workers import handled, send_delayed


def told(message, **kwargs):
    message.reply_channel.send({'kwargs': sorted([key, value] for key, value in kwargs.items())})


def routed(routing, *paths, **more):
    """Return, for each path, whether the routing has a consumer, and its arguments."""
    found = []
    for path in paths:
        match = Router(routing).match(message(dict({'path': path}, **more), 'websocket.connect'))
        found.append(match and sorted(match[1].items()))
    return found


def socket_route(pattern, **filters):
    return route('websocket.connect', consume, path=pattern, **filters)


ROOMS = [socket_route(r'^/(?P<room>[a-z0-9_-]+)/$'), socket_route(r'^/$')]
cases('routings of a program', {
    'rooms': lambda: routed(ROOMS, '/', '/a-b/', '/A/', '/a', 'a', '/a/b/'),
    'rooms below a prefix': lambda: routed([include(ROOMS, path='^/chat')], '/chat/', '/chat/a/', '/chat', '/a/'),
    'a prefix with its slash': lambda: routed(
        [include([socket_route(r'^(?P<room>\w+)/$')], path=r'^/chat/')], '/chat/a/', '/chat//a/', '/chat/'),
    'a prefix with a group': lambda: routed([include(ROOMS, path=r'^/(?P<lang>de|en)')], '/de/a/', '/fr/a/', '/en/'),
    'the same group in both': lambda: routed([include(ROOMS, path=r'^/(?P<room>x)')], '/x/a/'),
    'a prefix that ends in the middle': lambda: routed([include(ROOMS, path=r'^/ch')], '/chat/', '/ch/a/'),
    'a prefix with an end': lambda: routed([include([socket_route('^$')], path=r'^/chat/?$')], '/chat/', '/chat'),
    'a prefix that takes nothing': lambda: routed([include(ROOMS, path='')], '/a/', '/'),
    'a greedy prefix': lambda: routed([include([socket_route('^(?P<rest>.*)$')], path=r'^/.*')], '/a/b/c'),
    'three includes': lambda: routed(
        [include([include([include(ROOMS, path='^/c')], path='^/(?P<b>b)')], path='^/a')], '/a/b/c/d/', '/a/b/d/'),
    'an include without filters': lambda: routed([include(ROOMS)], '/a/'),
    'an include of an include\'s list': lambda: routed([include([include(ROOMS)], path='^/x')], '/x/a/'),
    'an include by two filters': lambda: routed(
        [include(ROOMS, path='^/x', scheme='^(?P<s>wss?)$')], '/x/a/', scheme='ws'),
    'an include by something that is missing': lambda: routed([include(ROOMS, scheme='^ws$')], '/a/'),
    'digits': lambda: routed([socket_route(r'^/(?P<pk>\d+)/$')], '/7/', '/٣/', '/x/'),
    'letters of all kinds': lambda: routed([socket_route(r'^/(?P<name>\w+)/$')], '/é/', '/中/'),
    'a dollar and a line break': lambda: routed([socket_route(r'^/a$')], '/a', '/a\n'),
    'flags in the pattern': lambda: routed([socket_route(r'(?i)^/CHAT')], '/chat', '/Chat'),
    'compiled with flags': lambda: routed([socket_route(re.compile('^/CHAT', re.I))], '/chat'),
    'alternatives': lambda: routed([socket_route(r'^/(?P<a>x)|^/(?P<b>y)')], '/x', '/y', '/z'),
    'a back reference': lambda: routed([socket_route(r'^/(?P<a>\w)(?P=a)$')], '/xx', '/xy'),
    'look ahead': lambda: routed([socket_route(r'^/(?!api)')], '/api', '/x'),
    'nothing': lambda: routed([socket_route('')], '/x', ''),
    'two channels': lambda: [matched([route(['a', 'b'], consume)], channel=name) is not None for name in 'abc'],
    'other content': lambda: [matched([route('test', consume, kind='^mail$')], {'kind': kind}) is not None
                              for kind in ('mail', 'mails', '')],
    'numbers in the content': lambda: attempt(matched, [route('test', consume, number='^5$')], {'number': 5}),
    'None in the content': lambda: attempt(matched, [route('test', consume, text='^x')], {'text': None}),
    'a list in the content': lambda: attempt(matched, [route('test', consume, text='^x')], {'text': ['x']}),
    'channel names': lambda: sorted(Router([include(ROOMS), route(['a', 'b'], consume)]).channels),
    'a dotted include': lambda: routed([include('scenarios.programs.ROOMS', path='^/x')], '/x/a/'),
    'a routing in a tuple': lambda: routed(tuple(ROOMS), '/a/'),
    'a module as a routing': lambda: sorted(Router('scenarios.urls.channel_routing').channels),
    'a class with arguments': lambda: with_client(
        lambda c: [c.send_and_consume('websocket.connect', path='/x', check_accept=False), c.receive()],
        routes=[route_class(Told, path=r'^/(?P<room>\w)(?P<more>y)?')]),
})


class Told(WebsocketConsumer):

    def connect(self, message, **kwargs):
        told(message, **kwargs)


def job(message):
    Channel('result').send({'n': message['n'] * 2})


def mailing(message):
    mail.send_mail('subject', 'text', 'from@example.com', [message['to']])


def counting(message):
    message.channel_session['n'] = message.channel_session.get('n', 0) + 1
    message.reply_channel.send({'text': json.dumps({'n': message.channel_session['n']})})


def joins(message):
    Group('room').add(message.reply_channel)
    message.reply_channel.send({'accept': True})


def speaks(message):
    Group('room').send({'text': message['text']})


CHAT = [
    route('websocket.connect', joins), route('websocket.receive', speaks),
    route('websocket.disconnect', lambda message: Group('room').discard(message.reply_channel)),
    route('job', job), route('mail', mailing),
]


def two_clients(client):
    other = WSClient()
    for each in (client, other):
        each.send_and_consume('websocket.connect', path='/')
    client.send_and_consume('websocket.receive', text={'say': 'hello'})
    found = [client.receive(), other.receive(), other.receive()]
    other.send_and_consume('websocket.disconnect')
    client.send_and_consume('websocket.receive', text={'say': 'alone'})
    return found + [client.receive(), other.receive()]


cases('tests of a program', {
    'two clients in a room': lambda: with_client(two_clients, routes=CHAT),
    'a job and its result': lambda: with_client(lambda c: [
        Channel('job').send({'n': 4}), c.consume('job'), c.get_next_message('result').content], Client, CHAT),
    'a message by content=': lambda: with_client(
        lambda c: [c.send('job', content={'n': 1}), c.consume('job')], Client, CHAT),
    'require a message': lambda: with_client(lambda c: attempt(c.get_next_message, 'x', require=True), Client, CHAT),
    'what consume returns': lambda: with_client(
        lambda c: [c.send('job', {'n': 4}), c.consume('job')], Client, [route('job', lambda message: message['n'])]),
    'jobs in order': lambda: with_client(lambda c: [
        [c.send('job', {'n': n}) for n in range(3)], [c.consume('job') for _ in range(3)],
        [c.get_next_message('result')['n'] for _ in range(3)]], Client, CHAT),
    'a mail': lambda: run_tests(ChannelTestCase, test=_mails),
    'a model': lambda: run_tests(ChannelTestCase, test=_writes),
    'a binding': lambda: run_tests(ChannelTestCase, test=_binds),
    'a plain TestCase': lambda: run_tests(TestCase, test=lambda self: with_client(two_clients, routes=CHAT)),
    'class attributes': lambda: run_tests(ChannelTestCase, setUpTestData=classmethod(
        lambda cls: Named.objects.create(key='k')), test=lambda self: self.assertEqual(Named.objects.count(), 1)),
    'a failing test': lambda: run_tests(ChannelTestCase, test=lambda self: self.fail('no')),
    'a consumer that fails': lambda: run_tests(ChannelTestCase, test=_fails),
    'headers': lambda: with_client(_headers, routes=[route('websocket.connect', tell)]),
    'a query in the path': lambda: with_client(_query, routes=[route('websocket.connect', tell)]),
    'cookies of a client': lambda: with_client(_cookies),
    'the router of a layer is replaced': lambda: _router_replaced(),
    'a client of another alias': lambda: attempt(lambda: Client(alias='second').channel_layer.alias),
    'json': lambda: with_client(_json, routes=[route('websocket.receive', echo)]),
    'a session that counts': lambda: with_client(
        _counts, routes=[route('websocket.receive', channel_session(counting))]),
    'ordered': lambda: with_client(
        _counts, routes=[route('websocket.receive', enforce_ordering(channel_session(counting)))], ordered=True),
    'a close code': lambda: with_client(lambda c: [c.send_and_consume('websocket.receive', text='x'), c.receive()],
                                        routes=[route('websocket.receive', _closes)]),
    'a bytes frame': lambda: with_client(
        lambda c: [c.send_and_consume('websocket.receive', {'bytes': b'\x00', 'path': '/'}), c.receive()],
        routes=[route('websocket.receive', lambda message: message.reply_channel.send({'bytes': message['bytes']}))]),
    'routes around routes': lambda: _nested(),
    'routes on a method': lambda: run_tests(ChannelTestCase, test=apply_routes(CHAT)(_method)),
    'messages by hand': lambda: [Message({'a': 1}, 'x', channel_layers['default'])['a'], attempt(
        consume, Message({'a': 1}, 'x', channel_layers['default']))],
    'a consumer by hand': lambda: _by_hand(),
})


def _mails(self):
    with apply_routes(CHAT):
        client = Client()
        client.send_and_consume('mail', {'to': 'a@example.com'})
        assert mail.outbox[0].to == ['a@example.com']


def _writes(self):
    def write(message):
        Named.objects.create(key=message['key'])
    with apply_routes([route('write', write)]):
        Client().send_and_consume('write', {'key': 'k'})
        assert Named.objects.get().key == 'k'


def _binds(self):
    with bound(WebsocketBinding, model=Named, fields=['note']):
        client = WSClient()
        client.join_group('g')
        Named.objects.create(key='k', note='n')
        found = client.receive()
        assert found is None or found['payload']['data'] == {'note': 'n'}


def _fails(self):
    with apply_routes([route('job', lambda message: 1 // 0)]):
        self.assertRaises(ZeroDivisionError, Client().send_and_consume, 'job', {})
        Client().send('job', {})
        self.assertIsNotNone(self.get_next_message('job'))


def _headers(client):
    client.set_header('host', 'example.com')
    client.set_header('x-real-ip', '192.0.2.7')
    client.send_and_consume('websocket.connect', path='/', check_accept=False)
    found = client.receive()['headers']
    return sorted(set(name if isinstance(name, type('')) else bytes(name).decode('latin-1') for name in (
        found if isinstance(found, dict) else dict(found))) - {'origin', 'cookie'})


def _query(client):
    client.send_and_consume('websocket.connect', path='/room/?token=a%20b&x=', check_accept=False)
    found = client.receive()
    query = found['query_string']
    return [found['path'], query if isinstance(query, type('')) else query.decode('ascii')]


def _cookies(client):
    client.set_cookie('a', '1')
    client.set_cookie('b', 'x y')
    return sorted(item for item in client.get_cookies().items() if item[0] in 'ab')


def _router_replaced():
    with layer([route('job', job)]) as wrapped:
        wrapped.router = Router([route('else', consume)])
        return [wrapped.router.match(message({'n': 1}, name)) for name in ('job', 'else')] + sorted(
            wrapped.router.channels)


def _json(client):
    found = []
    for text in ({'a': [1, None, 'ä']}, [1], 'x', '5'):
        client.send_and_consume('websocket.receive', text=text)
        found.append(client.receive(json=text != 'x'))
    return found


def _counts(client):
    found = []
    for _ in range(3):
        client.send_and_consume('websocket.receive', text='x')
        found.append(client.receive())
    return found


def _closes(message):
    raise WebsocketCloseException(4004)


def _nested():
    with layer(), apply_routes([route('job', job)]):
        with apply_routes([route('else', tell)]):
            inside = Client().get_consumer_by_channel('job') is None
        return [inside, Client().get_consumer_by_channel('job') is job]


def _method(self):
    Client().send_and_consume('job', {'n': 1})
    assert self.get_next_message('result')['n'] == 2


def _by_hand():
    with layer() as wrapped:
        joins(message({}, 'websocket.connect', wrapped))
        speaks(message({'text': 'x'}, 'websocket.receive', wrapped))
        return received(wrapped, 'reply!a')


class Redirect(ChannelSocketException):
    """As the documentation of Channels 1.x has one of a program's own."""

    def run(self, message):
        message.reply_channel.send({'text': 'gone', 'close': True}, immediately=True)


def raising(error, at=0):
    def consumer(message):
        if message.get('n', 0) == at:
            raise error
        Channel('out').send({'n': message.get('n')})
    return consumer


def chained(message):
    n = message['n']
    Channel('out').send({'n': n})
    if n:
        Channel('test').send({'n': n - 1})


def both_ways(message):
    Channel('out').send({'n': 1})
    Channel('out').send({'n': 2}, immediately=True)


def seen_signals(consumer):
    seen = []

    def started(sender, **kwargs):
        seen.append('started')

    def finished(sender, **kwargs):
        seen.append('finished')
    consumer_started.connect(started)
    consumer_finished.connect(finished)
    try:
        handled(consumer)
    finally:
        consumer_started.disconnect(started)
        consumer_finished.disconnect(finished)
    return seen


cases('workers of a program', {
    'a consumer that sends to itself': lambda: handled(chained, content={'n': 3}, count=6),
    'at once and later': lambda: handled(both_ways)[0],
    'a close with text': lambda: handled(raising(Redirect()), 'websocket.receive')[1],
    'a close code': lambda: handled(raising(WebsocketCloseException(3999)), 'websocket.receive')[1],
    'a close in connect': lambda: handled(raising(WebsocketCloseException(4000)), 'websocket.connect')[1],
    'a denial of a frame': lambda: attempt(lambda: handled(raising(DenyConnection()), 'websocket.receive')[2]),
    'later, then handled': lambda: _later_then(),
    'a group of channels': lambda: _group_of_channels(),
    'signals around one that fails': lambda: seen_signals(raising(KeyError('x'))),
    'signals around one that is deferred': lambda: seen_signals(raising(ConsumeLater()))[:2],
    'a changed message': lambda: handled(_changes)[0],
    'a message of two layers': lambda: _two_layers(),
    'a reply after the end': lambda: handled(lambda message: message.reply_channel.send({'close': True}))[1],
    'an unknown channel': lambda: attempt(lambda: Channel('nobody.listens').send({'n': 1})),
    'a channel that is full': lambda: _full(),
})


def _later_then():
    tries = []

    def consumer(message):
        tries.append(message['n'])
        if len(tries) < 3:
            raise ConsumeLater()
        Channel('out').send({'tries': len(tries)})
    return handled(consumer, content={'n': 1}, count=4)[0]


def _group_of_channels():
    with layer() as wrapped:
        for name in ('mail', 'log'):
            Group('all').add(Channel(name))
        Group('all').send({'n': 1})
        Group('all').discard('log')
        Group('all').send({'n': 2})
        return [received(wrapped, 'mail'), received(wrapped, 'log')]


def _changes(message):
    message.content['n'] = 1
    message['m'] = 2
    Channel('out').send(dict(message.content, reply_channel=None))


def _two_layers():
    with layer(alias='second') as second, layer():
        Channel('x', alias='second').send({'n': 1})
        Group('g', alias='second').add('y')
        Group('g', alias='second').send({'n': 2})
        return received(second, 'x') + received(second, 'y') + received(channel_layers['default'], 'x')


def _full():
    with layer(capacity=2) as wrapped:
        outcomes = [attempt(Channel('x').send, {'n': n}) for n in range(3)]
        return [outcomes, received(wrapped, 'x')]


def answered(view, **content):
    """Return what the handler sends for a view."""
    class Handler(AsgiHandler):
        def get_response(self, asked):
            return view(asked)
    with layer() as wrapped:
        asked = dict({
            'http_version': '1.1', 'method': 'GET', 'path': '/', 'headers': [], 'query_string': b'', 'body': b''},
            **content)
        found = []
        for each in Handler()(message(asked, 'http.request', wrapped)):
            each = dict(each)
            each['headers'] = sorted([bytes(name).decode('latin-1').lower(), bytes(value).decode('latin-1')]
                                     for name, value in each.get('headers', ()) if name.lower() not in (
                                         b'x-frame-options', b'content-length', b'vary'))
            found.append(each)
        return found


def found_cookies(view):
    return [value.strip() for name, value in answered(view)[0]['headers'] if name == 'set-cookie']


def with_cookies(asked):
    response = HttpResponse('x')
    response.set_cookie('a', '1', httponly=True)
    response.set_cookie('b', '2', path='/x')
    return response


def named(asked):
    response = HttpResponse('x', status=299, reason='Odd')
    response['X-Name'] = 'ä'.encode('latin-1') if str is bytes else 'value'
    response['Content-Language'] = 'de'
    return response


cases('requests of a program', {
    'JSON': lambda: answered(lambda asked: JsonResponse({'a': 1})),
    'redirect': lambda: answered(lambda asked: HttpResponseRedirect('/there/?a=1')),
    'empty': lambda: answered(lambda asked: HttpResponse(status=204)),
    'own headers': lambda: [answered(named)[0]['status'], answered(named)[0]['headers'][0]],
    'two cookies': lambda: [text.lower() for text in found_cookies(with_cookies)],
    'method, path and query': lambda: [
        request(method='PUT', path='/ä/', query_string=b'a=1&a=2').GET.getlist('a'), request(path='/ä/').path_info],
    'AJAX': lambda: request(headers=headers((b'x-requested-with', b'XMLHttpRequest'))).META['HTTP_X_REQUESTED_WITH'],
    'cookies with quotes': lambda: request(headers=headers((b'cookie', b'a="x y"; b=; c'))).COOKIES,
    'two cookie headers': lambda: sorted(request(headers=headers((b'cookie', b'a=1'), (b'cookie', b'b=2'))).COOKIES),
    'a port': lambda: request(server=['example.com', 8000], headers=[]).META['SERVER_PORT'],
    'body read twice': lambda: _read_twice(),
    'body in lines': lambda: list(request(method='POST', body=b'a\nb\n')),
    'JSON in the body': lambda: json.loads(request(method='POST', body=b'{"a": 1}').body.decode('ascii')),
    'a form with two values': lambda: request(
        method='POST', body=b'a=1&a=%C3%A4', headers=headers(
            (b'content-type', b'application/x-www-form-urlencoded; charset=utf-8'))).POST.getlist('a'),
    'a form by PUT': lambda: sorted(request(
        method='PUT', body=b'a=1', headers=headers((b'content-type', b'application/x-www-form-urlencoded'))).POST),
    'encoding that is unknown': lambda: request(
        headers=headers((b'content-type', b'text/x; charset=nothing'))).encoding,
    'secure': lambda: [request(scheme=scheme).is_secure() for scheme in ('http', 'https', 'ws')],
    'attributes can be set': lambda: setattr(request(), 'user', 5),
    'a request of a socket': lambda: AsgiRequest(message({
        'path': '/x/', 'method': 'FAKE', 'headers': [[b'host', b'testserver'], [b'cookie', b'a=1']],
        'query_string': b'b=2'}, 'websocket.connect')).COOKIES,
})


def _read_twice():
    asked = request(method='POST', body=b'abc')
    return [asked.body, asked.body, asked.read()]


def _two_delayed(wrapped):
    for n in range(2):
        DelayedMessage.objects.create(channel_name='out', content=json.dumps({'n': n}), delay=0)
    for each in DelayedMessage.objects.is_due().order_by('pk'):
        each.send()


cases('delayed messages of a program', {
    'two, then sent': lambda: send_delayed(_two_delayed),
})
