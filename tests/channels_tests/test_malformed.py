"""Tests of frames that a client shouldn't have sent, and of handshakes that are refused."""
from __future__ import absolute_import, unicode_literals

import unittest

from django.channels import route_class
from django.channels.binding.websockets import WebsocketBinding
from django.channels.compat import six
from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.compat.text import native_from_text
from django.channels.exceptions import DenyConnection, MalformedFrame
from django.channels.generic.websockets import JsonWebsocketConsumer, WebsocketConsumer, WebsocketDemultiplexer
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.management.runserver import CONSUMER_REFUSED, ActionLog
from django.channels.security import handshakes
from django.channels.signals import handshake_refused
from django.channels.worker import FAILED, HANDLED, Worker
from django.contrib.auth.models import Group as Model
from django.core.management.base import BaseCommand, OutputWrapper
from django.test import TestCase

from .logs import LogTestCase

REPLY_CHANNEL = 'websocket.send.p!1'


class Json(JsonWebsocketConsumer):

    def receive(self, content, **kwargs):
        if content == 'own':
            raise MalformedFrame('There is no such move.', code=4001)
        raise ValueError("the consumer's own fault")


class Answering(Json):

    def malformed(self, error, **kwargs):
        self.send({'error': str(error)})


class GroupBinding(WebsocketBinding):
    model, stream, fields = Model, 'groups', ['name']

    @classmethod
    def group_names(cls, instance):
        return []

    def has_permission(self, user, action, pk):
        return True


class Streams(WebsocketDemultiplexer):
    consumers = {'json': Json, 'groups': GroupBinding.consumer}


class SocketTestCase(LogTestCase, TestCase):

    def setUp(self):
        super(SocketTestCase, self).setUp()
        self.layer = InMemoryChannelLayer()

    def handle(self, consumer, channel='websocket.receive', reply_channel=REPLY_CHANNEL, **content):
        layer = ChannelLayerWrapper(self.layer, 'test', [route_class(consumer)])
        content = dict({'reply_channel': reply_channel, 'path': '/', 'order': 1}, **content)
        return Worker(layer, signal_handlers=False).handle(channel, content)

    def replies(self, channel='websocket.send.p!'):
        return [message for _, message in self.layer.receive_batch([channel], 100)]


class MalformedFrameTests(SocketTestCase):

    def assertRefused(self, consumer, code, reason, **frame):
        self._stream.truncate(0)
        self._stream.seek(0)
        self.assertEqual(self.handle(consumer, **frame), HANDLED, frame)
        self.assertEqual(self.replies(), [{'close': code}], frame)
        [line] = self.log().splitlines()
        self.assertIn('A client sent a malformed frame, and its socket is closed with %d: ' % code, line)
        self.assertIn(reason, line)

    def test_the_socket_is_closed_and_one_line_says_why(self):
        for code, reason, frame in (
            (1007, "A frame isn't JSON", {'text': '{bad'}),
            (1007, "A frame isn't JSON", {'text': ''}),
            (1007, "A frame isn't JSON: NaN is not a value of JSON.", {'text': '[NaN]'}),
            (1007, '-Infinity is not a value', {'text': '-Infinity'}),
            (1007, "A frame isn't JSON", {'text': '[' * 100000}),
            (1003, 'A binary frame came where JSON was expected.', {'bytes': b'\xff'}),
            (4001, 'There is no such move.', {'text': '"own"'}),
        ):
            self.assertRefused(Json, code, reason, **frame)

    def test_the_line_is_a_warning_without_a_traceback(self):
        with self.settings(DEBUG=False):
            self.handle(Json, text='{bad')
        self.assertNotIn('Traceback', self.log())
        self.assertIn('Consumer channels_tests.test_malformed.Json, reply channel %s.' % REPLY_CHANNEL, self.log())

    def test_a_frame_for_no_stream_is_one(self):
        for reason, text in (
            ('A multiplexed frame must be', '[]'),
            ('must be an object', '{"stream": "json", "payload": 1}'),
            ('There is no consumer for the stream', '{"stream": "other", "payload": {}}'),
            ('needs an "action"', '{"stream": "groups", "payload": {}}'),
            ('There is no action', '{"stream": "groups", "payload": {"action": "explode", "data": {}}}'),
        ):
            self.assertRefused(Streams, 1007, reason, text=text)

    def test_a_consumer_may_answer_instead(self):
        self.assertEqual(self.handle(Answering, text='{bad'), HANDLED)
        self.assertEqual(self.handle(Answering, text='"own"'), HANDLED)
        first, second = self.replies()
        self.assertIn("A frame isn't JSON", first['text'])
        self.assertEqual(second['text'], '{"error": "There is no such move."}')
        self.assertEqual(self.log(), '')

    def test_a_fault_of_the_consumer_is_an_error_as_before(self):
        self.assertEqual(self.handle(Json, text='1'), FAILED)
        self.assertEqual(self.replies(), [{'close': 1011}])
        self.assertLogged('Traceback', "the consumer's own fault")

    def test_what_is_no_frame_is_not_the_fault_of_a_client(self):
        class Consumer(WebsocketConsumer):
            def connect(self, message, **kwargs):
                raise MalformedFrame('of a handshake')

        self.assertEqual(self.handle(Consumer, 'websocket.connect'), FAILED)
        self.assertEqual(self.replies(), [{'close': True, 'status': 500}])

    def test_daphne_is_told_in_words_that_it_knows(self):
        self.handle(Json, reply_channel='daphne.response.p!1', text='{bad')
        self.handle(Json, reply_channel='daphne.response.p!1', text='1')
        self.assertEqual(self.replies('daphne.response.p!'), [{'close': True}] * 2)

    @unittest.skipUnless(SUPPORTS_ASYNC, 'no async consumers')
    def test_async_consumers_are_asked_once(self):
        from .async_consumers import Picky
        Picky.asked = 0
        for reason, text in (("A frame isn't JSON", '{bad'), ("Not 'own'.", '"own"')):
            self.assertRefused(Picky, 1007, reason, text=text)
        self.assertEqual(Picky.asked, 2)


class RefusalTests(SocketTestCase):

    def setUp(self):
        super(RefusalTests, self).setUp()
        self.reasons = []
        handshake_refused.connect(self.note)
        self.addCleanup(handshake_refused.disconnect, self.note)

    def note(self, message, reason, **kwargs):
        # Before the server hears of it, which would write its line first.
        self.assertEqual(self.replies(), [])
        self.reasons.append(reason)

    def test_the_reason_is_known(self):
        class Denying(WebsocketConsumer):
            def connect(self, message, **kwargs):
                raise DenyConnection('Log in first.')

        class Mute(WebsocketConsumer):
            def connect(self, message, **kwargs):
                raise DenyConnection

        class Broken(WebsocketConsumer):
            def connect(self, message, **kwargs):
                raise KeyError('room')

        for consumer in (Denying, Mute, Broken):
            self.handle(consumer, 'websocket.connect')
            self.assertEqual(len(self.replies()), 1)
        with self.settings(ALLOWED_HOSTS=['ours.example']):
            self.handle(WebsocketConsumer, 'websocket.connect', headers=[[b'host', b'evil.example']])
        self.assertEqual(self.reasons[0], 'Log in first.')
        self.assertIn('Mute raised DenyConnection.', self.reasons[1])
        self.assertIn('Broken raised KeyError.', self.reasons[2])
        self.assertIn('is not in ALLOWED_HOSTS', self.reasons[3])

    def test_the_log_says_where_to_name_a_host_or_an_origin(self):
        for header, setting in ((b'host', 'ALLOWED_HOSTS'), (b'origin', 'CHANNEL_ALLOWED_ORIGINS')):
            handshakes._told.clear()
            headers = [[b'host', b'ours.example'], [b'origin', b'http://evil.example']]
            if header == b'host':
                headers = [[b'host', b'origin.example']]
            with self.settings(ALLOWED_HOSTS=['ours.example']):
                self.handle(WebsocketConsumer, 'websocket.connect', headers=headers)
            self.assertLogged(' is ', 'If it is yours, name it in %s. Further' % setting)

    def test_reasons_may_have_any_characters(self):
        class Denying(WebsocketConsumer):
            def connect(self, message, **kwargs):
                raise DenyConnection('Nur f\xfcr Mitglieder \u2026')

        class Picky(WebsocketConsumer):
            def receive(self, text=None, bytes=None, **kwargs):
                raise MalformedFrame('Ung\xfcltig: \u2026')

        self.assertEqual(self.handle(Denying, 'websocket.connect'), HANDLED)
        self.assertEqual(self.replies(), [{'close': True}])
        self.assertEqual(self.reasons, ['Nur f\xfcr Mitglieder \u2026'])
        self.assertEqual(self.handle(Picky, text='x'), HANDLED)
        self.assertEqual(self.replies(), [{'close': 1007}])
        self.assertLogged('Ung\xfcltig: \u2026')
        log = self.action_log([])
        for path in ('/r\xe4ume/', '/r\xe4ume/'.encode('utf-8'), '/r%C3%A4ume/', str('/r%C3%A4ume/'), b'/r%C3%A4ume/'):
            log.command.stderr = OutputWrapper(six.StringIO())
            log.note_refusal(message={'client': ['127.0.0.1', 5], 'path': '/r\xe4ume/'}, reason=self.reasons[0])
            log('websocket', 'rejected', {'client': '127.0.0.1:5', 'path': path})
            self.assertTrue(log.command.stderr._out.getvalue().endswith(native_from_text(
                'WebSocket REJECT /r\xe4ume/ [127.0.0.1:5] Nur f\xfcr Mitglieder \u2026\n')), path)

    def test_a_receiver_that_raises_costs_the_client_nothing(self):
        def receiver(**kwargs):
            raise ValueError('of the receiver')

        handshake_refused.connect(receiver)
        self.addCleanup(handshake_refused.disconnect, receiver)

        class Denying(WebsocketConsumer):
            def connect(self, message, **kwargs):
                raise DenyConnection('Log in first.')

        self.assertEqual(self.handle(Denying, 'websocket.connect'), HANDLED)
        self.assertEqual(self.replies(), [{'close': True}])
        self.assertLogged('of the receiver')

    def action_log(self, lines):
        command = BaseCommand()
        command.style.HTTP_BAD_REQUEST = command.style.HTTP_INFO = lambda text: text
        command.stderr = type(str('Output'), (), {'write': lambda output, line, colour: lines.append(line)})()
        return ActionLog(command)

    def test_runserver_says_why(self):
        lines = []
        log = self.action_log(lines)
        log.note_refusal(message={'client': ['127.0.0.1', 5], 'path': '/talk/'}, reason='Log in first.')
        # The refusal may come before the line of its handshake.
        log('websocket', 'connecting', {'path': '/talk/', 'client': '127.0.0.1:5'})
        self.assertTrue(lines.pop().endswith('WebSocket HANDSHAKING /talk/ [127.0.0.1:5]'), lines)
        for path, client in (('/talk/', '127.0.0.1:6'), ('/talk/', '127.0.0.1:5'), (b'/talk/', '127.0.0.1:5')):
            log('websocket', 'rejected', {'path': path, 'client': client})
        self.assertTrue(lines[0].endswith('WebSocket REJECT /talk/ [127.0.0.1:6] ' + CONSUMER_REFUSED), lines)
        self.assertTrue(lines[1].endswith('WebSocket REJECT /talk/ [127.0.0.1:5] Log in first.'), lines)
        # It is told once.
        self.assertTrue(lines[2].endswith('[127.0.0.1:5] ' + CONSUMER_REFUSED), lines)
