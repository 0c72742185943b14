"""Tests of class-based consumers."""
from __future__ import absolute_import, unicode_literals

import datetime
import json

from django.channels import include, route_class
from django.channels.exceptions import DenyConnection, SendNotAvailableOnDemultiplexer
from django.channels.generic import BaseConsumer
from django.channels.generic.websockets import (
    JsonWebsocketConsumer, WebsocketConsumer, WebsocketDemultiplexer, WebsocketMultiplexer,
)
from django.channels.layers import channel_layers
from django.channels.sessions import session_for_reply_channel
from django.channels.test import ChannelTestCase, Client, WSClient, apply_routes
from django.channels.test.linting import exempt
from django.contrib.auth.models import User

from .order_watches import OrderWatchTestCase


class BaseConsumerTests(ChannelTestCase):

    def setUp(self):
        super(BaseConsumerTests, self).setUp()
        seen = self.seen = []

        class Consumer(BaseConsumer):
            method_mapping = {'test.create': 'create', 'test.delete': 'delete'}
            label = 'plain'

            def create(self, message, **kwargs):
                seen.append(('create', self.message is message, self.kwargs == kwargs, self.label, kwargs))

            def delete(self, message, **kwargs):
                seen.append(('delete', getattr(message, 'channel_session', None), getattr(message, 'user', None)))

        self.consumer = Consumer

    def test_each_channel_has_a_method(self):
        self.assertEqual(self.consumer.channel_names(), {'test.create', 'test.delete'})
        with apply_routes([route_class(self.consumer, n='(?P<n>.)')]):
            Client().send_and_consume('test.create', {'n': '5'})
            Client().send_and_consume('test.delete', {'n': '5'})
        self.assertEqual(self.seen, [('create', True, True, 'plain', {'n': '5'}), ('delete', None, None)])

    def test_as_route_makes_a_route_with_attributes_and_filters_of_its_own(self):
        with apply_routes([
            self.consumer.as_route(attrs={'label': 'special'}, n='^1$'), self.consumer.as_route(n='(?P<n>.)'),
        ]):
            Client().send_and_consume('test.create', {'n': '1'})
            Client().send_and_consume('test.create', {'n': '2'})
        self.assertEqual([call[3] for call in self.seen], ['special', 'plain'])
        self.assertEqual(self.consumer.label, 'plain')
        with self.assertRaisesMessage(TypeError, 'attrs must be a dict of class attributes, not list.'):
            self.consumer.as_route(attrs=[])

    def test_sessions_and_users_come_with_a_flag(self):
        for flag in ('channel_session', 'channel_session_user'):
            with apply_routes([self.consumer.as_route(attrs={flag: True})]):
                Client().send_and_consume('test.delete')
        (_, session, nobody), (_, other, user) = self.seen
        self.assertEqual((session.session_key[:3], other.session_key[:3]), ('chn', 'chn'))
        self.assertIsNone(nobody)
        self.assertIsNone(user.pk)

    def test_get_handler_can_decorate_the_method(self):
        seen = self.seen

        class Consumer(self.consumer):
            def get_handler(self, message, **kwargs):
                handler = super(Consumer, self).get_handler(message, **kwargs)

                def inner(message, **kwargs):
                    seen.append('before')
                    return handler(message, **kwargs)
                return inner

        with apply_routes([Consumer.as_route()]):
            Client().send_and_consume('test.create')
        self.assertEqual([seen[0], seen[1][0]], ['before', 'create'])


@exempt('order', 'code')
class WebsocketConsumerTests(OrderWatchTestCase, ChannelTestCase):

    def test_a_socket_is_accepted_and_nothing_else_happens(self):
        client = WSClient()
        with apply_routes([WebsocketConsumer.as_route(path='^/room/$')]):
            client.send_and_consume('websocket.connect', path='/room/')
            client.send_and_consume('websocket.receive', text={})
            client.send_and_consume('websocket.disconnect')
        self.assertIsNone(client.receive())

    def test_frames_come_as_text_or_bytes_and_go_back(self):
        class Echo(WebsocketConsumer):
            def receive(self, text=None, bytes=None, **kwargs):
                self.send(text=text, bytes=bytes)

        client = WSClient()
        with apply_routes([route_class(Echo)]):
            client.send_and_consume('websocket.receive', text='a')
            client.send_and_consume('websocket.receive', {'bytes': b'b', 'text': None})
            client.send_and_consume('websocket.receive', {'text': 'c', 'bytes': None})
        self.assertEqual(client.receive(json=False), 'a')
        self.assertEqual(client.receive(), {'bytes': b'b'})
        self.assertEqual(client.receive(json=False), 'c')

    def test_routes_give_keyword_arguments(self):
        seen = []

        class Consumer(WebsocketConsumer):
            def connect(self, message, **kwargs):
                seen.append((self.path, kwargs))
                message.reply_channel.send({'accept': True})

            def receive(self, text=None, bytes=None, **kwargs):
                seen.append((self.path, kwargs))

            def disconnect(self, message, **kwargs):
                seen.append((self.path, kwargs))

        client = WSClient()
        with apply_routes([include([Consumer.as_route(path='^/(?P<name>[a-z]+)/')], path='^/chat')]):
            client.send_and_consume('websocket.connect', path='/chat/tea/')
            client.send_and_consume('websocket.receive', text='x')
            client.send_and_consume('websocket.disconnect')
        self.assertEqual(seen, [('/chat/tea/', {'name': 'tea'})] * 3)

    def test_a_socket_is_in_its_groups_while_it_is_open(self):
        class Fixed(WebsocketConsumer):
            groups = ['a', 'b']

        class Computed(WebsocketConsumer):
            def connection_groups(self, **kwargs):
                return ['room-' + kwargs['room']]

        for consumer, names in ((Fixed, ['a', 'b']), (Computed, ['room-tea'])):
            client = WSClient()
            with apply_routes([consumer.as_route(path='^/(?P<room>.*)/')]):
                client.send_and_consume('websocket.connect', path='/tea/')
                for name in names:
                    consumer.group_send(name, text='"%s"' % name)
                self.assertEqual([client.receive() for _ in names], names)
                client.send_and_consume('websocket.disconnect')
                for name in names:
                    self.assertEqual(channel_layers['default'].group_channels(name), [])

    def test_a_socket_that_is_refused_is_in_no_group(self):
        class Consumer(WebsocketConsumer):
            groups = ['a']

            def connect(self, message, **kwargs):
                raise DenyConnection()

        client = WSClient()
        with apply_routes([Consumer.as_route()]):
            client.send_and_consume('websocket.connect', check_accept=False)
        self.assertEqual(client.receive(), {'close': True})
        self.assertEqual(channel_layers['default'].group_channels('a'), [])

    def test_sockets_are_closed_with_or_without_a_last_frame(self):
        class Consumer(WebsocketConsumer):
            def receive(self, text=None, bytes=None, **kwargs):
                {
                    'close': self.close,
                    'code': lambda: self.close(4000),
                    'last': lambda: self.send(text='bye', close=4001),
                    'only': lambda: self.send(close=True),
                    'nothing': lambda: self.send(),
                    'both': lambda: self.send('a', b'b'),
                }[text]()

        client = WSClient()
        with apply_routes([Consumer.as_route()]):
            for text in ('close', 'code', 'last', 'only'):
                client.send_and_consume('websocket.receive', text=text)
            for text, error in (('nothing', 'There is nothing to send'), ('both', 'either text or bytes')):
                with self.assertRaisesMessage(ValueError, error):
                    client.send_and_consume('websocket.receive', text=text)
        replies = [client.get_next_message(client.reply_channel).content for _ in range(4)]
        self.assertEqual(replies, [{'close': True}, {'close': 4000}, {'text': 'bye', 'close': 4001}, {'close': True}])

    def test_the_user_of_the_handshake_stays(self):
        seen = []

        class Consumer(WebsocketConsumer):
            def connect(self, message, **kwargs):
                seen.append((message.user, getattr(message, 'http_session', None)))
                super(Consumer, self).connect(message, **kwargs)

            def receive(self, text=None, bytes=None, **kwargs):
                seen.append((self.message.user, getattr(self.message, 'http_session', None)))

        user = User.objects.create_user('ann')
        for flag, has_session in (('http_user', False), ('http_user_and_session', True)):
            del seen[:]
            client = WSClient()
            client.force_login(user)
            with apply_routes([Consumer.as_route(attrs={flag: True})]):
                client.send_and_consume('websocket.connect')
                client.send_and_consume('websocket.receive', text='x')
            self.assertEqual([pair[0] for pair in seen], [user, user], flag)
            self.assertEqual(seen[1][1] is not None, has_session, flag)

    def test_messages_are_handled_in_order(self):
        seen = []

        class Consumer(WebsocketConsumer):
            strict_ordering = True

            def receive(self, text=None, bytes=None, **kwargs):
                seen.append(text)

        client = WSClient()
        with apply_routes([Consumer.as_route()]):
            client.send_and_consume('websocket.receive', {'text': 'second', 'order': 2})
            client.send_and_consume('websocket.connect', {'order': 0})
            # What waits is put back after each message, as it may be next.
            client.send_and_consume('websocket.receive', {'text': 'first', 'order': 1})
            client.consume('websocket.receive')
            client.consume('websocket.receive')
        self.assertEqual(seen, ['first', 'second'])

    def test_slight_ordering_is_gone(self):
        with apply_routes([WebsocketConsumer.as_route(attrs={'slight_ordering': True})]):
            with self.assertRaisesMessage(ValueError, 'slight_ordering is gone'):
                WSClient().send_and_consume('websocket.receive', text='x')


@exempt('order', 'code')
class JsonWebsocketConsumerTests(ChannelTestCase):

    def test_frames_are_json(self):
        class Consumer(JsonWebsocketConsumer):
            groups = ['all']

            def receive(self, content, **kwargs):
                self.send({'got': content}, close=content == 5)
                self.group_send('all', ['everyone'])

        client = WSClient()
        with apply_routes([Consumer.as_route()]):
            client.send_and_consume('websocket.connect')
            client.send_and_consume('websocket.receive', text={'a': 1})
            self.assertEqual([client.receive(), client.receive()], [{'got': {'a': 1}}, ['everyone']])
            client.send_and_consume('websocket.receive', text=5)
            self.assertEqual(client.get_next_message(client.reply_channel).content,
                             {'text': '{"got": 5}', 'close': True})
            with self.assertRaisesMessage(ValueError, 'A binary frame came where JSON was expected.'):
                client.send_and_consume('websocket.receive', {'bytes': b'x'})

    def test_the_encoding_can_be_another_one(self):
        class Consumer(JsonWebsocketConsumer):
            @classmethod
            def encode_json(cls, content):
                return '<%s>' % json.dumps(content)

            @classmethod
            def decode_json(cls, text):
                return json.loads(text[1:-1])

            def receive(self, content, **kwargs):
                self.send(content + 1)
                self.group_send('all', content + 2)

        client = WSClient()
        client.join_group('all')
        with apply_routes([Consumer.as_route()]):
            client.send_and_consume('websocket.receive', text='<5>')
        self.assertEqual([client.receive(json=False) for _ in range(2)], ['<6>', '<7>'])


@exempt('order', 'code')
class DemultiplexerTests(ChannelTestCase):

    def setUp(self):
        super(DemultiplexerTests, self).setUp()
        seen = self.seen = []

        class Inner(JsonWebsocketConsumer):
            channel_session = True

            def connect(self, message, multiplexer, **kwargs):
                seen.append(('connect', multiplexer.stream, kwargs))
                message.channel_session['colour'] = 'red'

            def receive(self, content, multiplexer, **kwargs):
                seen.append(('receive', multiplexer.stream, kwargs))
                if content.get('self'):
                    self.send(content)
                multiplexer.send({'got': content})

            def disconnect(self, message, multiplexer, **kwargs):
                seen.append(('disconnect', multiplexer.stream, kwargs))

        class Outer(WebsocketDemultiplexer):
            consumers = {'one': Inner, 'two': Inner}
            groups = ['all']

        self.inner, self.outer = Inner, Outer
        routes = apply_routes([Outer.as_route(path='^/(?P<room>.*)$')])
        routes.__enter__()
        self.addCleanup(routes.__exit__)
        self.client = WSClient()

    def receive(self, frame):
        self.client.send_and_consume('websocket.receive', text=frame, path='/tea')

    def test_a_frame_goes_to_the_consumer_of_its_stream(self):
        self.receive({'stream': 'one', 'payload': {'a': 1}})
        self.assertEqual(self.seen, [('receive', 'one', {'room': 'tea'})])
        self.assertEqual(self.client.receive(), {'stream': 'one', 'payload': {'got': {'a': 1}}})

    def test_all_consumers_hear_of_the_socket(self):
        self.client.send_and_consume('websocket.connect', path='/tea')
        self.assertEqual(session_for_reply_channel(self.client.reply_channel)['colour'], 'red')
        self.client.send_and_consume('websocket.disconnect')
        self.assertEqual(sorted(self.seen), sorted(
            (event, stream, {'room': 'tea'}) for event in ('connect', 'disconnect') for stream in ('one', 'two')
        ))

    def test_frames_that_are_none_are_refused(self):
        for frame, error in (
            ([], 'A multiplexed frame must be'),
            ({'stream': 'one'}, 'A multiplexed frame must be'),
            ({'stream': 'one', 'payload': 5}, 'must be an object'),
            ({'stream': 'three', 'payload': {}}, "There is no consumer for the stream"),
            ({'stream': ['one'], 'payload': {}}, "There is no consumer for the stream"),
        ):
            with self.assertRaisesMessage(ValueError, error):
                self.receive(frame)
        self.assertEqual(self.seen, [])

    def test_only_the_multiplexer_sends(self):
        with self.assertRaisesMessage(SendNotAvailableOnDemultiplexer, 'use send() of the multiplexer'):
            self.receive({'stream': 'one', 'payload': {'self': True}})
        with self.assertRaisesMessage(SendNotAvailableOnDemultiplexer, 'use WebsocketMultiplexer.group_send('):
            self.outer.group_send('all', {})

    def test_the_class_of_a_consumer_is_left_alone(self):
        self.receive({'stream': 'one', 'payload': {}})
        self.assertNotIn('send', vars(self.inner))
        self.assertEqual(self.inner.send, JsonWebsocketConsumer.send)
        self.assertIs(self.outer._without_send(self.inner), self.outer._without_send(self.inner))

    def test_groups_are_sent_to_by_stream(self):
        self.client.send_and_consume('websocket.connect', path='/tea')
        WebsocketMultiplexer.group_send('all', 'one', {'day': datetime.date(2016, 5, 1)})
        self.assertEqual(self.client.receive(), {'stream': 'one', 'payload': {'day': '2016-05-01'}})
        WebsocketMultiplexer.group_send('all', 'one', {}, close=True)
        self.assertEqual(self.client.get_next_message(self.client.reply_channel)['close'], True)

    def test_a_function_can_be_a_consumer(self):
        class Outer(WebsocketDemultiplexer):
            consumers = {'f': lambda message, multiplexer: multiplexer.send({'text': message['text']})}

        with apply_routes([Outer.as_route()]):
            self.client.send_and_consume('websocket.receive', text={'stream': 'f', 'payload': {'a': 1}})
        self.assertEqual(self.client.receive()['payload'], {'text': '{"a": 1}'})
