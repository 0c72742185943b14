"""What programs of the 1.x era make of the parts: sessions of their own, users, requests, bindings by hand."""
from __future__ import absolute_import, unicode_literals

import functools
import json

from channels import Channel, Group, auth, channel_layers, route, route_class
from channels.binding.base import CREATE, UPDATE
from channels.binding.websockets import WebsocketBinding
from channels.generic.websockets import JsonWebsocketConsumer, WebsocketConsumer
from channels.handler import AsgiHandler, AsgiRequest
from channels.message import Message
from channels.sessions import (
    channel_and_http_session, channel_session, enforce_ordering, http_session, session_for_reply_channel,
)
from channels.signals import worker_process_ready, worker_ready
from channels.test import ChannelTestCase, Client, WSClient, apply_routes
from channels.worker import Worker
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.utils.decorators import method_decorator

from .bindings import bound
from .bound_models import heard
from .cases import attempt, case, cases
from .family_app.models import Named, Room
from .generic import drive
from .http import BASE
from .idioms import in_turn, put, stored
from .sessions import SESSION_DECORATORS, connect, cookie, make_user, name_of, site_session
from .testing import accept, echo, run_tests, tell, with_client
from .tools import layer, message, received, work


def logged_in(**more):
    return connect(headers=cookie(site_session(make_user())), **more)


channel_name = auth.channel_session_user(name_of)
http_name = auth.http_session_user(name_of)


def log_in(message):
    auth.transfer_user(site_session(make_user()), message.channel_session)


def log_out(message):
    for key in list(message.channel_session.keys()):
        del message.channel_session[key]


def then(*steps):
    """Return a consumer that calls the steps and returns what the last returns."""
    return lambda message: [step(message) for step in steps][-1]


def naming(name):
    """Return a decorator of a program's own, which gives a message its user: by a token, for example."""
    def decorator(func):
        @functools.wraps(func)
        def inner(message, *args, **kwargs):
            message.user = get_user_model().objects.create_user(name, 'b@example.com', 'secret')
            return func(message, *args, **kwargs)
        return inner
    return decorator


cases('message.user of decorators around each other', {
    'http in channel': lambda: auth.channel_session_user(http_name)(logged_in()),
    'channel in http': lambda: auth.http_session_user(channel_name)(logged_in()),
    'channel in from_http': lambda: auth.channel_session_user_from_http(channel_name)(logged_in()),
    'http in from_http': lambda: auth.channel_session_user_from_http(http_name)(logged_in()),
    'from_http in channel': lambda: auth.channel_session_user(
        auth.channel_session_user_from_http(name_of))(logged_in()),
    'channel in both': lambda: auth.channel_and_http_session_user_from_http(channel_name)(logged_in()),
    'a log-in in between': lambda: auth.channel_session_user(then(log_in, channel_name))(connect()),
    'a log-out in between': lambda: auth.channel_session_user_from_http(then(log_out, channel_name))(logged_in()),
    'a log-in, and the attribute': lambda: auth.channel_session_user(then(log_in, name_of))(connect()),
    'one of its own, outside': lambda: naming('bob')(channel_name)(connect()),
    'one of its own, inside': lambda: auth.channel_session_user(naming('bob')(name_of))(connect()),
    'one of its own, outside of http': lambda: naming('bob')(http_name)(logged_in()),
    'set and looked up again': lambda: auth.channel_session_user_from_http(
        then(lambda message: setattr(message, 'user', 5), channel_name))(logged_in()),
})


def opened(**sessions):
    """Return a decorator of a program's own, which gives a message the sessions that functions here open."""
    def decorator(func):
        def inner(message, *args, **kwargs):
            for name, find in sessions.items():
                setattr(message, name, find())
            return func(message, *args, **kwargs)
        return inner
    return decorator


def channel_session_of_its_own():
    in_turn(put('a', 1))
    consumer = opened(channel_session=lambda: session_for_reply_channel('reply!a'))(
        channel_session(lambda message: message.channel_session.update({'b': 2})))
    consumer(message())
    return stored()


def http_session_of_its_own(decorator=http_session, find=None):
    session = site_session(colour='red')
    consumer = opened(http_session=find or (lambda: SessionStore(session.session_key)))(
        decorator(lambda message: message.http_session and message.http_session.update({'b': 2})))
    consumer(connect())
    return dict(SessionStore(session.session_key).items())


def by_another_cookie(func):
    """Name the session as a program does whose cookies have a signature of their own."""
    def inner(message, *args, **kwargs):
        headers = [[name, value.split(b'|')[-1]] for name, value in message.content['headers']]
        message.content['headers'] = headers
        return func(message, *args, **kwargs)
    return inner


cases('sessions of a program\'s own', {
    'a channel session': channel_session_of_its_own,
    'an HTTP session': http_session_of_its_own,
    'an HTTP session for both': lambda: http_session_of_its_own(channel_and_http_session),
    'an HTTP session for its user': lambda: http_session_of_its_own(auth.http_session_user),
    'no HTTP session': lambda: http_session_of_its_own(find=lambda: None),
    'headers that are changed before': lambda: by_another_cookie(http_session(
        lambda message: message.http_session['colour']))(connect(headers=[
            [b'cookie', b'signed|' + cookie(site_session(colour='red'))[0][1]]])),
    'a key that is kept, and opened later': lambda: kept_key(),
    'a session that fails': lambda: attempt(opened(channel_session=lambda: session_for_reply_channel('reply!a'))(
        channel_session(lambda message: 1 // 0)), message()),
    'in the session\'s own words': lambda: in_turn(
        lambda s: s.session_key.startswith('chn'), lambda s: len(s.session_key), lambda s: s.exists('nothing')),
})


def kept_key():
    """Keep the visitor's key in the channel session, and open his session for each frame."""
    session = site_session(colour='red')

    @auth.channel_session_user_from_http
    def opening(message):
        message.channel_session['key'] = message.http_session.session_key

    @auth.channel_session_user
    def frame(message):
        message.http_session = SessionStore(session_key=message.channel_session['key'])
        message.http_session['seen'] = True
        message.http_session.save()
        return message.http_session['colour']
    opening(connect(headers=cookie(session)))
    return [frame(message({'path': '/'}, 'websocket.receive')), SessionStore(session.session_key)['seen']]


def asked(message):
    made = AsgiRequest(message)
    return [made.GET.get('token'), sorted(made.COOKIES), made.path, made.META.get('HTTP_HOST')]


HANDSHAKE = {'path': '/x/', 'headers': [[b'host', b'testserver'], [b'cookie', b'a=1; b=2']],
             'query_string': b'token=t'}


class Rpc(WebsocketConsumer):
    """Answers over sockets and by HTTP alike."""
    method_mapping = dict(WebsocketConsumer.method_mapping, **{'http.request': 'answer'})
    http_user = True

    def answer(self, message, **kwargs):
        made = AsgiRequest(message)
        response = HttpResponse(json.dumps([made.method, made.body.decode('ascii'), sorted(kwargs)]), status=201)
        for chunk in AsgiHandler.encode_response(response):
            message.reply_channel.send(chunk)

    def raw_receive(self, message, **kwargs):
        self.send(text='got ' + ('nothing' if 'text' not in message else message['text']))


def rpc(channel, **content):
    with layer([route_class(Rpc)]) as wrapped:
        wrapped.send(channel, dict(content, reply_channel='websocket.send!a'))
        work(wrapped)
        return [{key: value for key, value in each.items() if key != 'headers'}
                for each in received(wrapped, 'websocket.send!a')]


class Guarded(JsonWebsocketConsumer):
    http_user = True

    @method_decorator(auth.http_session_user)
    def connect(self, message, **kwargs):
        message.reply_channel.send({'text': message.user.username or 'nobody', 'accept': True})

    @method_decorator(auth.channel_session_user)
    def disconnect(self, message, **kwargs):
        Channel('out').send({'user': message.user.username})


class Actions(JsonWebsocketConsumer):
    """Has its own send(), with other arguments."""

    def receive(self, content, **kwargs):
        getattr(self, 'do_' + content['a'])(content)

    def do_say(self, content):
        self.send({'said': content['text']}, to=self.message.reply_channel)

    def do_leave(self, content):
        self.close()

    def send(self, action, to=None):
        (to or self.message.reply_channel).send({'text': json.dumps(action, sort_keys=True)})


class Untouched(JsonWebsocketConsumer):
    """Takes its frames as they are."""

    def raw_receive(self, message, **kwargs):
        super(JsonWebsocketConsumer, self).raw_receive(message, **kwargs)

    def receive(self, content=None, text=None, bytes=None, **kwargs):
        self.send([content, text])


class Checked(WebsocketConsumer):
    """Looks at each message before it goes where it goes."""

    def dispatch(self, message, **kwargs):
        message.checked = True
        return super(Checked, self).dispatch(message, **kwargs)

    def get_handler(self, message, **kwargs):
        handler = super(Checked, self).get_handler(message, **kwargs)
        return lambda message, **kwargs: handler(message, **dict(kwargs, more=message.checked))

    def connection_groups(self, more=None, **kwargs):
        return ['g-%s' % more]

    def receive(self, text=None, bytes=None, more=None, **kwargs):
        self.send(text='%s %s' % (text, more))


def unnamed(**content):
    return Message(dict({'reply_channel': 'reply!a', 'path': '/', 'headers': [], 'order': 0}, **content), None, None)


cases('messages without a channel and a layer', {
    name: lambda decorator=decorator: decorator(lambda message: [message['path'], message.channel.name])(unnamed())
    for name, decorator in SESSION_DECORATORS.items() if name != 'enforce_ordering'
})
cases('messages without a channel and a layer', {
    'the name of the channel': lambda: unnamed().channel.name,
    'a copy': lambda: [unnamed().copy().content['path'], unnamed().copy().channel.name],
    'enforce_ordering': lambda: attempt(enforce_ordering(lambda message: message['path']), unnamed()) and None,
    'the reply channel': lambda: unnamed().reply_channel.name,
    'a class-based consumer': lambda: attempt(WebsocketConsumer, unnamed()),
    'a request': lambda: AsgiRequest(unnamed(method='FAKE')).path,
    'an answer': lambda: an_answer(),
})


def an_answer():
    with layer() as wrapped:
        unnamed().reply_channel.send({'n': 1})
        return received(wrapped, 'reply!a')


cases('requests that a socket\'s consumer makes', {
    'after http_session': lambda: http_session(asked)(connect(**HANDSHAKE)),
    'after http_session_user': lambda: auth.http_session_user(asked)(connect(**HANDSHAKE)),
    'after from_http': lambda: auth.channel_session_user_from_http(asked)(connect(**HANDSHAKE)),
    'after both': lambda: channel_and_http_session(asked)(connect(**HANDSHAKE)),
    'of a frame': lambda: http_session(lambda message: AsgiRequest(message).path)(
        message({'path': '/x/', 'text': 'x'}, 'websocket.receive')),
    'by hand': lambda: asked(connect(method='FAKE', **HANDSHAKE)),
    'with an attribute of another library': lambda: setattr(
        AsgiRequest(connect(method='FAKE', **HANDSHAKE)), '_request', {}),
    'with a header more': lambda: AsgiRequest(connect(method='FAKE', **HANDSHAKE)).META.update(
        HTTP_AUTHORIZATION='token t'),
})
cases('consumers that a program has made of classes', {
    'HTTP': lambda: rpc('http.request', **dict(BASE, method='POST', body=b'{}')),
    'HTTP with a session': lambda: rpc('http.request', **dict(
        BASE, headers=[[b'host', b'testserver']] + cookie(site_session(make_user())))),
    'a frame': lambda: rpc('websocket.receive', path='/', text='x', order=1),
    'a frame of bytes': lambda: rpc('websocket.receive', path='/', bytes=b'x', order=1),
    'a method that is decorated': lambda: drive(Guarded, ('connect', {
        'headers': cookie(site_session(make_user()))})),
    'a method that is decorated, of nobody': lambda: drive(Guarded, 'connect', 'disconnect'),
    'own send': lambda: drive(Actions, ('receive', {'text': '{"a": "say", "text": "hi"}'}),
                              ('receive', {'text': '{"a": "leave"}', 'order': 2})),
    'frames as they are': lambda: drive(Untouched, ('receive', {'text': '{"a": 1}'})),
    'dispatch and handler': lambda: drive(Checked, 'connect', 'receive', 'disconnect'),
    'close in disconnect': lambda: drive(type(str('Closes'), (WebsocketConsumer,), {
        'disconnect': lambda self, message, **kwargs: self.close()}), 'disconnect'),
    'a message as a dict': lambda: sorted(dict(message({'a': 1}))),
    'a message as JSON': lambda: json.loads(json.dumps(message({'a': 1}).content)),
    'content that is taken out': lambda: [message({'a': 1}).content.pop('a'), message().content.pop('a', 5)],
    'a reply channel in a model': lambda: [
        Named.objects.create(key=message().reply_channel) and Named.objects.get().key],
    'a reply channel in a text': lambda: '%s, {}'.format(message().reply_channel) % message().reply_channel,
})


def by_hand(function):
    """Return what is heard when `function(binding, room)` calls methods of a binding itself."""
    with layer() as wrapped:
        Group('g').add('tap')
        with bound() as binding:
            room = Room.objects.create(pk=1, name='a')
            room.save()
            received(wrapped, 'tap')
            outcome = attempt(function, binding, Room.objects.get())
        return [outcome, [json.loads(content['text']) for content in received(wrapped, 'tap')]]


def changes(binding, room):
    binding.pre_change_receiver(room, UPDATE)
    binding.post_change_receiver(room, UPDATE)


def deletion(binding, room):
    binding.pre_change_receiver(room, 'delete')
    binding.post_change_receiver(room, 'delete')


def after_update(binding, room):
    Room.objects.update(name='b')
    for each in Room.objects.all():
        changes(binding, each)


def signals_of_a_save(binding, room):
    binding.pre_save_receiver(instance=room)
    binding.post_save_receiver(instance=room, created=False)


def saved(**members):
    def function():
        room = Room.objects.create(name='a')
        room.name = 'b'
        room.save()
        again = Room.objects.get()
        again.name = 'c'
        again.save()
        third = Room.objects.get()
        third.save()
        third.delete()
    found = heard(function, **members)
    for each in found:
        each.get('payload', {}).pop('pk', None)
    return found


def post_save_alone(cls, instance, created, **kwargs):
    cls.post_change_receiver(instance, CREATE if created else UPDATE)


def pre_save_alone(cls, instance, **kwargs):
    cls.pre_change_receiver(instance, CREATE if instance.pk is None else UPDATE)


def quiet_change(cls, instance, action, **kwargs):
    if instance.name != 'b':
        super(cls, cls).post_change_receiver(instance, action, **kwargs)


def louder(self, instance, group_names, action, **kwargs):
    WebsocketBinding.send_messages(self, instance, group_names, action.upper(), **kwargs)


cases('bindings by hand', {
    'a change': lambda: by_hand(changes), 'a deletion': lambda: by_hand(deletion),
    'after an update of many': lambda: by_hand(after_update),
    'the signals of a save': lambda: by_hand(signals_of_a_save),
    'send_messages': lambda: by_hand(lambda binding, room: binding().send_messages(room, ['g'], UPDATE)),
    'send_messages to nobody': lambda: by_hand(lambda binding, room: binding().send_messages(room, [], UPDATE)),
    'serialize': lambda: by_hand(lambda binding, room: binding().serialize(room, UPDATE)),
    'serialize_data': lambda: by_hand(lambda binding, room: binding().serialize_data(room)),
    'encode': lambda: by_hand(lambda binding, room: json.loads(binding.encode('s', {'a': 1})['text'])),
    'group_names': lambda: by_hand(lambda binding, room: binding.group_names(room)),
    'own post_save_receiver': lambda: saved(post_save_receiver=classmethod(post_save_alone)),
    'own pre_save_receiver': lambda: saved(pre_save_receiver=classmethod(pre_save_alone)),
    'both of their own': lambda: saved(
        pre_save_receiver=classmethod(pre_save_alone), post_save_receiver=classmethod(post_save_alone)),
    'own post_change_receiver': lambda: saved(post_change_receiver=classmethod(quiet_change)),
    'own send_messages': lambda: saved(send_messages=louder),
    'own encode': lambda: saved(encode=classmethod(lambda cls, stream, payload: {'text': json.dumps(
        {'event': stream, 'what': payload['action']})})),
    'create of what is not bound': lambda: created_unbound(),
    'update of what is not bound': lambda: inbound(
        {'action': 'update', 'pk': 1, 'data': {'topic': 'x'}}, fields=['name']),
    'own create': lambda: inbound({'action': 'create', 'data': {'name': 'n'}}, create=lambda self, data:
                                  WebsocketBinding.create(self, dict(data, topic='own'))),
    'own update': lambda: inbound({'action': 'update', 'pk': 1, 'data': {'name': 'n'}}, update=lambda self, pk, data:
                                  WebsocketBinding.update(self, pk, {'name': data['name'] * 2})),
    'permission by the object': lambda: inbound(
        {'action': 'update', 'pk': 1, 'data': {'name': 'n'}}, has_permission=lambda self, user, action, pk:
        self.model.objects.get(pk=pk).name == 'a'),
    'attributes in create': lambda: inbound({'action': 'create', 'data': {'name': 'n'}}, create=lambda self, data:
                                            Room.objects.create(name=str([self.user.pk, self.action, self.pk]))),
})


def inbound(body, **members):
    Room.objects.create(pk=1, name='a')
    with layer() as wrapped, bound(**members) as binding:
        outcome = attempt(
            binding.consumer, message({'text': json.dumps(body), 'path': '/'}, 'websocket.receive', wrapped))
    return [outcome, list(Room.objects.order_by('pk').values_list('name', 'topic'))]


def created_unbound():
    return inbound({'action': 'create', 'data': {'name': 'n', 'topic': 'x'}}, fields=['name'])


def ready_senders():
    """Return whether receivers of a worker's signals can ask their sender for its layer and channels."""
    found = []

    def note(sender, **kwargs):
        worker.termed = True
        found.append(attempt(lambda: [sender.channel_layer.alias, sender.apply_channel_filters(["a", "b"])]))
    with layer([route('test', tell)]) as wrapped:
        worker_ready.connect(note)
        try:
            worker = Worker(wrapped, signal_handlers=False, only_channels=['a'])
            if not hasattr(worker, 'run_once'):
                worker.ready()
            worker.run()
        finally:
            worker_ready.disconnect(note)
    return found


def process_sender():
    found = []

    def note(sender, **kwargs):
        found.append(isinstance(sender, Worker))
    worker_process_ready.connect(note)
    try:
        worker = Worker(channel_layers['default'], signal_handlers=False)
        worker_process_ready.send(sender=worker)
        return found
    finally:
        worker_process_ready.disconnect(note)


cases('workers that a program starts', {
    'who is ready': ready_senders, 'whose process is ready': process_sender,
})


def frame_without_a_route(client):
    return attempt(client.send_and_consume, 'websocket.receive', {'text': 'x', 'path': '/else/'})


ROUTES = [route('websocket.connect', accept, path='^/$'), route('websocket.receive', echo, path='^/$')]
cases('tests that a program has', {
    'a frame without a route': lambda: with_client(frame_without_a_route, Client, ROUTES),
    'a frame without a route, by a WSClient': lambda: with_client(
        lambda c: attempt(c.send_and_consume, 'websocket.receive', text='x', path='/else/'), routes=ROUTES),
    'a frame without a route, allowed': lambda: with_client(
        lambda c: c.send_and_consume('websocket.receive', text='x', path='/else/', fail_on_none=False), routes=ROUTES),
    'a handshake without a route': lambda: with_client(
        lambda c: attempt(c.send_and_consume, 'websocket.connect', path='/else/'), routes=ROUTES),
    'keyword arguments': lambda: with_client(lambda c: [
        c.send('websocket.connect', path='/', content={'query_string': 'token=t'}),
        c.consume('websocket.connect', fail_on_none=True), c.receive()], routes=ROUTES),
    'u-strings and a named channel': lambda: with_client(
        lambda c: [c.send_and_consume(channel='websocket.connect', path='/'), c.receive(json=False)], routes=ROUTES),
    'content and text': lambda: with_client(lambda c: [
        c.send_and_consume('websocket.receive', content={'order': 1}, text='5', path='/'), c.receive()],
        routes=ROUTES),
    'text that is None': lambda: with_client(lambda c: attempt(
        c.send_and_consume, 'websocket.receive', text=None, path='/'), routes=ROUTES),
    'the instance of a class': lambda: with_client(
        lambda c: [c.send_and_consume('websocket.connect', path='/').path], routes=[route_class(Checked)]),
    'a class that sets what it did': lambda: with_client(
        lambda c: c.send_and_consume('test.create').called, Client, [route_class(type(str('Did'), (
            WebsocketConsumer,), {'method_mapping': {'test.create': 'create'}, 'get_handler': lambda self, message,
                                  **kwargs: lambda message, **kwargs: setattr(self, 'called', 'create')}))]),
    'routes around a class and a method': lambda: run_tests(Routed, test_1=_in_class, test_2=apply_routes(
        [route('other', tell)])(_in_method)),
    'a client before its routes': lambda: client_before(),
})


def _in_class(self):
    assert Client().get_consumer_by_channel('job') is tell


def _in_method(self):
    assert Client().get_consumer_by_channel('job') is None
    assert Client().get_consumer_by_channel('other') is tell


@apply_routes([route('job', tell)])
class Routed(ChannelTestCase):
    """A class with routes of its own."""


def client_before():
    with layer():
        client = WSClient()
        held = client.channel_layer
        with apply_routes(ROUTES):
            client.send_and_consume('websocket.connect', path='/')
            held.send('websocket.receive', {'reply_channel': client.reply_channel, 'path': '/', 'text': '5'})
            client.consume('websocket.receive')
            return client.receive()


@case('tests that a program has: sockets of two users')
def two_users():
    routes = [
        route('websocket.connect', auth.channel_session_user_from_http(accept)),
        route('websocket.receive', auth.channel_session_user(
            lambda message: message.reply_channel.send({'text': json.dumps(message.user.username)}))),
    ]

    def function(client):
        found, clients = [], [client, WSClient()]
        for name, each in zip(('ann', 'bob'), clients):
            each.force_login(make_user(name))
            each.send_and_consume('websocket.connect', path='/')
        for each in clients + clients:
            each.send_and_consume('websocket.receive', text='who', path='/')
            found.append(each.receive())
        return found
    return with_client(function, routes=routes)
