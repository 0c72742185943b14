"""
Tests of views that send jobs: no client is told of one that is lost.
"""
from __future__ import absolute_import, unicode_literals

import unittest

from django.channels import Channel, Group, outbox, route
from django.channels.compat.transactions import has_commit_hooks
from django.channels.handler import view_consumer
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.late_answers import LATE_ANSWERS
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.prefetch.coalescer import Coalescer, active_coalescer
from django.channels.worker import HANDLED, Worker
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import SimpleTestCase, TransactionTestCase, override_settings

from . import http_urls
from .logs import LogTestCase
from .redis_case import RedisTestCase

try:
    from django.urls import re_path as url
except ImportError:
    from django.conf.urls import url


def layer_of(request):
    return request.message.channel_layer


def enqueue(request):
    channel = Channel('jobs', channel_layer=layer_of(request))
    Group('members', channel_layer=layer_of(request)).send({'event': 'begins'})
    for number in range(3):
        channel.send({'number': number})
    return HttpResponse('enqueued')


def enqueue_first(request):
    Channel('jobs', channel_layer=layer_of(request)).send({'number': 0}, priority=1)
    return HttpResponse('enqueued')


def enqueue_in_a_transaction(request):
    with transaction.atomic():
        Channel('jobs', channel_layer=layer_of(request)).send({'number': 0})
        http_urls.seen.append(outbox.current().has_jobs)
    return HttpResponse('enqueued')


class Parts(object):

    def __iter__(self):
        return iter(['a', 'b'])

    def close(self):
        http_urls.seen.append('closed')


def enqueue_and_stream(request):
    Channel('jobs', channel_layer=layer_of(request)).send({'number': 0})
    return StreamingHttpResponse(Parts())


def tell(request):
    Channel('news', channel_layer=layer_of(request)).send({'number': 0})
    return HttpResponse('told')


urlpatterns = [
    url(r'^enqueue/$', enqueue),
    url(r'^first/$', enqueue_first),
    url(r'^transaction/$', enqueue_in_a_transaction),
    url(r'^stream/$', enqueue_and_stream),
    url(r'^tell/$', tell),
]


class JobsOfViewsCase(LogTestCase):
    """Handles requests as a worker does, whose sends are coalesced."""

    def setUp(self):
        super(JobsOfViewsCase, self).setUp()
        del http_urls.seen[:]

    def handle(self, layer, path):
        """Have a worker of `layer` handle a request; what that has sent has left then."""
        coalescer = Coalescer()
        active_coalescer.set(coalescer)
        self.addCleanup(active_coalescer.set, None)
        content = {'reply_channel': 'p!a', 'http_version': '1.1', 'method': 'GET', 'path': path, 'query_string': b'',
                   'headers': [], 'body': b''}
        worker = Worker(ChannelLayerWrapper(layer, 'test', [route('http.request', view_consumer)]))
        self.assertEqual(worker.handle('http.request', content), HANDLED)
        coalescer.deliver()

    def statuses(self, layer):
        """Return the statuses of the responses that wait in `layer`."""
        found = []
        while True:
            channel, message = layer.receive(['p!'])
            if channel is None:
                return found
            found.append(message.get('status') or message['content'])


SETTINGS = {
    http_urls.MIDDLEWARE: [], 'ROOT_URLCONF': 'channels_tests.test_http_jobs', 'CHANNEL_SEND_TIMEOUT': 0.0,
    'ALLOWED_HOSTS': ['*'],
}


@override_settings(**SETTINGS)
class FullChannelTests(JobsOfViewsCase, SimpleTestCase):

    def setUp(self):
        super(FullChannelTests, self).setUp()
        self.layer = InMemoryChannelLayer(acknowledged={'jobs': {'capacity': 3}}, channel_capacity={'news': 1})
        self.layer.group_add('members', 'q!a')

    def waiting(self):
        return [job.message['number'] for job in self.layer.jobs('jobs')]

    def test_jobs_leave_before_the_answer(self):
        self.handle(self.layer, '/enqueue/')
        self.assertEqual((self.statuses(self.layer), self.waiting()), ([200], [0, 1, 2]))
        self.assertEqual(self.layer.receive(['q!']), ('q!a', {'event': 'begins'}))

    def test_one_without_room_is_an_error(self):
        self.layer.send('jobs', {'number': 7})
        self.handle(self.layer, '/enqueue/')
        self.assertEqual((self.statuses(self.layer), self.waiting()), ([500], [7, 0, 1]))

    def test_so_is_one_with_a_priority(self):
        for number in range(3):
            self.layer.send('jobs', {'number': number})
        self.handle(self.layer, '/first/')
        self.assertEqual((self.statuses(self.layer), self.waiting()), ([500], [0, 1, 2]))

    def test_a_message_without_room_is_only_logged(self):
        for status in (200, 200):
            self.handle(self.layer, '/tell/')
        self.assertEqual(self.statuses(self.layer), [200, 200])
        self.assertLogged('A message to news was dropped')

    def test_a_stream_begins_once_its_jobs_have_left(self):
        self.handle(self.layer, '/stream/')
        self.assertEqual((self.statuses(self.layer), self.waiting()), ([200, b'b', b''], [0]))

    def test_a_response_that_an_error_replaces_is_closed(self):
        for number in range(3):
            self.layer.send('jobs', {'number': number})
        self.handle(self.layer, '/stream/')
        self.assertEqual(self.statuses(self.layer), [500])
        self.assertEqual(http_urls.seen, ['closed'])


@override_settings(**SETTINGS)
class WithoutMemoryTests(JobsOfViewsCase, RedisTestCase, TransactionTestCase):
    """A Redis with `maxmemory` and `noeviction` that has no room for a job, nor for an answer."""
    available_apps = ['django.channels']

    def setUp(self):
        super(WithoutMemoryTests, self).setUp()
        self.layer = self.make_layer(acknowledged=['jobs'])

    def test_jobs_that_are_refused_are_an_error(self):
        for path in ('/enqueue/', '/first/', '/transaction/'):
            self.redis.config_set('maxmemory', 1)
            self.addCleanup(self.redis.config_set, 'maxmemory', 0)
            self.handle(self.layer, path)
            self.redis.config_set('maxmemory', 0)
            LATE_ANSWERS.finish(30)
            self.assertEqual((path, self.statuses(self.layer)), (path, [500]))
            self.assertEqual(self.layer.jobs('jobs'), [])
        self.handle(self.layer, '/transaction/')
        self.assertEqual((self.statuses(self.layer), len(self.layer.jobs('jobs'))), ([200], 1))


@unittest.skipUnless(has_commit_hooks(), 'This Django has no commit hooks.')
@override_settings(CHANNEL_SEND_ON_COMMIT='default', **SETTINGS)
class CommitTests(JobsOfViewsCase, TransactionTestCase):
    available_apps = ['django.channels']

    def test_jobs_that_waited_for_the_commit_leave_before_the_answer(self):
        layer = InMemoryChannelLayer(acknowledged={'jobs': {'capacity': 1}})
        for status in (200, 500):
            self.handle(layer, '/transaction/')
            self.assertEqual(self.statuses(layer), [status])
        self.assertEqual(http_urls.seen, [False, False])
        self.assertEqual(len(layer.jobs('jobs')), 1)
