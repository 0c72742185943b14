"""Tests of async consumers, views and streams in a worker."""
from __future__ import absolute_import, unicode_literals

import json
import threading
import unittest

import django
from django.channels import route, route_class
from django.channels.compat.coroutines import SUPPORTS_ASYNC, is_coroutine_function
from django.channels.layers import ChannelLayerWrapper
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.names import disconnect_channel
from django.channels.test import ChannelTestCase, WSClient, apply_routes
from django.channels.worker import FAILED, HANDLED, Worker
from django.test import SimpleTestCase, TransactionTestCase, override_settings

from .logs import LogTestCase
from .order_watches import OrderWatchTestCase
from .test_http_handler import LogRecords

if SUPPORTS_ASYNC:
    from . import async_consumers as consumers

needs_async = unittest.skipUnless(SUPPORTS_ASYNC, 'This Django or Python has no async code.')
PATIENCE = 10


class RunningWorkerTestCase(LogTestCase):
    """With a worker that runs."""

    def setUp(self):
        super(RunningWorkerTestCase, self).setUp()
        self.layer = InMemoryChannelLayer()
        self.seen = consumers.seen
        del self.seen[:]
        consumers.waits.clear()
        consumers.goes_on.clear()

    def start(self, routing, **options):
        wrapper = ChannelLayerWrapper(self.layer, 'test', routing)
        self.worker = Worker(wrapper, signal_handlers=False, **options)
        thread = threading.Thread(target=self.worker.run)
        thread.start()
        self.addCleanup(thread.join, PATIENCE)
        self.addCleanup(self.worker.stop)
        self.thread = thread

    def request(self, path='/', **content):
        self.layer.send('http.request', dict({
            'reply_channel': 'p!a', 'http_version': '1.1', 'method': 'GET', 'path': path,
            'headers': [[b'host', b'testserver']],
        }, **content))

    def stop(self):
        self.worker.stop()
        self.thread.join(PATIENCE)
        self.assertFalse(self.thread.is_alive(), self.log())

    def receive(self, channel='p!'):
        name, message = self.layer.receive([channel], block=True)
        self.assertIsNotNone(name, self.log())
        return message


@needs_async
class ConsumerTests(RunningWorkerTestCase, SimpleTestCase):

    def test_what_it_sends_goes_out_when_it_has_succeeded(self):
        self.start([route('task', consumers.echo), route('bad', consumers.fail)])
        self.layer.send('bad', {'reply_channel': 'p!a'})
        self.layer.send('task', {'reply_channel': 'p!a', 'text': 'hi'})
        self.assertEqual(self.receive(), {'text': 'hi'})
        self.stop_when(lambda: self.worker.outcomes[FAILED])
        self.assertEqual((self.worker.outcomes[HANDLED], self.worker.outcomes[FAILED]), (1, 1))
        self.assertEqual(self.layer.receive(['p!']), (None, None))
        self.assertLogged('ValueError: of the consumer', 'consumer channels_tests.async_consumers.fail')

    def test_all_of_them_run_on_one_loop_beside_the_threads(self):
        self.start([route('task', consumers.where)])
        for _ in range(3):
            self.layer.send('task', {})
        self.layer.send('task', {})
        self.stop_when(lambda: len(self.seen) == 4)
        self.assertEqual(set(self.seen), {'async'})

    @override_settings(ROOT_URLCONF='channels_tests.http_urls')
    def test_a_handler_in_a_thread_of_its_own_has_the_prefix_of_the_request(self):
        self.start([route('http.request', consumers.respond_in_a_thread)])
        self.request('/app/path/', root_path='/app')
        self.assertEqual(self.receive()['content'], b'/app/path/ /path/ /app/path/')

    def stop_when(self, condition):
        deadline = threading.Event()
        for _ in range(3000):
            if condition():
                break
            deadline.wait(0.01)
        self.stop()

    def test_many_run_at_once_in_one_thread(self):
        self.start([route('task', consumers.meet)])
        for _ in range(50):
            self.layer.send('task', {'number': 50})
        for _ in range(50):
            self.receive('done')

    def test_no_more_run_at_once_than_the_option_allows(self):
        self.start([route('task', consumers.endless), route('other', consumers.where)], concurrency=1)
        self.layer.send('task', {})
        self.assertTrue(consumers.waits.wait(PATIENCE))
        self.layer.send('other', {})
        self.worker.shutdown_timeout = 0.01
        self.assertEqual(self.seen, [])
        self.stop()

    def test_sync_consumers_go_on_meanwhile(self):
        def consumer(message):
            message.reply_channel.send({'text': threading.current_thread().name})

        self.start([route('task', consumers.endless), route('sync', consumer)], shutdown_timeout=0.01)
        self.layer.send('task', {})
        self.assertTrue(consumers.waits.wait(PATIENCE))
        self.layer.send('sync', {'reply_channel': 'p!a'})
        self.assertNotEqual(self.receive()['text'], 'async')

    def test_a_worker_that_stops_cancels_what_does_not_end(self):
        self.start([route('http.request', consumers.endless)], shutdown_timeout=0.01)
        self.request()
        self.assertTrue(consumers.waits.wait(PATIENCE))
        self.stop()
        self.assertEqual(self.seen, ['closed'])
        self.assertEqual(self.receive()['status'], 500)
        self.assertLogged('1 async consumers and streams had not ended within the shutdown timeout')

    def stop_while_it_runs(self, consumer):
        """Stop a worker whose consumer goes on meanwhile."""
        from django.channels.asynchronous import running
        self.addCleanup(setattr, running, 'CANCEL_TIMEOUT', running.CANCEL_TIMEOUT)
        running.CANCEL_TIMEOUT = 0.01
        self.start([route('task', consumer)], shutdown_timeout=0.01)
        self.layer.send('task', {})
        self.assertTrue(consumers.waits.wait(PATIENCE))
        try:
            self.stop()
        finally:
            consumers.goes_on.set()

    def test_a_worker_stops_while_a_consumer_blocks_the_event_loop(self):
        self.stop_while_it_runs(consumers.block)
        self.assertLogged('The event loop is blocked')

    def test_what_ignores_that_it_is_cancelled_is_left_behind(self):
        self.stop_while_it_runs(consumers.ignore)
        self.assertLogged('1 of them did not end when they were cancelled')

    def test_an_async_consumer_that_yields_and_a_future_do_not_seem_to_have_run(self):
        for consumer in (consumers.yields, consumers.promises):
            self.start([route('websocket.receive', consumer)])
            self.layer.send('websocket.receive', {'reply_channel': 'p!a', 'path': '/', 'text': 'x', 'order': 1})
            self.assertEqual(self.receive(), {'close': 1011})
            self.stop()
            self.assertLogged('%s has returned <' % consumer.__name__, 'which nothing runs')

    def test_a_cancelled_error_ends_its_message_only(self):
        self.start([route('websocket.receive', consumers.cancelled), route('task', consumers.echo)])
        self.layer.send('websocket.receive', {'reply_channel': 'p!a', 'path': '/', 'text': 'x', 'order': 1})
        self.assertEqual(self.receive(), {'close': 1011})
        self.layer.send('task', {'reply_channel': 'p!a', 'text': 'hi'})
        self.assertEqual(self.receive(), {'text': 'hi'})

    def test_a_task_of_a_consumer_that_exits_ends_nothing_else(self):
        self.start([route('leave', consumers.leave_in_a_task), route('task', consumers.echo)])
        self.layer.send('leave', {})
        for _ in range(3000):
            if 'goes on' in self.log():
                break
            consumers.waits.wait(0.01)
        self.assertLogged('The event loop was ended by a task, and goes on.')
        self.layer.send('task', {'reply_channel': 'p!a', 'text': 'hi'})
        self.assertEqual(self.receive(), {'text': 'hi'})

    def test_groups_have_methods_to_await(self):
        self.start([route('task', consumers.join)])
        self.layer.send('task', {'reply_channel': 'p!a'})
        self.assertEqual(self.receive(), {'text': 'hello'})
        self.assertEqual(self.layer.group_channels('g'), ['p!a'])

    def test_a_class_based_consumer_may_be_async(self):
        self.start([route_class(consumers.Echo)])
        message = {'reply_channel': 'p!a', 'path': '/'}
        self.layer.send('websocket.connect', dict(message, headers=[], order=0))
        self.assertEqual(self.receive(), {'accept': True})
        self.assertEqual(self.layer.group_channels('g'), ['p!a'])
        self.layer.send('websocket.receive', dict(message, text='hi', order=1))
        self.assertEqual(self.receive(), {'text': 'hi'})
        self.layer.send('websocket.disconnect', dict(message, code=1000, order=2))
        self.stop_when(lambda: self.seen)
        self.assertEqual((self.seen, self.layer.group_channels('g')), ([('disconnect', {})], []))

    def test_methods_around_them_are_called_as_in_a_class_that_is_not_async(self):
        self.start([route_class(consumers.Checked)])
        message = {'reply_channel': 'p!a', 'headers': [], 'order': 0}
        self.layer.send('websocket.connect', dict(message, path='/no/'))
        self.assertEqual(self.receive(), {'close': True})
        self.layer.send('websocket.connect', dict(message, path='/'))
        self.assertEqual(self.receive(), {'accept': True})
        self.assertEqual((self.seen, self.layer.group_channels('g')), (['connects'], ['p!a']))
        for text in ('no', 'hi'):
            self.layer.send('websocket.receive', dict(message, path='/', text=text, order=1))
        self.assertEqual(self.receive(), {'text': 'hi'})
        self.layer.send('websocket.disconnect', dict(message, path='/', code=1000, order=2))
        self.stop_when(lambda: len(self.seen) == 3)
        self.assertEqual(self.seen[1:], ['disconnects', ('disconnect', {})])
        self.assertEqual(self.layer.group_channels('g'), [])

    def test_they_may_be_async_themselves(self):
        self.start([route_class(consumers.AwaitedBase)])
        self.layer.send('websocket.connect', {'reply_channel': 'p!a', 'path': '/', 'headers': [], 'order': 0})
        self.assertEqual([self.receive(), self.receive()], [{'accept': True}, {'text': 'welcome'}])
        self.assertEqual(self.layer.group_channels('g'), ['p!a'])

    def test_the_streams_of_a_demultiplexer_may_be_async(self):
        self.start([route_class(consumers.Streams)])
        message = {'reply_channel': 'p!a', 'path': '/'}
        self.layer.send('websocket.connect', dict(message, headers=[], order=0))
        self.assertEqual(self.receive(), {'accept': True})
        self.assertEqual([stream for _, stream, _ in self.seen], ['async', 'sync', 'function'])
        self.assertEqual([thread == 'async' for _, _, thread in self.seen], [True, False, True])
        for stream, key in ('async', 'got'), ('sync', 'sync'):
            text = json.dumps({'stream': stream, 'payload': {'a': 1}})
            self.layer.send('websocket.receive', dict(message, text=text, order=1))
            self.assertEqual(json.loads(self.receive()['text']), {'stream': stream, 'payload': {key: {'a': 1}}})
        for frame in {'stream': 'async', 'payload': {'bad': 1}}, {'stream': 'none', 'payload': {}}:
            self.layer.send('websocket.receive', dict(message, text=json.dumps(frame), order=2))
            self.assertEqual(self.receive(), {'close': 1007})
        self.layer.send('websocket.disconnect', dict(message, code=1000, order=3))
        self.stop_when(lambda: len(self.seen) == 4)
        self.assertEqual(self.seen[3][:2], ('websocket.disconnect', 'function'))

    def test_one_that_fails_to_connect_is_in_no_group(self):
        self.start([route_class(consumers.Failing)])
        self.layer.send('websocket.connect', {'reply_channel': 'p!a', 'path': '/', 'headers': [], 'order': 0})
        self.assertEqual(self.receive(), {'close': True, 'status': 500})
        self.assertEqual(self.layer.group_channels('g'), [])

    def test_a_worker_without_async_work_starts_no_loop(self):
        self.start([])
        self.stop()
        self.assertFalse(self.worker._dispatcher.async_tasks)


@needs_async
class SessionTests(OrderWatchTestCase, RunningWorkerTestCase, TransactionTestCase):
    available_apps = ['django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions']

    def setUp(self):
        super(SessionTests, self).setUp()
        del consumers.seen[:]

    def handle(self, consumer, *contents):
        worker = Worker(ChannelLayerWrapper(self.layer, 'test', [route('task', consumer)]), signal_handlers=False)
        return [worker.handle('task', dict(content, reply_channel='p!a')) for content in contents]

    def test_decorators_take_them(self):
        self.assertEqual(self.handle(consumers.count, {}, {}), [HANDLED] * 2)
        self.assertEqual(self.seen, [1, 2])
        self.assertEqual(self.handle(consumers.who, {}), [HANDLED])
        self.assertEqual(self.seen[2:], [False])

    def test_they_keep_the_order_of_a_socket(self):
        self.assertEqual(self.handle(consumers.ordered, {'order': 1}, {'order': 0}), [HANDLED] * 2)
        self.assertEqual(self.seen, [0])
        channel, message = self.layer.receive(['task'])
        self.assertEqual(self.handle(consumers.ordered, dict(message, fails=True), {'order': 2}), [FAILED, HANDLED])
        self.assertEqual(self.seen, [0, 1, 2])

    def test_they_may_have_a_decorator_between_that_is_not_async(self):
        self.assertEqual(self.handle(consumers.loud_count, {}, {}), [HANDLED] * 2)
        self.assertEqual(self.seen, ['called', 1, 'called', 2])
        del self.seen[:]
        self.assertEqual(
            self.handle(consumers.loud_ordered, {'order': 0, 'fails': True}, {'order': 1}), [FAILED, HANDLED])
        self.assertEqual(self.seen, ['called', 0, 'called', 1])

    def test_an_origin_may_be_checked_inside_of_another_decorator(self):
        headers = [[b'host', b'testserver'], [b'origin', b'http://testserver']]
        with override_settings(ALLOWED_HOSTS=['testserver']):
            self.assertEqual(
                self.handle(consumers.checked_ordered, *[{'order': order, 'headers': headers} for order in (0, 1)]),
                [HANDLED] * 2)
        self.assertEqual(self.seen, [0, 1])
        self.assertTrue(is_coroutine_function(consumers.checked_ordered))

    def test_databases_are_reached_through_sync_to_async(self):
        self.assertEqual(self.handle(consumers.users, {}), [HANDLED])
        self.assertEqual(self.seen, [0])


@needs_async
class TestClientTests(ChannelTestCase):

    def test_the_test_client_runs_them(self):
        with apply_routes([route_class(consumers.Json)]):
            client = WSClient(ordered=True)
            client.send_and_consume('websocket.connect', path='/')
            client.send_and_consume('websocket.receive', text='[1]')
            self.assertEqual(client.receive(), {'got': [1]})

    def test_it_runs_a_demultiplexer_of_them(self):
        with apply_routes([route_class(consumers.Streams)]):
            client = WSClient(ordered=True)
            client.send_and_consume('websocket.connect', path='/')
            client.send_and_consume('websocket.receive', text={'stream': 'async', 'payload': {}})
            self.assertEqual(client.receive(), {'stream': 'async', 'payload': {'got': {}}})


@needs_async
@override_settings(ROOT_URLCONF='channels_tests.async_consumers', MIDDLEWARE=[], ALLOWED_HOSTS=['*'])
class ViewTests(RunningWorkerTestCase, SimpleTestCase):
    databases = {'default'}

    def leave(self):
        self.layer.send(disconnect_channel('p!a'), {'closed': True})

    def closed(self):
        for _ in range(500):
            if 'closed' in self.seen:
                return True
            consumers.waits.wait(0.01)
        return False

    def test_async_views_run_on_the_loop_and_others_in_threads(self):
        self.start([])
        self.request('/hello/')
        self.assertEqual(self.receive()['content'], b'hello')
        self.request('/plain/')
        self.assertEqual(self.receive()['content'], b'plain')
        self.assertEqual([name == 'async' for name in self.seen], [True, False])

    def test_a_body_in_pieces_is_there_when_the_view_runs(self):
        self.start([])
        self.request('/read/', method='POST', body=b'one ', body_channel='http.request.body?x')
        self.layer.send('http.request.body?x', {'content': b'two', 'more_content': False})
        self.assertEqual(self.receive()['content'], b'one two')

    def test_a_view_that_exits_is_a_500(self):
        self.start([])
        self.request('/leave/')
        self.assertEqual(self.receive()['status'], 500)

    @unittest.skipIf(django.VERSION < (4, 2), 'This Django has no async streams.')
    def test_streams_come_piece_by_piece_until_the_client_leaves(self):
        self.start([], shutdown_timeout=60)
        self.request('/stream/ticks/')
        pieces = [self.receive() for _ in range(3)]
        self.assertEqual([piece['content'] for piece in pieces], [b'tick 0', b'tick 1', b'tick 2'])
        self.assertEqual((pieces[0]['status'], pieces[1]['more_content']), (200, True))
        self.leave()
        self.assertTrue(self.closed())
        self.stop()

    @unittest.skipIf(django.VERSION < (4, 2), 'This Django has no async streams.')
    def test_a_silent_stream_ends_when_its_client_leaves_too(self):
        for path in ('/stream/silence/', '/plain-stream/'):
            del self.seen[:]
            self.start([], shutdown_timeout=60)
            self.request(path)
            self.assertEqual(self.receive()['content'], b'first')
            self.leave()
            self.assertTrue(self.closed(), path)
            self.stop()

    @unittest.skipIf(django.VERSION < (4, 2), 'This Django has no async streams.')
    def test_endless_streams_hold_nobody_up(self):
        self.start([], shutdown_timeout=0.01)
        for number in range(5):
            self.request('/stream/silence/', reply_channel='q!%d' % number)
            self.receive('q!')
        self.request('/plain/')
        self.assertEqual(self.receive()['content'], b'plain')
        self.stop()
        self.assertEqual(self.seen.count('closed'), 5)
        # What came so far doesn't look complete.
        self.assertTrue(all(self.receive('q!')['closed'] for _ in range(5)))

    @unittest.skipIf(django.VERSION < (4, 2), 'This Django has no async streams.')
    def test_a_stream_keeps_no_thread(self):
        self.start([], shutdown_timeout=0.01)
        threads = set(threading.enumerate())
        for number in range(5):
            # Its receivers of signals, as middleware that isn't async, have
            # run in a thread.
            self.request('/stream/silence/', reply_channel='q!%d' % number)
            self.receive('q!')
        for thread in set(threading.enumerate()) - threads:
            if thread.name.startswith('ThreadPoolExecutor'):
                thread.join(PATIENCE)
                self.assertFalse(thread.is_alive(), thread.name)
        self.stop()

    @unittest.skipIf(django.VERSION < (4, 2), 'This Django has no async streams.')
    def test_a_stream_that_fails_is_broken_off(self):
        with LogRecords('django.request') as logged:
            self.start([])
            self.request('/stream/breaks/')
            self.assertEqual(self.receive()['content'], b'first')
            self.assertTrue(self.receive()['closed'])
        self.assertIn('of the stream', str(logged[0].exc_info[1]))
