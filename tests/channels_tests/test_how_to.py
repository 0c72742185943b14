"""Tests of the how-to pages: each of their snippets runs, and does what its page says."""
from __future__ import absolute_import, unicode_literals

import json
import os
import re
import sys
import textwrap
import types
import unittest

from django.channels import Channel, channel_layers
from django.channels.exceptions import ConsumeLater, ResponseLater
from django.channels.layers import ChannelLayerManager
from django.channels.routing import Router
from django.channels.test import ChannelTestCase, Client, WSClient, apply_routes
from django.channels.test.linting import exempt
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache

from .test_reference import DOCS, read

HOW_TO = os.path.join(os.path.dirname(DOCS), 'django_patch', 'docs', 'topics', 'channels', 'how-to.txt')
FROM_CHANNELS_4 = os.path.join(DOCS, 'from-channels-4.txt')
FROM_CELERY = os.path.join(DOCS, 'from-celery.txt')

#: What is the code of another project, and so can't run here.
OF_OTHERS = ('channels.generic.websocket import', 'celery import')


def sections(page):
    """Return {title: [block of Python, ...]} of a page, for the sections that have code of ours."""
    parts = re.split(r'^(\S.*)\n=+\n', read(page), flags=re.M)
    found = {}
    for title, text in zip(parts[1::2], parts[2::2]):
        blocks = [textwrap.dedent(block) for block in re.findall(r'::\n\n((?:    .*\n|\n)+)', text)]
        blocks = [block for block in blocks if not any(words in block for words in OF_OTHERS)]
        if blocks:
            found[title] = blocks
    return found


def run(page, title, **names):
    """Run the code of a section; return the module that it makes, with the given names in it."""
    module = types.ModuleType(str('how_to'))
    module.__dict__.update(names)
    for block in sections(page)[title]:
        exec(compile(block, '%s: %s' % (os.path.basename(page), title), 'exec', 0, True), module.__dict__)
    return module


def pages():
    """Return the paths of all pages of documentation, and the README."""
    root = os.path.dirname(DOCS)
    found = [os.path.join(root, 'README.md')]
    for top in (DOCS, os.path.join(root, 'django_patch', 'docs')):
        for folder, _, names in os.walk(top):
            found += [os.path.join(folder, name) for name in sorted(names) if name.endswith('.txt')]
    return found


class ImportTests(unittest.TestCase):

    def test_what_the_pages_import_of_channels_is_there(self):
        lines = set()
        for page in pages():
            for line in re.findall(r'^ *((?:from|import) (?:django\.)?channels\b[\w. ,]*)$', read(page), re.M):
                if not any(words in line for words in OF_OTHERS):
                    lines.add(line)
        self.assertGreater(len(lines), 20)
        for line in sorted(lines):
            try:
                exec(compile(line, 'documentation', 'exec', 0, True), {})
            except ImportError as error:
                self.fail('%s: %s' % (line, error))


class Killed(Exception):
    """What becomes of a worker."""


class HowToTests(ChannelTestCase):

    def test_every_section_with_code_has_a_test(self):
        self.assertEqual(
            [sorted(sections(page)) for page in (HOW_TO, FROM_CHANNELS_4, FROM_CELERY)],
            [sorted([
                'Notify a user from anywhere', "Write tests of one's own", 'Show the progress of a job',
                'Stream, and send server-sent events', 'Let somebody in by a token', 'Close sockets at log-out',
            ]), ['A room, for example', 'Begin here'], ['A limit to the rate', 'A task, for example']],
        )

    def test_a_users_pages_are_notified(self):
        notes = run(HOW_TO, 'Notify a user from anywhere')
        ann, bob = User.objects.create_user('ann'), User.objects.create_user('bob')
        with apply_routes([notes.channel_routing]):
            clients = []
            for user in (ann, ann, bob):
                clients.append(WSClient(ordered=True))
                clients[-1].force_login(user)
                clients[-1].send_and_consume('websocket.connect', path='/notes/')
            notes.notify(ann, 'Hello')
            self.assertEqual([client.receive() for client in clients], [{'note': 'Hello'}, {'note': 'Hello'}, None])
            clients[0].send_and_consume('websocket.disconnect', {'code': 1001}, path='/notes/')
            notes.notify(ann, 'again')
            self.assertEqual([client.receive() for client in clients], [None, {'note': 'again'}, None])
            stranger = WSClient(ordered=True)
            stranger.send_and_consume('websocket.connect', path='/notes/', check_accept=False)
            stranger.send_and_consume('websocket.disconnect', {'code': 1001}, path='/notes/')

    def test_the_tests_of_the_page_pass(self):
        sys.modules['mysite'] = types.ModuleType(str('mysite'))
        sys.modules['mysite.notes'] = run(HOW_TO, 'Notify a user from anywhere')
        self.addCleanup(sys.modules.pop, 'mysite')
        self.addCleanup(sys.modules.pop, 'mysite.notes')
        page = run(HOW_TO, "Write tests of one's own")
        result = unittest.TestResult()
        # What a server says of the order isn't needed there.
        with exempt('order'):
            unittest.defaultTestLoader.loadTestsFromTestCase(page.NotesTests).run(result)
        self.assertEqual((result.testsRun, result.errors, result.failures), (2, [], []))

    def test_a_job_goes_on_where_its_worker_has_died(self):
        resized, killed = [], []

        def resize(photo):
            if photo == 'c' and not killed:
                killed.append(True)
                raise Killed()
            resized.append(photo)

        jobs = run(HOW_TO, 'Show the progress of a job', resize=resize)
        self.addCleanup(cache.clear)
        router = Router(jobs.channel_routing)
        self.assertEqual(list(router.acknowledged_channels()), ['resize'])
        with apply_routes([jobs.channel_routing]):
            client = Client()
            client.join_group('album-7')
            for _ in range(2):
                jobs.start(7, ['a', 'b', 'c', 'd'])
            with self.assertRaises(Killed):
                client.consume('resize')
            self.assertIsNone(client.get_next_message('resize'), 'it was sent once')
            self.assertEqual(self.progress(client), [1, 2])
            # As the layer would have it come again.
            client.send_and_consume('resize', {'album': 7, 'photos': ['a', 'b', 'c', 'd']})
        self.assertEqual(self.progress(client), [3, 4])
        self.assertEqual(resized, ['a', 'b', 'c', 'd'])
        self.assertIsNone(cache.get('resized-7'))

    def progress(self, client):
        """Return the steps that a client has heard of."""
        heard = list(iter(client.receive, None))
        self.assertTrue(all(json.loads(message['text'])['of'] == 4 for message in heard))
        return [json.loads(message['text'])['done'] for message in heard]

    def test_a_page_joins_a_job_that_is_under_way(self):
        jobs = run(HOW_TO, 'Show the progress of a job')
        self.addCleanup(cache.clear)
        with apply_routes([jobs.channel_routing]):
            for done, expected in ((None, None), (2, {'done': 2})):
                cache.set('resized-7', done)
                client = WSClient(ordered=True)
                client.send_and_consume('websocket.connect', path='/albums/7/')
                self.assertEqual(client.receive(), expected)
            client.send_and_consume('websocket.disconnect', {'code': 1001}, path='/albums/7/')
            jobs.Group('album-7').send({'text': '{}'})
            self.assertIsNone(client.receive())

    def test_a_ticket_lets_its_user_in(self):
        feed = run(HOW_TO, 'Let somebody in by a token')
        ann = User.objects.create_user('ann')
        request = types.ModuleType(str('request'))
        request.user = AnonymousUser()
        self.assertEqual(feed.ticket(request).status_code, 403)
        request.user = ann
        ticket = json.loads(feed.ticket(request).content.decode())['ticket']
        with apply_routes([feed.channel_routing]):
            client = self.open_feed(ticket)
            client.send_and_consume('websocket.receive', path='/feed/', text='Hello')
            self.assertEqual(client.receive(json=False), 'ann: Hello')
            for wrong in ('', 'x', ticket[:-1], feed.signing.dumps(ann.pk, salt='another')):
                self.assertEqual(self.open_feed(wrong, check_accept=False).receive(), {'close': True})
            User.objects.filter(pk=ann.pk).update(is_active=False)
            self.assertEqual(self.open_feed(ticket, check_accept=False).receive(), {'close': True})
            client.send_and_consume('websocket.receive', path='/feed/', text='again')
            self.assertEqual(client.receive(), {'close': 3000})

    def open_feed(self, ticket, **kwargs):
        client = WSClient(ordered=True)
        content = {'query_string': b'ticket=' + ticket.encode()}
        client.send_and_consume('websocket.connect', content, path='/feed/', **kwargs)
        return client

    def test_news_reach_all_readers(self):
        news = run(HOW_TO, 'Stream, and send server-sent events')
        with apply_routes([news.channel_routing]):
            clients = [Client(), Client()]
            for client in clients:
                request = types.ModuleType(str('request'))
                request.reply_channel = Channel(client.reply_channel)
                with self.assertRaises(ResponseLater):
                    news.events(request)
                self.assertEqual(client.receive()['status'], 200)
            news.publish({'n': 1})
            for client in clients:
                self.assertEqual(client.receive(), {'content': b'data: {"n": 1}\n\n', 'more_content': True})
            clients[0].send_and_consume('http.disconnect', {'path': '/events/'})
            news.publish({'n': 2})
            self.assertIsNone(clients[0].receive())
            self.assertIsNotNone(clients[1].receive())

    def test_sockets_of_users_who_are_locked_out_are_closed(self):
        notes = run(HOW_TO, 'Notify a user from anywhere')
        page = run(HOW_TO, 'Close sockets at log-out')
        ann = User.objects.create_user('ann')
        changed = self.settings(CHANNEL_CLOSE_ON_LOGOUT=page.CHANNEL_CLOSE_ON_LOGOUT, CHANNEL_LAYERS={'default': {
            'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': notes.channel_routing,
        }})
        with changed:
            client = WSClient(ordered=True)
            client.force_login(ann)
            client.send_and_consume('websocket.connect', path='/notes/')
            page.lock_out(['ann'])
            self.assertEqual(client.receive(), {'close': 3000})

    def test_the_settings_and_asgi_file_of_a_project_of_channels_4(self):
        environment = dict(os.environ)
        try:
            site = run(FROM_CHANNELS_4, 'Begin here', INSTALLED_APPS=[])
        finally:
            os.environ.clear()
            os.environ.update(environment)
        self.assertEqual(site.INSTALLED_APPS, ['channels'])
        self.assertIs(site.channel_layer, channel_layers['default'].channel_layer)
        room = run(FROM_CHANNELS_4, 'A room, for example')
        site.CHANNEL_LAYERS['default']['ROUTING'] = room.channel_routing
        with self.settings(CHANNEL_LAYERS=site.CHANNEL_LAYERS):
            layer = ChannelLayerManager()['default']
            self.assertEqual(layer.transport_options.keys.prefix, 'mysite:')
            self.assertIn('websocket.connect', layer.router.channels)

    def test_the_room_of_channels_4_is_one_here(self):
        chat = run(FROM_CHANNELS_4, 'A room, for example')
        with apply_routes([chat.channel_routing]):
            clients = [WSClient(ordered=True), WSClient(ordered=True), WSClient(ordered=True)]
            for client, room in zip(clients, ('red', 'red', 'blue')):
                client.send_and_consume('websocket.connect', path='/ws/chat/%s/' % room)
            clients[0].send_and_consume(
                'websocket.receive', path='/ws/chat/red/', text={'message': 'Hello', 'other': 1},
            )
            heard = [client.receive() for client in clients]
            self.assertEqual(heard, [{'message': 'Hello'}, {'message': 'Hello'}, None])

    def test_the_task_of_celery_is_one_here(self):
        mailed, stored = [], []
        jobs = run(FROM_CELERY, 'A task, for example', mail=mailed.append, store=stored.append)
        self.assertEqual(sorted(Router(jobs.channel_routing).acknowledged_channels()), ['archive', 'invoices'])
        with apply_routes([jobs.channel_routing]):
            client = Client()
            jobs.ordered(7)
            job, = channel_layers['default'].jobs('invoices')
            self.assertTrue(59 < job.due - job.sent < 61)
            client.send_and_consume('invoices', job.message)
            client.consume('archive')
        self.assertEqual((mailed, stored), ([7], [7]))

    def test_what_is_above_the_limit_comes_in_the_next_minute(self):
        asked = []
        jobs = run(FROM_CELERY, 'A limit to the rate', ask=asked.append)
        self.addCleanup(cache.clear)

        class Clock(object):
            now = 59999.0

            @classmethod
            def time(cls):
                return cls.now

        jobs.time = Clock
        for number in range(100):
            jobs.look_up({'name': number})
        with self.assertRaises(ConsumeLater) as raised:
            jobs.look_up({'name': 100})
        self.assertEqual((asked, raised.exception.delay), (list(range(100)), 60 - 59999 % 60))
        Clock.now += raised.exception.delay
        jobs.look_up({'name': 100})
        self.assertEqual(asked[-1], 100)
        self.assertEqual(list(Router(jobs.channel_routing).acknowledged_channels()), ['queries'])
