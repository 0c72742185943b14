# -*- coding: utf-8 -*-
"""
The handler between request messages and reply messages.
"""
from __future__ import absolute_import, unicode_literals

import gc
import logging
import threading

from django.channels import handler as public, outbox
from django.channels.channel import Channel
from django.channels.dispatch import Dispatcher
from django.channels.exceptions import MalformedMessage, RequestTimeout, ResponseLater
from django.channels.http.client import Client
from django.channels.http.handler import ChannelHandler, ViewConsumer, urls
from django.channels.http.request import ChannelRequest
from django.channels.http.response import decode_response
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.registry import ChannelLayerWrapper
from django.channels.names import disconnect_channel
from django.channels.routing import route
from django.channels.test import lint
from django.channels.worker import Worker
from django.contrib.contenttypes.models import ContentType
from django.core.signals import got_request_exception, request_finished, request_started
from django.db import close_old_connections, connection
from django.test import RequestFactory, SimpleTestCase, TestCase, override_settings

from . import http_urls
from .clocks import ManualClock
from .http_tools import make_message, multipart

BODY_CHANNEL = 'http.request.body?test'


class LogRecords(logging.Handler):
    """Collects what is logged, in a with statement."""

    def __init__(self, name):
        logging.Handler.__init__(self)
        self.logger = logging.getLogger(name)
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def __enter__(self):
        self.logger.addHandler(self)
        self.kept = self.logger.propagate, self.logger.level
        self.logger.propagate = False
        self.logger.setLevel(logging.INFO)
        return self.records

    def __exit__(self, *exc_info):
        self.logger.removeHandler(self)
        self.logger.propagate = self.kept[0]
        self.logger.setLevel(self.kept[1])


@override_settings(ROOT_URLCONF='channels_tests.http_urls', **{http_urls.MIDDLEWARE: []})
class HandlerTestCase(SimpleTestCase):

    def setUp(self):
        del http_urls.seen[:]
        http_urls.Counting.made = 0
        http_urls.Counting.fail = False
        # As Django's test client does it: no test may close connections.
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
        self.signals = []
        request_started.connect(self.on_started)
        request_finished.connect(self.on_finished)
        got_request_exception.connect(self.on_exception)
        self.addCleanup(self.restore_signals)

    def restore_signals(self):
        request_started.disconnect(self.on_started)
        request_finished.disconnect(self.on_finished)
        got_request_exception.disconnect(self.on_exception)
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)

    def on_started(self, sender, **kwargs):
        self.signals.append(('started', sender))
        self.started_with = kwargs

    def on_finished(self, sender, **kwargs):
        self.signals.append(('finished', sender))

    def on_exception(self, sender, **kwargs):
        self.signals.append(('exception', None))

    def replies(self, *args, **kwargs):
        with LogRecords('django.request') as self.logged:
            replies = list(ChannelHandler()(make_message(*args, **kwargs)))
        for reply in replies:
            lint.check('http.response.test!client', reply)
        return replies

    def response(self, *args, **kwargs):
        return decode_response(self.replies(*args, **kwargs))


class ChannelHandlerTests(HandlerTestCase):

    def test_a_view_answers(self):
        response = self.response()
        self.assertEqual(
            (response.status_code, response.content, response['Content-Type']), (200, b'hello', 'text/plain')
        )

    def test_a_body_reaches_the_view(self):
        self.assertEqual(self.response('POST', '/echo/', body=b'\x00\xff').content, b'\x00\xff')

    def test_a_body_in_pieces_reaches_the_view(self):
        layer = InMemoryChannelLayer()
        layer.send(BODY_CHANNEL, {'content': b'two ', 'more_content': True})
        layer.send(BODY_CHANNEL, {'content': b'three'})
        response = self.response('POST', '/echo/', layer, body=b'one ', body_channel=BODY_CHANNEL)
        self.assertEqual(response.content, b'one two three')

    def test_uploaded_files_are_closed_with_the_response(self):
        content_type, body = multipart([(b'file', b'name.bin', b'z' * 100)])
        with self.settings(FILE_UPLOAD_MAX_MEMORY_SIZE=10):
            response = self.response('POST', '/upload/', headers=[
                [b'content-type', content_type], [b'content-length', str(len(body)).encode('ascii')]
            ], body=body)
        self.assertEqual(response.content, b'100')
        self.assertTrue(http_urls.seen[0].file.closed)

    def test_signals_come_in_pairs_with_the_handler_as_sender(self):
        # A response that another test has left finishes when it is collected.
        gc.collect()
        for path in ('/', '/missing/', '/stream/', '/later/', '/broken/', '/broken/?early'):
            self.signals = []
            path, _, query = path.partition('?')
            self.replies(path=path, query_string=query.encode('ascii'))
            self.assertEqual((path, self.signals), (path, [('started', ChannelHandler), ('finished', ChannelHandler)]))

    def test_request_started_has_message_and_environ(self):
        self.replies(path='/', headers=[[b'host', b'example.com']])
        self.assertEqual(self.started_with['message']['path'], '/')
        self.assertEqual(self.started_with['environ']['HTTP_HOST'], 'example.com')

    def test_nothing_happens_before_the_first_reply_is_asked_for(self):
        ChannelHandler()(make_message())
        self.assertEqual(self.signals, [])

    def test_the_script_prefix_lasts_for_the_request(self):
        urls.set_script_prefix('/before/')
        self.addCleanup(urls.set_script_prefix, '/')
        response = self.response(path='/app/path/', root_path='/app')
        self.assertEqual(response.content, b'/app/path/ /path/ /app/path/')
        self.assertEqual(urls.get_script_prefix(), '/before/')

    @override_settings(FORCE_SCRIPT_NAME='/forced')
    def test_the_script_name_can_be_forced(self):
        self.assertEqual(self.response(path='/path/').content, b'/forced/path/ /path/ /forced/path/')

    def test_head_has_no_body(self):
        replies = self.replies('HEAD', '/stream/')
        self.assertEqual([reply['content'] for reply in replies], [b''])


class StreamTests(HandlerTestCase):

    def test_parts_go_out_as_they_come(self):
        replies = ChannelHandler()(make_message(path='/stream/'))
        self.assertEqual(next(replies)['content'], b'part 0')
        self.assertEqual((http_urls.seen, self.signals), ([], [('started', ChannelHandler)]))
        self.assertEqual([reply['content'] for reply in replies], [b'part 1', b'part 2', b'part 3', b'part 4', b''])
        self.assertEqual((http_urls.seen, self.signals[1:]), (['closed'], [('finished', ChannelHandler)]))

    def test_a_response_that_is_broken_off_is_closed(self):
        replies = ChannelHandler()(make_message(path='/stream/'))
        next(replies)
        replies.close()
        self.assertEqual((http_urls.seen, self.signals[1:]), (['closed'], [('finished', ChannelHandler)]))

    def test_an_error_before_the_first_part_is_a_500(self):
        response = self.response(path='/broken/', query_string=b'early')
        self.assertEqual((response.status_code, response.content), (500, b'Internal Server Error'))
        self.assertEqual(self.logged[0].levelname, 'ERROR')

    def test_an_error_after_it_breaks_the_connection_off(self):
        first, last = self.replies(path='/broken/')
        self.assertEqual((first['status'], first['content']), (200, b'beginning'))
        self.assertEqual(last, {'content': b'', 'more_content': False, 'closed': True})
        self.assertIn('the stream failed', str(self.logged[0].exc_info[1]))


class ErrorTests(HandlerTestCase):

    def test_errors_of_views_are_djangos_to_handle(self):
        for path, status, raised in [
            ('/fail/', 500, True), ('/missing/', 404, False), ('/forbidden/', 403, False), ('/no-such/', 404, False),
        ]:
            self.signals = []
            response = self.response(path=path)
            self.assertEqual((path, response.status_code), (path, status))
            self.assertEqual((path, ('exception', None) in self.signals), (path, raised))
        self.assertIn('handler500', http_urls.seen)

    def test_what_a_view_sent_before_it_failed_is_dropped(self):
        layer = InMemoryChannelLayer()
        for method in ('GET', 'POST'):
            with outbox.buffered(), LogRecords('django.request'):
                list(ChannelHandler()(make_message(path='/announce/', method=method, channel_layer=layer)))
        self.assertEqual(layer.receive(['news']), ('news', {'method': 'GET'}))
        self.assertEqual(layer.receive(['news']), (None, None))

    @override_settings(DEBUG=True, CHANNEL_WSGI_EMULATION=True)
    def test_the_debug_page_is_djangos(self):
        response = self.response(path='/fail/')
        self.assertEqual(response.status_code, 500)
        self.assertContains(response, 'the view failed', status_code=500)
        self.assertContains(response, 'wsgi.url_scheme', status_code=500)

    def test_an_error_while_handling_an_error_is_a_plain_500(self):
        response = self.response(path='/fail/', query_string=b'twice')
        self.assertEqual((response.status_code, response.content), (500, b'Internal Server Error'))
        self.assertEqual(response['Content-Type'], 'text/plain')
        self.assertIn('the handler of errors failed', str(self.logged[-1].exc_info[1]))
        self.assertEqual(self.signals[-1], ('finished', ChannelHandler))

    @override_settings(DEBUG=True)
    def test_in_debug_mode_it_shows_the_traceback(self):
        with self.settings(DEBUG_PROPAGATE_EXCEPTIONS=True):
            response = self.response(path='/fail/')
        self.assertIn(b'ValueError: the view failed', response.content)

    @override_settings(**{http_urls.MIDDLEWARE: ['channels_tests.http_urls.NoSuchMiddleware']})
    def test_middleware_that_can_not_be_imported_is_a_500(self):
        self.assertEqual(self.response().status_code, 500)
        self.assertIn('NoSuchMiddleware', str(self.logged[0].exc_info[1]))

    def test_a_view_that_exits_is_a_500_at_once(self):
        self.assertEqual(self.response(path='/leave/').status_code, 500)
        self.assertIsInstance(self.logged[-1].exc_info[1], SystemExit)

    def test_a_stream_that_exits_is_broken_off(self):
        replies = self.replies(path='/stream-leaves/')
        self.assertEqual([reply.get('content') for reply in replies], [b'first', b''])
        self.assertTrue(replies[-1]['closed'])

    def test_a_request_that_can_not_be_read_is_a_400(self):
        lengths = [[b'content-length', b'5'], [b'content-length', b'7']]
        for changes in ({'root_path': b'/\xff'}, {'path': None}, {'headers': lengths}):
            self.signals = []
            response = self.response(**changes)
            self.assertEqual((changes, response.status_code), (changes, 400))
            self.assertEqual(self.signals, [('started', ChannelHandler), ('finished', ChannelHandler)])
            self.assertEqual(self.logged[0].status_code, 400)


class MiddlewareTests(HandlerTestCase):

    def setUp(self):
        super(MiddlewareTests, self).setUp()
        settings = override_settings(**{http_urls.MIDDLEWARE: ['channels_tests.http_urls.Counting']})
        settings.enable()
        self.addCleanup(settings.disable)

    def test_middleware_is_made_once_for_all_requests_and_threads(self):
        handler = ChannelHandler()
        contents = []
        threads = [threading.Thread(
            target=lambda: contents.extend(decode_response(handler(make_message()))['X-Counted'] for _ in range(5))
        ) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((http_urls.Counting.made, contents), (1, ['1'] * 20))

    def test_middleware_sees_the_errors_of_views(self):
        self.response(path='/fail/')
        self.assertIsInstance(http_urls.seen[0], ValueError)

    def test_middleware_does_not_see_the_promise_of_a_later_response(self):
        self.assertEqual(self.replies(path='/later/'), [])
        self.assertNotIsInstance(http_urls.seen[-1], ResponseLater)

    def test_an_error_in_the_middleware_around_a_promise_is_answered(self):
        http_urls.Counting.fail = True
        self.assertEqual(self.response(path='/later/').status_code, 500)


class ResponseLaterTests(HandlerTestCase):

    def test_nothing_is_sent_and_nothing_is_logged(self):
        self.assertEqual(self.replies(path='/later/'), [])
        self.assertEqual(self.logged, [])

    def test_the_view_has_the_reply_channel(self):
        self.replies(path='/later/')
        request, = http_urls.seen
        self.assertIsInstance(request.reply_channel, Channel)
        self.assertEqual(request.reply_channel.name, 'http.response.test!client')

    def test_it_is_an_attribute_of_the_request(self):
        self.assertIs(ChannelRequest.ResponseLater, ResponseLater)
        self.assertIs(ChannelRequest.RequestTimeout, RequestTimeout)


class AtomicRequestsTests(HandlerTestCase, TestCase):

    def setUp(self):
        super(AtomicRequestsTests, self).setUp()
        self.addCleanup(connection.settings_dict.__setitem__, 'ATOMIC_REQUESTS', False)
        connection.settings_dict['ATOMIC_REQUESTS'] = True

    def saved(self):
        return ContentType.objects.filter(app_label='promises').count()

    def test_a_promise_is_committed(self):
        self.assertEqual((self.replies(path='/promise/'), self.saved()), ([], 1))

    def test_a_failure_is_not(self):
        self.assertEqual(self.response(path='/promise/', query_string=b'fail').status_code, 500)
        self.assertEqual(self.saved(), 0)

    def test_a_view_may_be_without_a_transaction(self):
        self.assertEqual(self.response(path='/promise/alone/', query_string=b'fail').status_code, 500)
        self.assertEqual(self.saved(), 1)


class LostBodyTests(HandlerTestCase):

    def lost(self, path, *messages, **kwargs):
        """Return the replies to a request whose body ends in `messages`."""
        layer = InMemoryChannelLayer()
        for message in messages:
            layer.send(BODY_CHANNEL, message)
        return self.replies('POST', path, layer, body_channel=BODY_CHANNEL, **kwargs)

    def setUp(self):
        super(LostBodyTests, self).setUp()
        timeout = ChannelRequest.body_receive_timeout
        ChannelRequest.body_receive_timeout = 0
        self.addCleanup(setattr, ChannelRequest, 'body_receive_timeout', timeout)

    def test_a_client_that_goes_away_gets_no_response(self):
        for path in ('/echo/', '/upload/', '/swallow/'):
            self.signals = []
            replies = self.lost(path, {'content': b'x', 'more_content': True}, {'closed': True}, headers=[
                [b'content-type', b'application/x-www-form-urlencoded']
            ])
            self.assertEqual((path, replies), (path, []))
            self.assertEqual(self.signals, [('started', ChannelHandler), ('finished', ChannelHandler)])
            self.assertFalse([record for record in self.logged if record.exc_info])

    def test_a_body_that_does_not_come_is_a_408(self):
        reply, = self.lost('/echo/', {'content': b'x', 'more_content': True})
        self.assertEqual((reply['status'], reply['content']), (408, b'408 Request Timeout'))
        self.assertNotIn(('exception', None), self.signals)

    def test_middleware_that_wants_the_body_does_not_hide_it(self):
        with self.settings(**{http_urls.MIDDLEWARE: ['django.middleware.csrf.CsrfViewMiddleware']}):
            reply, = self.lost('/upload/', {'content': b'x', 'more_content': True}, headers=[
                [b'content-type', b'application/x-www-form-urlencoded'], [b'content-length', b'10'],
                [b'cookie', b'csrftoken=' + b'a' * 32],
            ])
        self.assertEqual((reply['status'], reply['content']), (408, b'408 Request Timeout'))

    def test_a_view_that_copes_with_it_answers_itself(self):
        reply, = self.lost('/swallow/')
        self.assertEqual((reply['status'], reply['content']), (200, b'never mind'))

    def test_a_view_that_does_not_ask_does_not_wait(self):
        ChannelRequest.body_receive_timeout = 3600
        reply, = self.lost('/')
        self.assertEqual(reply['content'], b'hello')


class Clock(ManualClock):
    """A clock that moves on by a second whenever it is looked at."""

    def monotonic(self):
        self.now += 1
        return self.now


class ClientTests(HandlerTestCase):
    reply = {'content': b'x', 'more_content': True}

    def make_client(self, layer=None, **kwargs):
        return Client(make_message(channel_layer=layer), 60, **kwargs)

    def test_the_channel_of_its_end_follows_from_the_reply_channel(self):
        self.assertEqual(
            disconnect_channel('http.response.test!client'), 'http.disconnect?http.response.test.client'
        )
        self.assertIsNone(disconnect_channel('x' * 90 + '!y'))

    def test_a_client_that_went_away_gets_nothing_more(self):
        layer = InMemoryChannelLayer()
        client = self.make_client(layer, clock=Clock())
        self.assertEqual([client.send(self.reply), client.send(self.reply)], [True, True])
        layer.send('http.disconnect?http.response.test.client', {'closed': True})
        self.assertEqual([client.send(self.reply), client.send(self.reply)], [False, False])

    def test_it_is_looked_after_once_in_a_while_only(self):
        layer = InMemoryChannelLayer()
        layer.receive = None
        client = self.make_client(layer, clock=ManualClock())
        self.assertTrue(all(client.send(self.reply) for _ in range(20)))

    def test_a_response_in_one_message_is_not_worth_a_look(self):
        layer = InMemoryChannelLayer()
        layer.receive = None
        self.assertTrue(self.make_client(layer, clock=Clock()).send({'status': 200}))

    def test_a_client_that_goes_away_while_its_channel_is_full_frees_the_worker(self):
        layer = FullLayer()
        layer.room = 0
        layer.receive = lambda channels, block=False: (channels[0], {'closed': True})
        client = self.make_client(layer, clock=Clock())
        client.interval = 0.01
        self.assertFalse(client.send(self.reply))


class FullLayer(InMemoryChannelLayer):
    """A layer whose reply channels take only the first `room` messages."""
    room = 1

    def __init__(self):
        super(FullLayer, self).__init__()
        self.sent = []

    def send(self, channel, message):
        if len(self.sent) >= self.room:
            raise self.ChannelFull()
        self.sent.append((channel, message))


class ViewConsumerTests(HandlerTestCase):

    def test_replies_go_to_the_reply_channel_at_once(self):
        layer = InMemoryChannelLayer()
        ViewConsumer()(make_message(path='/stream/', channel_layer=layer))
        contents = []
        while True:
            channel, message = layer.receive(['http.response.test!'])
            if channel is None:
                break
            self.assertEqual(channel, 'http.response.test!client')
            contents.append(message['content'])
        self.assertEqual(contents, [b'part 0', b'part 1', b'part 2', b'part 3', b'part 4', b''])

    def test_records_of_requests_say_which_message_they_are_about(self):
        layer = ChannelLayerWrapper(InMemoryChannelLayer(), 'test', [route('http.request', ViewConsumer())])
        dispatcher = Dispatcher(layer, sender=type(self))
        made = make_message(path='/missing/').content
        with LogRecords('django.request') as logged:
            dispatcher.handle('http.request', dict(made, __retries__=2))
            dispatcher.handle('http.request', dict(made, path='/broken/'))
            # By a handler of ours, which has no request.
            dispatcher.handle('http.request', dict(made, path=3))
        self.assertEqual([record.status_code for record in logged], [404, 500, 400])
        for record, attempt in zip(logged, (3, 1, 1)):
            self.assertEqual(
                (record.channel, record.consumer, record.reply_channel, record.attempt),
                ('http.request', 'django.channels.http.handler.ViewConsumer', 'http.response.test!client', attempt),
            )
            self.assertEqual(record.message_keys, ', '.join(sorted(made)))
            self.assertFalse(hasattr(record, 'message_content'))

    def test_records_of_other_requests_are_left_alone(self):
        ChannelHandler()
        with LogRecords('django.request') as logged:
            logging.getLogger('django.request').warning('Not Found', extra={'request': RequestFactory().get('/')})
        self.assertFalse(hasattr(logged[0], 'channel'))

    def test_a_client_that_takes_nothing_is_given_up(self):
        layer = FullLayer()
        consumer = ViewConsumer()
        consumer.send_timeout = 0
        with LogRecords('django.request') as logged:
            consumer(make_message(path='/stream/', channel_layer=layer))
        self.assertEqual(len(layer.sent), 1)
        self.assertEqual(http_urls.seen, ['closed'])
        self.assertEqual(self.signals[-1], ('finished', ChannelHandler))
        self.assertIn('Gave up on a response to /stream/', logged[0].getMessage())

    def test_a_stream_ends_when_its_client_goes_away(self):
        layer = InMemoryChannelLayer()
        layer.send('http.disconnect?http.response.test.client', {'closed': True})
        interval = Client.interval
        Client.interval = 0
        self.addCleanup(setattr, Client, 'interval', interval)
        ViewConsumer()(make_message(path='/stream/', channel_layer=layer))
        self.assertEqual(layer.receive(['http.response.test!'])[1]['content'], b'part 0')
        self.assertEqual(layer.receive(['http.response.test!']), (None, None))
        self.assertEqual((http_urls.seen, self.signals[-1]), (['closed'], ('finished', ChannelHandler)))

    def test_a_stream_ends_when_its_worker_does(self):
        layer = InMemoryChannelLayer()
        wrapper = ChannelLayerWrapper(layer, 'test', [route('http.request', ViewConsumer())])
        worker = Worker(wrapper, signal_handlers=False, shutdown_timeout=0)

        def send(channel, message, send=layer.send):
            send(channel, message)
            if message['content'] == b'part 1':
                worker.stop()

        layer.send('http.request', make_message(path='/stream/').content)
        layer.send = send
        worker.run()
        replies = [message for channel, message in layer.receive_batch(['http.response.test!'], 10)]
        self.assertEqual([reply['content'] for reply in replies], [b'part 0', b'part 1', b''])
        self.assertTrue(replies[-1]['closed'])
        self.assertEqual(http_urls.seen, ['closed'])
        # For the next worker.
        self.assertIsNone(wrapper.are_streams_over)

    def test_a_full_channel_is_waited_for(self):
        layer = FullLayer()
        layer.room = 0
        refused = []

        def send(channel, message, send=layer.send):
            if not layer.room:
                refused.append(message)
                layer.room = 10
                raise layer.ChannelFull()
            send(channel, message)
        layer.send = send
        ViewConsumer()(make_message(path='/stream/', channel_layer=layer))
        self.assertEqual((len(refused), len(layer.sent)), (1, 6))

    def test_a_message_without_a_reply_channel_is_malformed(self):
        with self.assertRaises(MalformedMessage) as caught:
            ViewConsumer()(make_message(reply_channel=None))
        self.assertIn('needs a reply_channel', str(caught.exception))

    def test_the_names_of_the_1_x_family(self):
        self.assertIs(public.AsgiHandler, ChannelHandler)
        self.assertIs(public.AsgiRequest, ChannelRequest)
        self.assertIsInstance(public.view_consumer, public.ViewConsumer)
        reply, = public.AsgiHandler.encode_response(http_urls.hello(None))
        self.assertEqual(reply['content'], b'hello')
        self.assertEqual(public.AsgiHandler.chunk_size, 512 * 1024)
