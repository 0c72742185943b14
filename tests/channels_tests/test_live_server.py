"""
Tests of the live server, with a server that speaks just enough of HTTP.
"""
from __future__ import absolute_import, unicode_literals

import contextlib
import os
import signal
import socket
import threading
import unittest

from django.channels import Channel, route
from django.channels.layers import channel_layers
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.management import servers
from django.channels.management.servers import find_server
from django.channels.test import ChannelLiveServerTestCase
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core import mail
from django.db import connections
from django.test import TransactionTestCase, override_settings

from .logs import LogTestCase


def settings(backend='django.channels.layers.memory.InMemoryChannelLayer', **config):
    return {'default': dict(config, BACKEND=backend, ROUTING='channels_tests.test_live_server.routes')}


def answer(message):
    content = '%d %s' % (os.getpid(), message['path'])
    message.reply_channel.send({'status': 200, 'content': content.encode('ascii')})


routes = [route('http.request', answer, path='^/')]


def serve(layer, host, port, **options):
    """Answer the first line of each request with the content of a reply."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind((host, port))
        listener.listen(5)
        while True:
            with contextlib.closing(listener.accept()[0]) as connection:
                words = connection.recv(1000).decode('ascii').split()
                # Whoever only looks whether it is there asks for nothing.
                if words:
                    layer.send('http.request', {
                        'reply_channel': 'fake!client', 'http_version': '1.1', 'method': words[0], 'path': words[1],
                        'query_string': b'', 'headers': [[b'host', host.encode('ascii')]],
                    })
                    connection.sendall(layer.receive(['fake!'], block=True)[1]['content'])


def fail(layer, host, port, **options):
    raise SystemExit(5)


def ignore_signals(layer, host, port, **options):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve(layer, host, port)


def ask(case, path):
    host, port = case.live_server_url[len('http://'):].split(':')
    with contextlib.closing(socket.create_connection((host, int(port)))) as connection:
        connection.sendall(('GET %s' % path).encode('ascii'))
        return connection.recv(1000).decode('ascii').split()


class SpanningLayer(InMemoryChannelLayer):
    """Says that other processes see its messages."""
    spans_processes = True
    flushed = closed = 0

    def flush(self):
        type(self).flushed += 1

    def close(self):
        type(self).closed += 1


@unittest.skipUnless(hasattr(os, 'fork'), 'A live server needs os.fork().')
class LiveServerTests(LogTestCase, TransactionTestCase):
    available_apps = ['django.channels']

    def setUp(self):
        super(LiveServerTests, self).setUp()
        self.addCleanup(setattr, servers, 'find_server', servers.find_server)
        self.set_server(serve)
        seen = self.seen = []

        # Defined here, where the runner doesn't find it.
        class Case(ChannelLiveServerTestCase):
            available_apps = ['django.channels']
            serve_static = False

            def check_databases(self):
                # Django's own tests are run in memory; here nobody looks.
                pass

            def runTest(self):
                seen.append((self._server.pid, ask(self, '/a'), ask(self, '/b'), self.live_server_ws_url))

            @unittest.skip('planned')
            def test_skipped(self):
                raise AssertionError()

        self.case = Case

    def set_server(self, function):
        servers.find_server = lambda: function

    def run_cases(self, *cases):
        result = unittest.TestResult()
        unittest.TestSuite(cases).run(result)
        return result

    def errors(self, case):
        result = self.run_cases(case)
        self.assertEqual(result.testsRun, 1)
        return [text for _, text in result.errors + result.failures]

    def assertGone(self, pid):
        with self.assertRaises(OSError):
            os.kill(pid, 0)

    @override_settings(CHANNEL_LAYERS=settings())
    def test_each_test_has_a_server_and_workers_in_a_process_of_their_own(self):
        before = channel_layers['default']
        result = self.run_cases(self.case(), self.case())
        self.assertEqual(result.errors + result.failures, [])
        for pid, first, second, url in self.seen:
            self.assertEqual((first, second), ([str(pid), '/a'], [str(pid), '/b']))
            self.assertNotEqual(pid, os.getpid())
            self.assertTrue(url.startswith('ws://localhost:'), url)
            self.assertGone(pid)
        self.assertNotEqual(self.seen[0][0], self.seen[1][0])
        self.assertIs(channel_layers['default'], before)

    @override_settings(CHANNEL_LAYERS=settings())
    def test_a_skipped_test_has_none(self):
        result = self.run_cases(self.case('test_skipped'))
        self.assertEqual(len(result.skipped), 1)
        self.assertEqual(result.errors, [])

    @override_settings(CHANNEL_LAYERS=settings('channels_tests.test_live_server.SpanningLayer'))
    def test_a_layer_that_spans_processes_needs_a_test_config(self):
        self.assertIn('has no TEST_CONFIG', self.errors(self.case())[0])

    @override_settings(CHANNEL_LAYERS=settings('channels_tests.test_live_server.SpanningLayer', TEST_CONFIG={}))
    def test_such_a_layer_is_flushed_and_closed(self):
        SpanningLayer.flushed = SpanningLayer.closed = 0
        self.assertEqual(self.errors(self.case()), [])
        self.assertEqual((SpanningLayer.flushed, SpanningLayer.closed), (1, 1))

    @override_settings(CHANNEL_LAYERS={})
    def test_without_layers_it_is_an_error_of_the_test(self):
        self.assertIn('There is no channel layer', self.errors(self.case())[0])

    @override_settings(CHANNEL_LAYERS=settings())
    def test_without_a_server_it_says_how_to_get_one(self):
        self.set_server(None)
        self.assertIn('none is installed: pip install', self.errors(self.case())[0])

    @override_settings(CHANNEL_LAYERS=settings())
    def test_a_server_that_ends_early_is_an_error(self):
        self.set_server(fail)
        self.assertIn('The live server ended before it answered', self.errors(self.case())[0])

    @override_settings(CHANNEL_LAYERS=settings())
    def test_a_server_that_does_not_want_to_end_is_killed(self):
        from django.channels.test import liveserver
        self.addCleanup(setattr, liveserver, 'STOP_TIMEOUT', liveserver.STOP_TIMEOUT)
        liveserver.STOP_TIMEOUT = 0.1
        self.set_server(ignore_signals)
        self.assertEqual(self.errors(self.case()), [])
        self.assertGone(self.seen[0][0])

    @override_settings(CHANNEL_LAYERS=settings())
    def test_what_the_test_sends_to_a_layer_of_one_process_stays_there(self):
        class Case(self.case):
            def runTest(self):
                Channel('task').send({'n': 1})
                self.seen = channel_layers['default'].receive(['task'])

        case = Case()
        self.assertEqual(self.errors(case), [])
        self.assertEqual(case.seen, ('task', {'n': 1}))

    def test_a_database_in_memory_is_refused(self):
        connection = connections['default']
        if connection.vendor != 'sqlite' or 'memory' not in str(connection.settings_dict['NAME']):
            self.skipTest('The database of this run is not in memory.')

        class Case(ChannelLiveServerTestCase):
            available_apps = ['django.channels']

            def runTest(self):
                raise AssertionError()

        self.assertIn("can't use the database", self.errors(Case())[0])


def greeting():
    return 'hello'


def look_around(message):
    """Answer with what this side sees, and leave traces for the other one."""
    seen = [os.getpid(), greeting(), getattr(django_settings, 'SITE_X', None), User.objects.count()]
    User.objects.create(username=message['path'])
    mail.send_mail('subject', 'text', 'from@example.com', ['to@example.com'])
    message.reply_channel.send({'status': 200, 'content': ' '.join(map(str, seen)).encode('ascii')})


thread_routes = [route('http.request', look_around)]


@unittest.skipUnless(hasattr(find_server(), 'in_thread'), 'Only the interface server can be a thread.')
@override_settings(CHANNEL_LAYERS={'default': {
    'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
    'ROUTING': 'channels_tests.test_live_server.thread_routes',
}}, MAILERS={'default': {'BACKEND': 'django.core.mail.backends.locmem.EmailBackend'}})
class LiveThreadsTests(ChannelLiveServerTestCase):
    available_apps = ['django.channels', 'django.contrib.auth', 'django.contrib.contenttypes']
    serve_static = False

    def ask(self, path):
        host, port = self.live_server_url[len('http://'):].split(':')
        with contextlib.closing(socket.create_connection((host, int(port)))) as connection:
            connection.sendall(('GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' % path).encode('ascii'))
            with contextlib.closing(connection.makefile('rb')) as answer:
                return answer.read().decode('ascii').partition('\r\n\r\n')[2]

    @override_settings(SITE_X='set')
    def test_settings_mocks_mail_and_the_database_are_shared(self):
        User.objects.create(username='here')
        self.assertEqual(self.ask('/there'), '%d hello set 1' % os.getpid())
        self.assertEqual(sorted(User.objects.values_list('username', flat=True)), ['/there', 'here'])
        self.assertEqual([message.subject for message in mail.outbox], ['subject'])
        with self.settings(SITE_X='within'):
            self.assertEqual(self.ask('/again').split()[2], 'within')

    def test_what_is_replaced_is_so_there(self):
        global greeting
        before, greeting = greeting, lambda: 'mocked'
        try:
            self.assertEqual(self.ask('/'), '%d mocked None 0' % os.getpid())
        finally:
            greeting = before

    def test_what_the_test_sends_reaches_the_workers(self):
        layer = channel_layers['default']
        Channel('http.request').send({
            'reply_channel': 'other!client', 'http_version': '1.1', 'method': 'GET', 'path': '/sent',
            'query_string': b'', 'headers': [],
        })
        channel, reply = layer.receive(['other!'], block=True)
        self.assertIn(b'hello', reply['content'])

    def test_its_threads_end(self):
        self._server.stop()
        names = {thread.name for thread in threading.enumerate()}
        self.assertFalse(names & {'interface-server', 'live-server-worker'})
        with self.assertRaises(EnvironmentError):
            self.ask('/')


class ThreadsOrProcessTests(TransactionTestCase):
    available_apps = ['django.channels']

    def test_a_server_that_cannot_be_a_thread_says_so(self):
        class Case(ChannelLiveServerTestCase):
            in_threads = True

            def runTest(self):
                raise AssertionError()

        self.addCleanup(setattr, servers, 'find_server', servers.find_server)
        servers.find_server = lambda: serve
        result = unittest.TestResult()
        Case()(result)
        self.assertIn("can't run in a thread", result.errors[0][1])
