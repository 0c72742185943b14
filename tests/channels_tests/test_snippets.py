"""The snippets of the pages that tell how things are written: each runs here, or is listed with why it can't."""
from __future__ import absolute_import, unicode_literals

import doctest
import os
import re
import textwrap
import unittest

from django.channels import Channel, channel_layers
from django.channels.apps import _check_schedules
from django.channels.asgi import get_channel_layer
from django.channels.compat.coroutines import SUPPORTS_ASYNC
from django.channels.exceptions import ResponseLater
from django.channels.layers import ChannelLayerManager
from django.channels.layers.redis import RedisChannelLayer
from django.channels.layers.redis.library import redis
from django.channels.message import Message
from django.channels.routing import Router, route, route_class
from django.channels.schedules.table import schedules_of
from django.channels.test import ChannelTestCase, Client, WSClient, apply_routes
from django.channels.test.linting import exempt
from django.contrib.auth.models import User
from django.db.models.signals import post_save, pre_save
from django.http import StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware
from django.test import RequestFactory, override_settings

from .http_tools import make_request
from .models import Label
from .test_how_to import pages
from .test_reference import DOCS, read

CHECKOUT = os.path.dirname(DOCS)
#: Page -> the test that runs its snippets.
ELSEWHERE = {
    'README.md': 'system/test_tutorial.py', 'docs/tutorial.txt': 'system/test_tutorial.py',
    'django_patch/docs/topics/channels/getting-started.txt': 'system/test_tutorial.py',
    'django_patch/docs/topics/channels/how-to.txt': 'channels_tests/test_how_to.py',
    'docs/from-channels-4.txt': 'channels_tests/test_how_to.py',
    'docs/from-celery.txt': 'channels_tests/test_how_to.py',
}
#: Words of a snippet -> why it doesn't run here. Each has names of the reader's project, or is for a process.
NOT_HERE = {
    'trace.set_tracer_provider(': 'OpenTelemetry takes one provider a process; test_tracing gives enable() its own',
    'PhotoBinding.announce': "the reader's models; test_binding.test_bulk_changes_are_announced_by_a_call",
    "@mock.patch('shop.views.charge')": "the reader's views; test_live_server.LiveThreadsTests does the same",
    'pytest_plugins = ': 'for pytest: backport_tests/test_pytest_plugin.py',
    'def test_a_job_reports(': 'for pytest: backport_tests/test_pytest_plugin.py',
    "await Channel('jobs').asend": 'for pytest: backport_tests/test_pytest_plugin.py',
    'ExampleChannelLayer': "the reader's layer; test_layers_contract has the same with four layers",
    'yield \'data: %s': 'streams without an end, for a server: system/test_async.py',
    "'django.channels.tasks.ChannelsBackend'": 'Django 6 alone has the setting; test_tasks has the same',
    "messages in lists": 'test_reference.test_the_layer_that_the_page_shows_works',
}


def blocks():
    """Return [(page, code), ...] of the pages' Python that this module is about."""
    found = []
    for path in pages():
        page = os.path.relpath(path, CHECKOUT).replace(os.sep, '/')
        if page in ELSEWHERE or page.startswith('docs/standards/'):
            continue
        for code in re.findall(
            r'^(?:(?!\.\. ).*::|\.\. code-block:: python)\n\n(( +)\S.*\n(?:\2.*\n|\n)*)', read(path), re.M,
        ):
            found.append((page, textwrap.dedent(code[0]).strip('\n') + '\n'))
    return found


BLOCKS = blocks()
#: Words that a test has asked for.
RUN = {
    "'BACKEND': 'django.channels.layers.redis.RedisChannelLayer'", 'channel_layer = get_channel_layer()',
    'WSGIInterface(', 'SECURE_PROXY_SSL_HEADER', 'metrics_view(', 'django.channels.monitoring.routing',
    'class News(', "Channel('asgi.delay')", 'def poll(', "'channel_capacity':", "'hosts': [", 'class ListLayer',
    "route('websocket.receive', receive", "Channel('thumbnails')", "Group('news').add", 'Acknowledged(', "'confirm':",
    "'acknowledged':", 'dead_letters(', 'delay=600', 'CHANNEL_SCHEDULES', 'django.channels.schedules.channel_routing',
    'class ThumbnailTests', 'evil.example', '>>> ', 'async def notify',
    "'Content-Encoding': 'identity'",
}


def snippets(words):
    """Return the code of all snippets that have these words."""
    found = [code for _, code in BLOCKS if words in code]
    assert words in RUN and found, words
    return found


def run(words, **names):
    """Run the first snippet that has these words; return its names and those given."""
    # What stands for the reader's own lines.
    code = re.sub(r'^ +(\.\.\.|# your own)\n', '', snippets(words)[0], flags=re.M)
    exec(compile(code, words, 'exec', 0, True), names)
    return names


def failures(case, leave_out='test_nothing'):
    """Run the tests of a TestCase; return the names of those that fail, and of those left out."""
    result = unittest.TestResult()
    names = unittest.defaultTestLoader.getTestCaseNames(case)
    left_out = [name for name in names if re.search(leave_out, name)]
    unittest.TestSuite(case(name) for name in names if name not in left_out).run(result)
    if not result.testsRun:
        raise AssertionError('There is no test.')
    return [test.id().rpartition('.')[2] for test, text in result.errors + result.failures] + left_out


class CompletenessTests(unittest.TestCase):

    def test_each_snippet_runs_or_says_why_not(self):
        self.assertGreater(len(BLOCKS), 30)
        left = [(page, code) for page, code in BLOCKS if not any(words in code for words in RUN | set(NOT_HERE))]
        self.assertEqual(left, [])
        text = ''.join(code for page, code in BLOCKS) + ' messages in lists '
        self.assertEqual([words for words in RUN | set(NOT_HERE) if words not in text], [])

    def test_the_tests_elsewhere_are_there(self):
        for test in ELSEWHERE.values():
            self.assertTrue(os.path.exists(os.path.join(CHECKOUT, 'tests', *test.split('/'))), test)


class StreamTests(unittest.TestCase):

    @unittest.skipUnless(SUPPORTS_ASYNC, 'this Python or Django has no async consumers')
    def test_a_stream_that_names_its_encoding_is_not_compressed(self):
        code = snippets("'Content-Encoding': 'identity'")[0]
        response = eval(code, {'StreamingHttpResponse': StreamingHttpResponse, 'parts': lambda: iter([b'a' * 500])})
        request = RequestFactory().get('/', HTTP_ACCEPT_ENCODING='gzip')
        self.assertIs(GZipMiddleware(lambda request: response)(request), response)
        self.assertEqual(response['Content-Encoding'], 'identity')
        self.assertEqual(b''.join(response), b'a' * 500)


class SettingTests(ChannelTestCase):

    def layer_of(self, code):
        """Return the layer that a snippet of items of CONFIG makes."""
        options = eval(compile('{%s}' % code.replace('[...]', 'None').strip().rstrip(','), 'items', 'eval', 0, True))
        layer = RedisChannelLayer(**options.get('CONFIG', options))
        self.addCleanup(layer.close)
        return layer

    def test_layers_of_a_deployment(self):
        os.environ.setdefault('REDIS_URL', 'redis://127.0.0.1:1/0')
        for code in snippets("'BACKEND': 'django.channels.layers.redis.RedisChannelLayer'"):
            names = {'os': os}
            exec(compile(code, 'settings', 'exec', 0, True), names)
            with override_settings(CHANNEL_LAYERS=names['CHANNEL_LAYERS']):
                layer = ChannelLayerManager().make_backend('default')
            self.addCleanup(layer.close)
            self.assertEqual(layer.routing, 'mysite.routing.channel_routing')
            self.assertEqual(layer.transport_options.keys.prefix, 'mysite:')

    def test_layers_of_other_processes(self):
        for code in snippets('channel_layer = get_channel_layer()'):
            names = {}
            exec(compile(code, 'asgi.py', 'exec', 0, True), names)
            self.assertIs(names['channel_layer'], get_channel_layer())
        self.assertEqual(run('WSGIInterface(')['application'].timeout, 30)

    def test_options_of_the_redis_layer(self):
        capacities = self.layer_of(snippets("'channel_capacity':")[0])
        self.assertEqual(
            [capacities.get_capacity(name) for name in ('thumbnails', 'http.response.p!1', 'chat')], [10000, 500, 100])
        count = 0
        for code in snippets("'hosts': ["):
            for line in re.findall(r"^'hosts'.*$", code, re.M):
                count += 1
                if "'cluster'" not in line or hasattr(redis, 'RedisCluster'):
                    self.layer_of(line)
        self.assertEqual(count, 4)
        layer = self.layer_of(snippets("'acknowledged':")[0])
        self.assertEqual([bool(layer.options_of(name)) for name in ('reports', 'mail', 'chat')], [True, True, False])
        self.layer_of(snippets("'confirm':")[0])

    def test_a_proxy_that_speaks_tls(self):
        with self.settings(SECURE_PROXY_SSL_HEADER=run('SECURE_PROXY_SSL_HEADER')['SECURE_PROXY_SSL_HEADER']):
            request = make_request(headers=[[b'host', b'x'], [b'x-forwarded-proto', b'https']], scheme='http')
            self.assertTrue(request.is_secure())

    def test_a_view_of_metrics(self):
        os.environ.setdefault('METRICS_TOKEN', 'secret')
        made = run('metrics_view(', os=os, urlpatterns=[], url=lambda pattern, view: (pattern, view))
        [(pattern, view)] = made['urlpatterns']
        self.assertEqual(view(RequestFactory().get('/metrics')).status_code, 401)

    def test_schedules(self):
        routing = run('django.channels.schedules.channel_routing')['channel_routing']
        routing += [route('reports', len), route('pulse', len)]
        with apply_routes([routing]), override_settings(
                CHANNEL_SCHEDULES=run('CHANNEL_SCHEDULES')['CHANNEL_SCHEDULES']):
            self.assertEqual(_check_schedules(), [])
            self.assertEqual(sorted(schedule.name for schedule in schedules_of('default')), [
                'heartbeat', 'nightly report'])


class ConsumerTests(ChannelTestCase):

    def test_a_class_with_groups(self):
        names = run('class News(')
        names = dict(names, **{'News': names['News'], 'channel_routing': names['channel_routing']})
        client = WSClient(ordered=True)
        with apply_routes([names['channel_routing']]):
            client.send_and_consume('websocket.connect', path='/news/')
            client.send_and_consume('websocket.receive', path='/news/', text={'a': 1})
            self.assertEqual(client.receive(), {'a': 1})
        exec(compile(snippets('class News(')[1], 'malformed', 'exec', 0, True), names)
        with apply_routes([route_class(names['News'])]):
            client.send_and_consume('websocket.receive', path='/news/', content={'text': '{bad'})
            self.assertIn('error', client.receive())

    @unittest.skipUnless(SUPPORTS_ASYNC, 'this Python or Django has no async consumers')
    def test_async_consumers(self):
        names = {}
        exec('async def get_user(pk): return User(pk=pk)\nasync def translate(text): return text.upper()',
             {'User': User}, names)
        names = run('async def notify', **names)
        client = WSClient(ordered=True)
        with apply_routes([route('notify', names['notify']), route_class(names['Chat'])]):
            client.send_and_consume('websocket.connect')
            client.send_and_consume('websocket.receive', text='hello')
            self.assertEqual(client.receive(json=False), 'HELLO')
            client.join_group('user-7')
            client.send_and_consume('notify', {'user': 7})
            self.assertEqual(client.receive(json=False), 'done')

    def test_a_delayed_message(self):
        photo = Label.objects.create(name='p')
        run("Channel('asgi.delay')", Channel=Channel, photo=photo)
        self.assertEqual(self.get_next_message('asgi.delay', require=True)['content'], {'photo': photo.pk})

    def test_a_response_that_comes_later(self):
        request = make_request(channel_layer=channel_layers['default'])
        with self.assertRaises(ResponseLater):
            run('def poll(')['poll'](request)
        self.assertEqual(channel_layers['default'].group_channels('pollers'), [request.reply_channel.name])

    def test_a_message_and_a_group(self):
        photo = Label.objects.create(name='p')
        run("Channel('thumbnails')", photo=photo)
        self.assertEqual(self.get_next_message('thumbnails', require=True)['photo'], photo.pk)
        client = Client()
        message = Message({'reply_channel': client.reply_channel}, 'a', channel_layers['default'])
        run("Group('news').add", message=message)
        self.assertEqual(client.receive(), {'text': 'Something happened.'})

    def test_routes(self):
        receive = len
        match = Router([eval(snippets("route('websocket.receive', receive")[0], {'route': route, 'receive': receive})])
        message = Message({'path': '/room/tea/'}, 'websocket.receive', None)
        self.assertEqual(match.match(message), (len, {'room': 'tea'}))
        routing = run('django.channels.monitoring.routing')['channel_routing']
        self.assertIn('websocket.connect', Router(routing).channels)

    def test_what_a_simple_layer_lacks_of_the_contract(self):
        names = run('class ListLayer')
        exec(compile(snippets('class ListLayer')[1], 'contract', 'exec', 0, True), names)
        # Those about time take some, and it fails them all.
        self.assertEqual(sorted(failures(names['ListLayerTests'], 'expired_message|messages_expire')), sorted([
            'test_a_busy_channel_does_not_starve_a_quiet_one', 'test_a_message_may_be_changed_after_it_was_sent',
            'test_a_tuple_arrives_as_a_list', 'test_an_expired_message_is_never_delivered',
            'test_expired_messages_make_room', 'test_messages_expire_under_constant_traffic_too',
            'test_a_full_client_leaves_the_others_of_its_process_room', 'test_a_reader_waits_on_a_whole_process',
            'test_names_that_are_none_are_refused',
        ]))


class JobTests(ChannelTestCase):

    @override_settings(CHANNEL_LAYERS={'default': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': [],
        'CONFIG': {'acknowledged': {'reports': {}, 'mail': {}}},
    }})
    def test_jobs_and_dead_letters(self):
        routing = run('Acknowledged(', make_report=len, send_mail=len)['channel_routing']
        self.assertEqual(sorted(Router(routing).acknowledged_channels()), ['mail', 'reports'])
        channel_layers.set('default', channel_layers.make_backend('default'))
        self.assertTrue(run('delay=600', Channel=Channel)['id'])
        self.assertEqual(
            run('dead_letters(', channel_layers=channel_layers, ids=[])['letters'], [])


class ToolTests(ChannelTestCase):

    def test_the_tests_of_the_page_pass(self):
        def name_it(sender, instance, **kwargs):
            instance.pk = 1

        def ask(sender, instance, **kwargs):
            Channel('thumbnails').send({'photo': instance.pk})

        def echo(message):
            message.reply_channel.send({'text': message['text']})

        pre_save.connect(name_it, sender=Label)
        self.addCleanup(pre_save.disconnect, name_it, sender=Label)
        post_save.connect(ask, sender=Label)
        self.addCleanup(post_save.disconnect, ask, sender=Label)

        def accept(message):
            message.reply_channel.send({'accept': True})

        names = run('class ThumbnailTests', Photo=Label)
        routes = apply_routes([
            route('websocket.connect', accept, path='^/live/$'), route('websocket.receive', echo, path='^/live/$'),
        ])
        # What a server says of the order isn't needed there.
        with exempt('order'):
            self.assertEqual(failures(routes(names['ThumbnailTests'])), [])

    def test_another_site_is_refused(self):
        def accept(message):
            message.reply_channel.send({'accept': True})

        with apply_routes([route('websocket.connect', accept, path='^/live/$')]):
            run('evil.example', client=WSClient(ordered=True), self=self)

    def test_what_breaks_the_standard_is_told(self):
        examples = doctest.DocTestParser().get_examples(snippets('>>> ')[0])
        names = {}
        exec(examples[0].source, names)
        self.assertEqual(len(examples), 2)
        expected = eval(compile(examples[1].want, 'doctest', 'eval', 0, True))
        self.assertEqual(eval(compile(examples[1].source, 'doctest', 'eval', 0, True), names), expected)
