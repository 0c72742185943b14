"""
Async views, middleware and streams, called by a synchronous worker.
"""
from __future__ import absolute_import

import sys
import unittest
import warnings

import django
from django.channels import outbox
from django.channels.http.response import decode_response
from django.channels.layers.memory import InMemoryChannelLayer
from django.test import override_settings

from .test_http_handler import HandlerTestCase


@unittest.skipIf(django.VERSION < (3, 1), 'This Django has no async views.')
@override_settings(ROOT_URLCONF='channels_tests.async_views', MIDDLEWARE=['channels_tests.async_views.async_only'])
class AsyncTests(HandlerTestCase):

    def test_an_async_view_answers_through_async_middleware(self):
        response = self.response()
        self.assertEqual((response.content, response['X-Async']), (b'hello', '1'))

    def test_its_errors_are_djangos_to_handle(self):
        self.assertEqual(self.response(path='/fail/').status_code, 500)
        self.assertIn(('exception', None), self.signals)

    def test_it_may_promise_a_later_response(self):
        self.assertEqual(self.replies(path='/later/'), [])

    @unittest.skipIf(sys.version_info < (3, 7), 'This Python has no contexts.')
    def test_what_it_sends_goes_out_when_it_has_succeeded(self):
        for query, sent in [(b'', ['the view', 'a function']), (b'fail', [])]:
            layer = InMemoryChannelLayer()
            with outbox.buffered():
                self.replies(path='/announce/', query_string=query, channel_layer=layer)
                self.assertEqual(layer.receive(['news']), (None, None))
            received = [message['by'] for channel, message in layer.receive_batch(['news'], 10, 0)]
            self.assertEqual((query, received), (query, sent))

    @unittest.skipIf(sys.version_info < (3, 7), 'This Python has no contexts.')
    @override_settings(CHANNEL_SEND_TIMEOUT=0.0)
    def test_it_fails_if_a_job_that_it_sends_has_no_room(self):
        for capacity, status in ((2, 200), (1, 500)):
            layer = InMemoryChannelLayer(acknowledged={'news': {'capacity': capacity}})
            with outbox.buffered():
                reply, = self.replies(path='/announce/', channel_layer=layer)
                self.assertEqual((reply['status'], len(layer.jobs('news'))), (status, capacity))

    @unittest.skipIf(django.VERSION < (4, 2), 'This Django has no async streams.')
    def test_an_async_stream_is_sent_piece_by_piece(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            replies = self.replies(path='/stream/')
        self.assertEqual(b''.join(decode_response(replies).streaming_content), b'part 0part 1part 2')
        self.assertEqual([str(warning.message) for warning in caught], [])
        self.assertEqual([reply['content'] for reply in replies], [b'part 0', b'part 1', b'part 2', b''])
