"""
Static files through the consumer of requests.
"""
from __future__ import absolute_import

import os
import shutil
import tempfile

from django.channels.http.response import decode_response
from django.channels.staticfiles import StaticFilesConsumer, StaticFilesHandler
from django.test import override_settings

from . import http_urls
from .http_tools import make_message
from .test_http_handler import HandlerTestCase


class StaticFilesTests(HandlerTestCase):

    def setUp(self):
        super(StaticFilesTests, self).setUp()
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(folder, 'a file.css'), 'wb') as file:
            file.write(b'body {}')
        settings = override_settings(
            STATIC_URL='/static/', STATICFILES_DIRS=[folder],
            STATIC_ROOT=None, DEBUG=True, ALLOWED_HOSTS=['testserver'],
            INSTALLED_APPS=['django.contrib.staticfiles', 'channels_tests', 'django.channels'],
            STATICFILES_FINDERS=['django.contrib.staticfiles.finders.FileSystemFinder'],
        )
        settings.enable()
        self.addCleanup(settings.disable)
        from django.contrib.staticfiles import finders
        finders.get_finder.cache_clear()
        self.addCleanup(finders.get_finder.cache_clear)

    def get(self, path, **kwargs):
        headers = [[b'host', b'testserver']]
        response = decode_response(StaticFilesHandler()(make_message(path=path, headers=headers, **kwargs)))
        content = b''.join(response.streaming_content) if response.streaming else response.content
        return response, content

    def test_a_file_is_served(self):
        response, content = self.get('/static/a file.css')
        self.assertEqual((response.status_code, content), (200, b'body {}'))
        self.assertEqual(response['Content-Type'], 'text/css')

    def test_all_else_goes_to_the_views(self):
        self.assertEqual(self.get('/')[1], b'hello')

    def test_a_file_that_is_not_there_is_a_404(self):
        self.assertEqual(self.get('/static/no-such.css')[0].status_code, 404)
        with self.settings(DEBUG=False):
            self.assertEqual(self.get('/static/no-such.css')[0].status_code, 404)

    def test_no_file_outside_is_served(self):
        for path in ('/static/../a file.css', '/static/%2e%2e/x', '/static//etc/passwd'):
            self.assertEqual(self.get(path)[0].status_code, 404)

    @override_settings(DEBUG=False)
    def test_it_serves_without_debug_as_well(self):
        # Who takes this consumer without DEBUG has asked for it: runserver
        # --insecure.
        self.assertEqual(self.get('/static/a file.css')[1], b'body {}')

    def test_static_files_of_another_host_are_not_ours(self):
        with self.settings(STATIC_URL='http://static.example.com/static/'):
            self.assertEqual(self.get('/static/a file.css')[0].status_code, 404)

    def test_the_signals_come_in_pairs(self):
        self.get('/static/a file.css')
        self.assertEqual(self.signals, [('started', StaticFilesHandler), ('finished', StaticFilesHandler)])

    def test_the_consumer_serves_them(self):
        message = make_message(path='/static/a file.css')
        StaticFilesConsumer()(message)
        self.assertEqual(message.channel_layer.receive(['http.response.test!'])[1]['status'], 200)
        self.assertEqual(http_urls.seen, [])
