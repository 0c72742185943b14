"""Tests of where a WebSocket may come from."""
from __future__ import absolute_import, unicode_literals

from django.channels import route
from django.channels.checks import check_origins
from django.channels.exceptions import DenyConnection
from django.channels.headers import header_values
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.channels.security import handshakes
from django.channels.security.websockets import BaseOriginValidator, allowed_hosts_only
from django.channels.test import ChannelTestCase, Client, WSClient, apply_routes
from django.channels.worker import Worker
from django.test import SimpleTestCase, override_settings

from .logs import LogTestCase


class OriginTests(SimpleTestCase):

    def connect(self, consumer, origin):
        headers = [] if origin is None else [[b'origin', origin.encode('latin-1')]]
        message = Message({'reply_channel': 'p!a', 'headers': headers}, 'websocket.connect', InMemoryChannelLayer())
        try:
            return consumer(message)
        except DenyConnection:
            return 'denied'

    def allowed(self, origin):
        return self.connect(allowed_hosts_only(lambda message: 'let in'), origin) == 'let in'

    def test_pages_of_allowed_hosts_may_open_sockets(self):
        with override_settings(ALLOWED_HOSTS=['example.com', '.example.org', '[::1]']):
            for origin, expected in (
                ('http://example.com', True),
                ('https://example.com:8443', True),
                ('http://a.b.example.org', True),
                ('http://[::1]:8000', True),
                ('http://evil.com', False),
                ('http://example.com.evil.com', False),
                ('http://evil.com/example.com', False),
                ('http://example.com@evil.com', False),
                ('null', False),
                ('', False),
                ('file://', False),
                ('http://[broken', False),
                (None, False),
            ):
                self.assertEqual(self.allowed(origin), expected, origin)

    def test_any_host_is_any_host_but_none(self):
        with override_settings(ALLOWED_HOSTS=['*']):
            self.assertTrue(self.allowed('http://anywhere.net'))
            self.assertFalse(self.allowed('null'))

    def test_debug_without_hosts_means_this_machine(self):
        with override_settings(ALLOWED_HOSTS=[], DEBUG=True):
            self.assertTrue(self.allowed('http://localhost:8000'))
            self.assertTrue(self.allowed('http://127.0.0.1:8000'))
            self.assertFalse(self.allowed('http://example.com'))
        with override_settings(ALLOWED_HOSTS=[], DEBUG=False):
            self.assertFalse(self.allowed('http://localhost:8000'))

    def test_a_subclass_decides_for_itself(self):
        class OnlyApps(BaseOriginValidator):
            def validate_origin(self, message, origin):
                return origin == 'app://mine'

        consumer = OnlyApps(lambda message: 'let in')
        self.assertEqual(self.connect(consumer, 'app://mine'), 'let in')
        self.assertEqual(self.connect(consumer, 'http://example.com'), 'denied')

    def test_a_subclass_is_asked_only_about_origins_that_are_there(self):
        class NotFrom(BaseOriginValidator):
            def validate_origin(self, message, origin):
                return not origin.startswith('http://evil')

        consumer = NotFrom(lambda message: 'let in')
        layer = InMemoryChannelLayer()
        for headers, expected in (
            ([[b'origin', b'http://good.example']], 'let in'),
            ({'origin': b'http://good.example'}, 'let in'),
            ([[b'host', b'x']], 'denied'),
            ([], 'denied'),
            (None, 'denied'),
            ([[b'origin']], 'denied'),
            ([[b'origin', b'']], 'denied'),
            ([[b'origin', b'http://evil.example\xe4']], 'denied'),
            ([[b'origin', 'http://good.\u0435xample'.encode('utf-8')]], 'denied'),
        ):
            message = Message({'reply_channel': 'p!a', 'headers': headers}, 'websocket.connect', layer)
            try:
                seen = consumer(message)
            except DenyConnection:
                seen = 'denied'
            self.assertEqual(seen, expected, headers)

    def test_a_subclass_can_look_at_other_headers(self):
        validator = BaseOriginValidator(len)
        message = Message({'headers': [[b'x', b'1'], [b'x', b'2']]}, 'websocket.connect', InMemoryChannelLayer())
        self.assertEqual(validator.get_header(message, b'x'), [b'1'])
        with self.assertRaises(KeyError):
            validator.get_header(message, b'y')

    def test_the_base_class_says_what_is_missing(self):
        with self.assertRaisesMessage(NotImplementedError, 'must provide a validate_origin() method'):
            self.connect(BaseOriginValidator(lambda message: None), 'http://example.com')

    @override_settings(ALLOWED_HOSTS=['example.com'])
    def test_methods_can_be_decorated(self):
        class Consumer(object):
            @allowed_hosts_only
            def connect(self, message):
                return self

        consumer = Consumer()
        self.assertIs(self.connect(consumer.connect, 'http://example.com'), consumer)
        self.assertEqual(self.connect(consumer.connect, 'http://evil.com'), 'denied')


class HandshakeTests(LogTestCase, SimpleTestCase):
    """What each WebSocket passes, whatever its consumer is decorated with."""

    def setUp(self):
        super(HandshakeTests, self).setUp()
        handshakes._told.clear()

    def open(self, *headers, **content):
        seen = []
        routing = [route('websocket.connect', lambda message: seen.append(message))]
        layer = ChannelLayerWrapper(InMemoryChannelLayer(), 'default', routing)
        content = dict({'reply_channel': 'p!a', 'path': '/x', 'order': 0, 'headers': [list(pair) for pair in headers]},
                       **content)
        Worker(layer, signal_handlers=False).handle('websocket.connect', content)
        replies = layer.receive(['p!'])[1]
        self.assertEqual(bool(seen), replies is None)
        return bool(seen)

    def test_the_host_and_the_origin_are_those_of_the_site(self):
        with override_settings(ALLOWED_HOSTS=['example.com', '.example.org', '[::1]']):
            for host, origin, expected in (
                (b'example.com', b'http://example.com', True),
                (b'example.com', b'https://example.com', True),
                (b'example.com:8000', b'http://example.com:8000', True),
                (b'example.com', b'https://www.example.org', True),
                (b'example.com', None, True),
                (None, None, True),
                (None, b'http://example.com', True),
                (b'[::1]:8000', b'http://[::1]:8000', True),
                (b'example.com.', b'http://example.com.', True),
                (b'example.com', b'https://www.example.org.', True),
                (b'example.com:443', b'https://example.com', True),
                (b'EXAMPLE.com', b'http://example.COM:80', True),
                (b'example.com', b'http://evil.example', False),
                (b'example.com', b'http://.example.com', False),
                (b'example.com', b'http://example.com.evil.example', False),
                (b'example.com', b'null', False),
                (b'example.com', b'', False),
                (b'example.com', b'http://[broken', False),
                (b'example.com', b'http://example.com:port', False),
                (b'evil.example', b'http://evil.example', False),
                (b'evil.example', None, False),
                (b'example.com evil', None, False),
            ):
                headers = [(b'host', host)] if host is not None else []
                headers += [(b'origin', origin)] if origin is not None else []
                self.assertEqual(self.open(*headers), expected, (host, origin))

    def test_any_host_is_not_any_origin(self):
        with override_settings(ALLOWED_HOSTS=['*']):
            self.assertTrue(self.open((b'host', b'a:81'), (b'origin', b'http://a:81')))
            self.assertFalse(self.open((b'host', b'a:81'), (b'origin', b'http://a:82')))
            self.assertFalse(self.open((b'host', b'a'), (b'origin', b'http://b')))

    def test_any_host_is_not_what_is_no_host(self):
        with override_settings(ALLOWED_HOSTS=['*']):
            for host in (b'a b', b'a/b', b'a@b', b'[::1', b'a:port', b'\xe4'):
                self.assertFalse(self.open((b'host', host)), host)

    def test_several_origins_are_none(self):
        with override_settings(ALLOWED_HOSTS=['a']):
            self.assertFalse(self.open((b'host', b'a'), (b'origin', b'http://a'), (b'origin', b'http://evil')))

    def test_the_setting_names_other_sites_or_all(self):
        evil = [(b'host', b'b'), (b'origin', b'http://evil')]
        other = [(b'host', b'a'), (b'origin', b'https://other.example')]
        with override_settings(ALLOWED_HOSTS=['a'], CHANNEL_ALLOWED_ORIGINS=['https://other.example']):
            self.assertEqual((self.open(*other), self.open(*evil)), (True, False))
        with override_settings(ALLOWED_HOSTS=['a'], CHANNEL_ALLOWED_ORIGINS=['*']):
            self.assertEqual((self.open(*other), self.open(*evil)), (True, True))

    def test_a_part_of_a_setting_that_is_a_text_is_not_allowed(self):
        part = [(b'host', b'a'), (b'origin', b'https://other')]
        for wrong in ('https://other.example', 'https://*.example'):
            with override_settings(ALLOWED_HOSTS=['a'], CHANNEL_ALLOWED_ORIGINS=wrong):
                self.assertFalse(self.open(*part))
                self.assertLogged('CHANNEL_ALLOWED_ORIGINS must be a list of texts')

    def test_a_proxy_may_name_the_host_where_it_does_for_requests(self):
        headers = [(b'host', b'10.0.0.1'), (b'x-forwarded-host', b'a'), (b'origin', b'https://a')]
        with override_settings(ALLOWED_HOSTS=['a']):
            self.assertFalse(self.open(*headers))
            with override_settings(USE_X_FORWARDED_HOST=True):
                self.assertTrue(self.open(*headers))

    def test_the_first_refusal_tells_the_setting(self):
        with override_settings(ALLOWED_HOSTS=['a']):
            for _ in range(2):
                self.open((b'host', b'a'), (b'origin', b'http://evil'))
        self.assertLogged("The WebSocket at /x was refused: its origin, 'http://evil', is another site.")
        self.assertEqual(self.log().count('CHANNEL_ALLOWED_ORIGINS'), 1)

    def test_a_deployment_is_warned_of_all_origins(self):
        layers = {'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []}}
        for origins, expected in ((('*',), ['channels.W020']), (('http://a',), []), ((), [])):
            with override_settings(CHANNEL_ALLOWED_ORIGINS=origins, CHANNEL_LAYERS=layers):
                self.assertEqual([warning.id for warning in check_origins()], expected)


class TestClientTests(LogTestCase, ChannelTestCase):

    # Without a Host there is nothing else to go by, and Django 1.8 has tests allow all.
    @override_settings(ALLOWED_HOSTS=['testserver'])
    def test_the_handshake_of_a_test_passes_it_as_well(self):
        with apply_routes([route('websocket.connect', lambda message: message.reply_channel.send({'accept': True}))]):
            client = Client()
            client.send('websocket.connect', {'path': '/', 'order': 0, 'headers': [[b'origin', b'http://evil']]})
            self.assertIsNone(client.consume('websocket.connect'))
            self.assertEqual(client.receive(), {'close': True})

    def test_a_websocket_client_has_the_origin_of_the_site(self):
        seen = []

        @allowed_hosts_only
        def connect(message):
            seen.append(header_values(message, b'origin'))
            message.reply_channel.send({'accept': True})

        with apply_routes([route('websocket.connect', connect)]):
            WSClient(ordered=True).send_and_consume('websocket.connect', path='/')
            client = WSClient(ordered=True)
            client.set_header('Origin', 'http://evil.example')
            with self.assertRaises(DenyConnection):
                client.send_and_consume('websocket.connect', path='/')
        self.assertEqual(seen, [[b'http://testserver']])

    def test_a_websocket_client_has_the_host_of_the_site(self):
        cases = [
            (['testserver'], None, True), (['*'], None, True),
            (['testserver', 'example.com'], 'http://example.com', True),
            (['testserver'], 'http://evil.example', False), (['*'], 'http://evil.example', False),
            (['*'], 'null', False),
            # Tests of the 1.x family name the one host that is allowed in both places.
            (['example.com'], 'http://example.com', True), (['example.com'], 'http://example.com:8000', True),
            (['example.com'], 'http://evil.example', False), (['example.com'], None, False),
        ]
        with apply_routes([route('websocket.connect', lambda message: message.reply_channel.send({'accept': True}))]):
            for hosts, origin, accepted in cases:
                client = WSClient(ordered=True)
                if origin is not None:
                    client.set_header('Origin', origin)
                with override_settings(ALLOWED_HOSTS=hosts):
                    client.send_and_consume('websocket.connect', path='/', check_accept=False)
                self.assertEqual(client.receive(), {'accept': True} if accepted else {'close': True}, (hosts, origin))

    def test_a_consumer_can_make_addresses_of_the_host(self):
        seen = []

        def connect(message):
            seen.append(header_values(message, b'host'))
            message.reply_channel.send({'accept': True})

        with apply_routes([route('websocket.connect', connect)]), override_settings(ALLOWED_HOSTS=['*']):
            WSClient(ordered=True).send_and_consume('websocket.connect', path='/')
            client = WSClient(ordered=True)
            client.set_header('Host', 'shop.example:8000')
            client.set_header('Origin', 'http://shop.example:8000')
            client.send_and_consume('websocket.connect', path='/')
        self.assertEqual(seen, [[b'testserver'], [b'shop.example:8000']])
