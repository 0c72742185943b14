"""Tests of a message as its consumer sees it."""
from __future__ import absolute_import, unicode_literals

from django.channels import auth, sessions
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.test import SimpleTestCase


class MessageTests(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer()
        self.message = Message({'reply_channel': 'p!a', 'list': [1]}, 'websocket.receive', self.layer)

    def test_it_reads_like_its_content(self):
        message = self.message
        self.assertEqual(message['list'], [1])
        self.assertIn('list', message)
        self.assertNotIn('missing', message)
        self.assertEqual(message.get('missing', 7), 7)
        self.assertEqual(sorted(message.keys()), ['list', 'reply_channel'])
        self.assertEqual(sorted(map(str, message.values())), ['[1]', 'p!a'])
        self.assertEqual(dict(message.items()), message.content)
        with self.assertRaises(KeyError):
            message['missing']

    def test_replies_go_to_the_layer_it_came_from(self):
        self.message.reply_channel.send({'text': 'hello'})
        self.assertEqual(self.layer.receive(['p!']), ('p!a', {'text': 'hello'}))

    def test_there_may_be_nobody_to_reply_to(self):
        self.assertIsNone(Message({}, 'task', self.layer).reply_channel)

    def test_a_test_may_make_one_of_its_content_alone(self):
        message = Message({'reply_channel': 'p!a', 'path': '/', 'headers': [], 'order': 0}, None, self.layer)
        self.assertEqual((message.channel.name, message.copy().channel.name, str(message.channel)),
                         (None, None, 'no channel'))
        self.assertEqual(repr(message), '<Message on no channel: headers, order, path, reply_channel>')
        for decorator in (sessions.http_session, auth.http_session_user):
            self.assertEqual(decorator(lambda message: message['path'])(message), '/')

    def test_a_copy_shares_nothing(self):
        copy = self.message.copy()
        copy['list'].append(2)
        self.assertEqual(self.message['list'], [1])
        self.assertEqual(copy.channel.name, 'websocket.receive')
