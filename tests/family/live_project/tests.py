"""Tests against a live server, as a project of the 1.x family has them."""
from __future__ import unicode_literals

import json
import time

from channels import Group
from channels.test import ChannelLiveServerTestCase
from django.contrib.auth import get_user_model
from django.test import modify_settings, override_settings
from django.utils.six.moves.urllib.error import HTTPError
from django.utils.six.moves.urllib.request import urlopen

from .sockets import Socket

STATIC = '/static/channels/js/websocketbridge.js'


class LiveTestCase(ChannelLiveServerTestCase):

    def get(self, path):
        """Return what is answered, as text, or its status if that isn't 200."""
        try:
            answer = urlopen(self.live_server_url + path, timeout=30)
        except HTTPError as error:
            answer = error
        try:
            text = answer.read().decode('utf-8')
            return text if answer.getcode() == 200 else answer.getcode()
        finally:
            answer.close()

    def socket(self, path, **options):
        opened = Socket(self.live_server_ws_url + path, **options)
        self.addCleanup(opened.close)
        return opened

    def wait_until(self, condition):
        deadline = time.time() + 30
        while not condition():
            self.assertLess(time.time(), deadline)


class LiveTests(LiveTestCase):

    def setUp(self):
        # The server is there already.
        self.assertEqual(self.get('/names'), '')
        self.user = get_user_model().objects.create_user('ann', password='secret')

    def test_rows_of_the_test_are_seen(self):
        self.assertEqual(self.get('/names'), 'ann')

    def test_rows_of_views_and_consumers_are_seen(self):
        self.assertEqual(self.get('/create'), 'created')
        self.wait_until(lambda: get_user_model().objects.filter(username='worked').exists())
        self.assertTrue(get_user_model().objects.filter(username='viewed').exists())

    def test_statuses(self):
        self.assertEqual([self.get('/no-such-page'), self.get('/fails')], [404, 500])

    def test_sockets_share_a_group(self):
        self.client.login(username='ann', password='secret')
        known = self.socket('/chat', cookie='sessionid=' + self.client.cookies['sessionid'].value)
        unknown = self.socket('/chat')
        self.assertEqual([known.status, unknown.status], [101, 101])
        known.send('hello')
        self.assertEqual([known.receive(), unknown.receive()], ['ann: hello', 'ann: hello'])
        unknown.send('who?')
        self.assertEqual([known.receive(), unknown.receive()], ['nobody: who?', 'nobody: who?'])

    def test_consumer_class(self):
        sums = self.socket('/sums')
        sums.send(json.dumps([1, 2]))
        self.assertEqual(json.loads(sums.receive()), {'sum': 3})
        sums.send('null')
        self.assertEqual(sums.receive(), 4001)

    def test_refused_sockets(self):
        self.assertEqual(self.socket('/refuse').status, 403)

    def test_static_files(self):
        self.assertIn('WebSocketBridge', self.get(STATIC))

    def test_group_of_the_test(self):
        # The layer of the test is another object, on the same Redis.
        socket = self.socket('/chat')
        Group('chat').send({'text': 'from the test'})
        self.assertEqual(socket.receive(), 'from the test')

    def test_a_setting_of_a_method_comes_too_late(self):
        with override_settings(SITE_NAME='of the method'):
            self.assertEqual(self.get('/site'), 'of the settings')


@override_settings(SITE_NAME='of the class')
class OverridingTests(LiveTestCase):
    worker_threads = 3
    serve_static = False
    host = '127.0.0.1'

    def test_settings_of_the_class(self):
        self.assertEqual(self.get('/site'), 'of the class')

    def test_no_static_files(self):
        self.assertEqual(self.get(STATIC), 404)


@modify_settings(INSTALLED_APPS={'remove': 'django.contrib.staticfiles'})
class ModifyingTests(LiveTestCase):

    def test_without_the_app_there_are_no_static_files(self):
        self.assertEqual(self.get(STATIC), 404)


class EarlyTests(LiveTestCase):

    def _pre_setup(self):
        super(EarlyTests, self)._pre_setup()
        self.early = self.get('/site')

    def _post_teardown(self):
        self.assertEqual(self.get('/site'), self.early)
        super(EarlyTests, self)._post_teardown()

    def test_hooks(self):
        self.assertEqual(self.early, 'of the settings')
