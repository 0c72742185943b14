"""
Django's test client with its requests sent through channels.
"""
from __future__ import absolute_import, unicode_literals

from django.channels.http.request import ChannelRequest
from django.channels.test.client import BODY_CHANNEL, INLINE_BODY_SIZE, ChannelClientHandler
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import SimpleTestCase, override_settings
from django.test.client import Client

from . import http_urls


class ChannelClient(Client):

    def __init__(self):
        super(ChannelClient, self).__init__()
        self.handler = ChannelClientHandler(enforce_csrf_checks=False)


@override_settings(ROOT_URLCONF='channels_tests.http_urls', **{http_urls.MIDDLEWARE: []})
class ChannelClientTests(SimpleTestCase):
    client_class = ChannelClient

    def setUp(self):
        del http_urls.seen[:]

    def test_the_view_gets_a_request_made_from_a_message(self):
        response = self.client.get('/')
        self.assertEqual((response.status_code, response.content), (200, b'hello'))
        self.assertIs(type(response.wsgi_request), ChannelRequest)
        self.assertEqual(response.wsgi_request.message.channel.name, 'http.request')

    def test_a_short_body_is_in_the_message(self):
        content = b'z' * INLINE_BODY_SIZE
        response = self.client.generic('POST', '/echo/', content)
        self.assertEqual(response.content, content)
        self.assertNotIn('body_channel', response.wsgi_request.message)

    def test_a_longer_one_comes_in_pieces(self):
        for size in (INLINE_BODY_SIZE + 1, 2000000):
            content = b'z' * size
            response = self.client.generic('POST', '/echo/', content)
            self.assertEqual(response.content, content)
            message = response.wsgi_request.message
            self.assertEqual((len(message['body']), message['body_channel']), (INLINE_BODY_SIZE, BODY_CHANNEL))

    def test_an_upload_arrives(self):
        response = self.client.post('/upload/', {'file': SimpleUploadedFile('name.bin', b'z' * 100000)})
        self.assertEqual(response.content, b'100000')

    def test_a_stream_comes_as_one(self):
        response = self.client.get('/stream/')
        self.assertTrue(response.streaming)
        self.assertEqual(b''.join(response.streaming_content), b'part 0part 1part 2part 3part 4')
        self.assertEqual(http_urls.seen, ['closed'])

    def test_errors_come_through_to_the_test(self):
        with self.assertRaises(ValueError) as caught:
            self.client.get('/fail/')
        self.assertEqual(str(caught.exception), 'the view failed')
