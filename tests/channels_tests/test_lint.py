"""Tests of the message standard, by its vectors, and of its linter."""
from __future__ import absolute_import, unicode_literals

import json

from django.channels.exceptions import MalformedMessage
from django.channels.layers import codec
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.transport.options import Options
from django.channels.layers.transport.sending import SendOperations
from django.channels.test import lint
from django.channels.test.linting import exempt
from django.test import SimpleTestCase

from .standards import vectors


class MessageVectorTests(SimpleTestCase):

    def setUp(self):
        self.vectors = vectors('messages.json')['vectors']

    def messages(self, valid):
        for vector in self.vectors:
            if vector['valid'] is valid:
                yield vector, codec.from_json(json.dumps(vector['message']))

    def test_there_are_vectors_of_both_kinds(self):
        self.assertGreater(len(list(self.messages(True))), 30)
        self.assertGreater(len(list(self.messages(False))), 60)

    def test_messages_that_keep_the_standard_have_no_problem(self):
        for vector, message in self.messages(True):
            self.assertEqual(lint.problems(vector['channel'], message), [], vector['name'])

    def test_messages_that_break_it_have_a_problem_at_the_key(self):
        for vector, message in self.messages(False):
            keys = [key for key, text in lint.problems(vector['channel'], message)]
            self.assertIn(vector['key'], keys, vector['name'])

    def test_every_message_survives_json(self):
        for vector, message in self.messages(True):
            self.assertEqual(codec.from_json(codec.to_json(message)), message, vector['name'])
            self.assertEqual(json.loads(codec.to_json(message)), vector['message'], vector['name'])


class LinterTests(SimpleTestCase):

    def test_what_is_no_message_is_said_to_be_none(self):
        self.assertIn('not a dict', lint.problems('task', [])[0][1])
        self.assertIn("can't hold", lint.problems('task', {'x': object()})[0][1])
        self.assertIn('must be text', lint.problems('task', {5: 1})[0][1])

    def test_a_linting_layer_refuses_at_the_sender(self):
        layer = lint.LintingLayer(InMemoryChannelLayer())
        layer.group_add('g', 'websocket.send.p!c')
        bad = {'text': 5}
        for send in (
            lambda: layer.send('websocket.send.p!c', bad),
            lambda: layer.send_many([('websocket.send.p!c', bad)]),
            lambda: layer.send_blocking('websocket.send.p!c', bad, 1),
            lambda: layer.send_group('g', bad),
        ):
            with self.assertRaisesMessage(MalformedMessage, 'The message on websocket.send.p!c: text must be text'):
                send()
        layer.send('websocket.send.p!c', {'text': 'fine'})
        self.assertEqual(layer.receive(['websocket.send.p!']), ('websocket.send.p!c', {'text': 'fine'}))
        self.assertIsNone(layer.receive(['websocket.send.p!'])[0])

    def test_all_our_tests_refuse_what_breaks_the_standard(self):
        # By the package of these tests; see lint_everything().
        layer = InMemoryChannelLayer()
        layer.group_add('g', 'websocket.send.p!c')
        sender = SendOperations(Options('p:', 1, 60, 60, None, None), [])
        for send in (
            lambda: layer.send('websocket.send.p!c', {'text': 5}), lambda: layer.send_group('g', {'text': 5}),
            lambda: sender.send('websocket.send.p!c', {'text': 5}),
            lambda: sender.send_many([('websocket.send.p!c', {'text': 5})]),
        ):
            with self.assertRaisesMessage(MalformedMessage, 'The message on websocket.send.p!c: text must be text'):
                send()
        with exempt('text'):
            layer.send('websocket.send.p!c', {'text': 5})
            with self.assertRaisesMessage(MalformedMessage, 'bytes must be a byte string'):
                layer.send('websocket.send.p!c', {'text': 5, 'bytes': 6})
        with self.assertRaises(MalformedMessage):
            layer.send('websocket.send.p!c', {'text': 5})
