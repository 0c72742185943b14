"""Tests of the exceptions that consumers raise to act on their socket."""
from __future__ import absolute_import, unicode_literals

from django.channels.exceptions import ChannelsError, DenyConnection, InvalidChannelLayerError, WebsocketCloseException
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.test import SimpleTestCase


class ExceptionTests(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer()

    def message(self, channel):
        return Message({'reply_channel': 'websocket.send.p!c'}, channel, self.layer)

    def test_close_codes_are_those_that_rfc_6455_leaves_to_applications(self):
        for code in (1000, 3000, 4999):
            self.assertEqual(WebsocketCloseException(code).code, code)
        for code in (0, 1, 5, 999, 1001, 2999, 5000, -1, True, '1000', 1000.0):
            with self.assertRaisesMessage(ValueError, 'use 1000 or 3000-4999'):
                WebsocketCloseException(code)

    def test_no_code_is_that_of_a_normal_end(self):
        self.assertEqual([WebsocketCloseException().code, WebsocketCloseException(code=None).code], [1000, 1000])

    def test_close_sends_its_code(self):
        WebsocketCloseException(4001).run(self.message('websocket.receive'))
        self.assertEqual(self.layer.receive(['websocket.send.p!']), ('websocket.send.p!c', {'close': 4001}))

    def test_close_needs_a_websocket(self):
        with self.assertRaisesMessage(ValueError, 'needs a WebSocket message, not http.request'):
            WebsocketCloseException().run(self.message('http.request'))

    def test_deny_refuses_the_handshake(self):
        DenyConnection().run(self.message('websocket.connect'))
        self.assertEqual(self.layer.receive(['websocket.send.p!']), ('websocket.send.p!c', {'close': True}))

    def test_deny_comes_too_late_after_the_handshake(self):
        with self.assertRaisesMessage(ValueError, 'raise WebsocketCloseException to close'):
            DenyConnection().run(self.message('websocket.receive'))

    def test_an_invalid_layer_is_a_value_error_of_the_family(self):
        self.assertTrue(issubclass(InvalidChannelLayerError, ValueError))
        self.assertTrue(issubclass(InvalidChannelLayerError, ChannelsError))
