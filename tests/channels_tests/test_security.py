"""Tests of where a WebSocket may come from."""
from __future__ import absolute_import, unicode_literals

from django.channels.exceptions import DenyConnection
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.channels.security.websockets import BaseOriginValidator, allowed_hosts_only
from django.test import SimpleTestCase, override_settings


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
