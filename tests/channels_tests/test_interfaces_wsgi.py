# -*- coding: utf-8 -*-
"""
The WSGI application that forwards into a channel layer.
"""
from __future__ import absolute_import, unicode_literals

import io
import sys
import threading
import time
import types
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from django.channels.exceptions import LayerUnavailable
from django.channels.interfaces import wsgi
from django.channels.interfaces.replies import ReplyReader
from django.channels.interfaces.wsgi import WSGIInterface
from django.channels.layers import blocking
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.pace import AHEAD
from django.channels.message import Message
from django.channels.names import disconnect_channel
from django.channels.test import lint
from django.channels.test.linting import exempt
from django.test import SimpleTestCase

from .test_http_handler import LogRecords

PATIENCE = 30


class Workers(object):
    """Threads that hand each http.request to `consumer`."""

    def __init__(self, layer, consumer, count=2):
        self.layer = layer
        self.consumer = consumer
        self.requests = []
        self.errors = []
        self.stopping = False
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopping:
            channel, content = self.layer.receive(['http.request'], block=True)
            if channel is not None:
                self.requests.append(content)
                try:
                    lint.check('http.request', content)
                    self.consumer(Message(content, channel, self.layer))
                except Exception as error:
                    self.errors.append(error)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            while thread.is_alive():
                self.layer.interrupt()
                thread.join(0.05)


class InterfaceTestCase(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer()

    def serve(self, consumer, **options):
        """Return a WSGI application with workers behind it."""
        self.workers = Workers(self.layer, consumer)
        self.addCleanup(self.check_errors)
        self.addCleanup(self.workers.stop)
        options.setdefault('timeout', PATIENCE)
        return WSGIInterface(self.layer, **options)

    def check_errors(self):
        self.assertEqual(self.workers.errors, [])

    def environ(self, path='/', method='GET', body=None, **variables):
        environ = {}
        setup_testing_defaults(environ)
        environ[str('SERVER_PROTOCOL')] = str('HTTP/1.1')
        environ[str('PATH_INFO')] = str(path)
        environ[str('REQUEST_METHOD')] = str(method)
        environ[str('QUERY_STRING')] = str('')
        if body is not None:
            environ[str('CONTENT_LENGTH')] = str(len(body))
        environ[str('wsgi.input')] = io.BytesIO(body or b'')
        environ.update((str(key), str(value)) for key, value in variables.items())
        return environ

    def call(self, app, *args, **kwargs):
        """Return (status, headers, body) of the answer."""
        answer = []
        result = validator(app)(
            self.environ(*args, **kwargs), lambda status, headers, exc_info=None: answer.extend([status, headers])
        )
        try:
            body = b''.join(result)
        finally:
            result.close()
        return answer[0], dict(answer[1]), body


def reply_with(*replies):
    """Return a consumer that answers so."""
    def consumer(message):
        for reply in replies:
            message.channel_layer.send_blocking(message.reply_channel.name, reply, PATIENCE)
    return consumer


def read_body(message):
    """Return the whole body that came with `message` and after it."""
    parts = [message.get('body', b'')]
    channel = message.get('body_channel')
    while channel:
        name, chunk = message.channel_layer.receive([channel], block=True)
        if name is not None:
            lint.check(name, chunk)
            parts.append(chunk.get('content', b''))
            if not chunk.get('more_content'):
                break
    return b''.join(parts)


def echo(message):
    body = read_body(message)
    reply_with({'status': 200, 'headers': [[b'Content-Type', b'text/plain']], 'content': body})(message)


OK = {'status': 200, 'headers': [[b'Content-Type', b'text/plain']], 'content': b'hello'}


class WSGIInterfaceTests(InterfaceTestCase):

    def test_a_request_is_answered(self):
        app = self.serve(reply_with(OK))
        status, headers, body = self.call(app, '/caf\xc3\xa9/' if sys.version_info[0] > 2 else b'/caf\xc3\xa9/')
        self.assertEqual((status, body), ('200 OK', b'hello'))
        self.assertEqual((headers['Content-Type'], headers['content-length']), ('text/plain', '5'))
        request, = self.workers.requests
        self.assertEqual((request['path'], request['method']), ('/café/', 'GET'))
        self.assertNotIn('body_channel', request)

    def test_the_end_is_announced(self):
        app = self.serve(reply_with(OK))
        self.call(app)
        channel, message = self.layer.receive(['http.disconnect'])
        self.assertEqual(message, {'reply_channel': self.workers.requests[0]['reply_channel'], 'path': '/'})

    def test_bodies_of_any_size_come_whole(self):
        app = self.serve(echo, inline_body_size=10, body_chunk_size=7)
        for size in (0, 1, 9, 10, 11, 17, 18, 100):
            body = bytes(bytearray(range(size)))
            self.assertEqual((size, self.call(app, '/', 'POST', body)[2]), (size, body))

    def test_a_body_is_a_few_pieces_ahead_of_its_worker(self):
        waiting = []

        def read_slowly(message):
            channel = message['body_channel']
            deadline = time.time() + PATIENCE
            while self.layer.count_waiting(channel) < AHEAD and time.time() < deadline:
                time.sleep(0.001)
            more_content = True
            while more_content:
                waiting.append(self.layer.count_waiting(channel))
                more_content = self.layer.receive([channel], block=True)[1]['more_content']
            reply_with(OK)(message)

        app = self.serve(read_slowly, inline_body_size=10, body_chunk_size=10)
        self.assertEqual(self.call(app, '/', 'POST', b'z' * 500)[0], '200 OK')
        self.assertEqual(max(waiting), AHEAD)

    def test_a_chunked_body_is_read_where_uwsgi_has_it(self):
        app = self.serve(echo, inline_body_size=10, body_chunk_size=7)
        uwsgi = types.ModuleType(str('uwsgi'))
        for chunks in ([], [b'a' * 9], [b'a' * 10], [b'a' * 3, b'b' * 30, b'c']):
            left = list(chunks)
            uwsgi.chunked_read = lambda: left.pop(0) if left else b''
            variables = {'HTTP_TRANSFER_ENCODING': 'chunked', 'uwsgi.version': '2.0.31'}
            sys.modules[str('uwsgi')] = uwsgi
            try:
                self.assertEqual(self.call(app, '/', 'POST', **variables)[2], b''.join(chunks))
            finally:
                del sys.modules[str('uwsgi')]

    def test_a_chunked_body_that_can_not_be_read_is_refused(self):
        app = self.serve(echo)
        with LogRecords('django.channels') as logged:
            self.assertEqual(self.call(app, '/', 'POST', HTTP_TRANSFER_ENCODING='chunked')[0], '411 Length Required')
        self.assertIn('wsgi.input_terminated', logged[0].getMessage())
        self.assertEqual(self.workers.requests, [])

    def test_a_body_without_a_length_ends_where_the_server_says(self):
        app = self.serve(echo, inline_body_size=10, body_chunk_size=7)
        for size in (0, 9, 10, 11, 17, 24, 100):
            body = bytes(bytearray(range(size)))
            environ = self.environ('/', 'POST')
            environ.update({str('wsgi.input'): io.BytesIO(body), str('wsgi.input_terminated'): True})
            self.assertEqual((size, b''.join(app(environ, lambda *args: None))), (size, body))

    def test_without_either_there_is_no_body(self):
        app = self.serve(echo)
        environ = self.environ('/', 'POST')
        environ[str('wsgi.input')] = io.BytesIO(b'next request')
        self.assertEqual(b''.join(app(environ, lambda *args: None)), b'')

    def test_a_response_streams_as_it_comes(self):
        seen = threading.Event()

        def consumer(message):
            reply_with({'status': 200, 'content': b'one', 'more_content': True})(message)
            self.assertTrue(seen.wait(PATIENCE))
            reply_with({'content': b'', 'more_content': True}, {'content': b'two'})(message)

        app = self.serve(consumer)
        stream = app(self.environ(), lambda *args: None)
        self.assertEqual(next(stream), b'one')
        seen.set()
        self.assertEqual(list(stream), [b'two'])
        stream.close()
        name = disconnect_channel(self.workers.requests[0]['reply_channel'])
        self.assertEqual(self.layer.receive([name]), (None, None))

    def test_threads_share_the_reply_channel(self):
        app = self.serve(echo)
        outcomes = []

        def run(number):
            for turn in range(10):
                body = ('%d.%d' % (number, turn)).encode('ascii')
                outcomes.append(self.call(app, '/', 'POST', body)[2] == body)
        threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(outcomes, [True] * 80)
        self.assertEqual(len(set(request['reply_channel'].split('!')[0] for request in self.workers.requests)), 1)

    def test_head_has_headers_only(self):
        status, headers, body = self.call(self.serve(reply_with(OK)), '/', 'HEAD')
        self.assertEqual((status, body), ('200 OK', b''))

    def test_a_worker_that_does_not_need_the_body_answers_at_once(self):
        self.layer.capacity = 2
        app = self.serve(reply_with(OK), inline_body_size=10, body_chunk_size=10)
        self.assertEqual(self.call(app, '/', 'POST', b'z' * 1000)[2], b'hello')


class TroubleTests(InterfaceTestCase):

    def refused(self, app, *args, **kwargs):
        with LogRecords('django.channels') as self.logged:
            status, self.headers, self.page = self.call(app, *args, **kwargs)
        self.assertEqual(self.headers['content-type'], 'text/html; charset=utf-8')
        return int(status.split()[0])

    def test_no_worker_in_time_is_a_504_with_a_line_in_the_log(self):
        app = WSGIInterface(self.layer, timeout=0)
        self.assertEqual(self.refused(app, '/slow/'), 504)
        self.assertNotIn('retry-after', self.headers)
        self.assertIn('No worker answered the request for /slow/', self.logged[0].getMessage())

    def test_no_room_is_a_503_with_a_line_in_the_log(self):
        self.layer.capacity = 0
        app = WSGIInterface(self.layer, queue_timeout=0)
        self.assertEqual(self.refused(app, '/busy/'), 503)
        self.assertIn('The request for /busy/ was refused', self.logged[0].getMessage())
        self.assertEqual(self.headers['retry-after'], '1')
        self.assertIn(b'Too many requests', self.page)

    def test_who_finds_no_room_is_told_for_how_long_others_wait(self):
        def wait(layer, channel, message, timeout):
            raise layer.ChannelFull('Nothing was taken for %s s.' % timeout)

        self.addCleanup(setattr, wsgi, 'send_blocking', wsgi.send_blocking)
        wsgi.send_blocking = wait
        self.assertEqual(self.refused(WSGIInterface(self.layer, queue_timeout=7.5)), 503)
        self.assertEqual(self.headers['retry-after'], '8')

    def test_a_burst_waits_for_room(self):
        self.layer.capacity = 1
        with exempt('headers', 'http_version', 'method', 'path', 'reply_channel'):
            self.layer.send('http.request', {})
        before = blocking.Backoff

        def backoff(*pauses):
            # As soon as somebody waits, there is room, and a worker.
            self.layer.receive(['http.request'])
            self.serve(reply_with({
                'status': 200, 'headers': [[b'Content-Type', b'text/plain']], 'content': b'served',
            }))
            return before(*pauses)

        self.addCleanup(setattr, blocking, 'Backoff', before)
        blocking.Backoff = backoff
        self.assertEqual(self.call(WSGIInterface(self.layer, timeout=PATIENCE))[2], b'served')

    def test_a_layer_that_is_away_is_a_503(self):
        def send(channel, message):
            raise LayerUnavailable('away')
        self.layer.send = send
        self.assertEqual(self.refused(WSGIInterface(self.layer)), 503)
        self.assertEqual(self.headers['retry-after'], '2')
        self.assertIn(b'has lost its channel layer', self.page)

    def test_a_request_that_could_not_be_answered_is_a_503_and_not_sent(self):
        self.layer.can_hear = lambda channel: False
        self.assertEqual(self.refused(WSGIInterface(self.layer), '/away/'), 503)
        self.assertIn('The request for /away/ was refused', self.logged[0].getMessage())
        self.assertEqual(self.headers['retry-after'], '2')
        self.assertEqual(self.layer.receive(['http.request']), (None, None))

    def test_a_body_that_no_worker_reads_is_a_504(self):
        self.layer.capacity = 1
        app = WSGIInterface(self.layer, timeout=0, inline_body_size=1, body_chunk_size=1)
        self.assertEqual(self.refused(app, '/', 'POST', b'abcdef'), 504)

    def test_a_malformed_response_is_a_500_with_a_line_in_the_log(self):
        app = self.serve(reply_with({'content': b'no status'}))
        self.assertEqual(self.refused(app), 500)
        self.assertIn('is malformed', self.logged[0].getMessage())

    def test_a_response_that_breaks_off_is_not_complete(self):
        app = self.serve(reply_with(
            {'status': 200, 'content': b'one', 'more_content': True}, {'content': b'', 'closed': True}
        ))
        stream = app(self.environ(), lambda *args: None)
        self.assertEqual(next(stream), b'one')
        with LogRecords('django.channels'):
            with self.assertRaises(Exception):
                next(stream)
        stream.close()

    def test_a_client_that_goes_away_is_told_to_the_worker(self):
        app = self.serve(reply_with({'status': 200, 'content': b'one', 'more_content': True}))
        stream = app(self.environ(), lambda *args: None)
        self.assertEqual(next(stream), b'one')
        stream.close()
        name = disconnect_channel(self.workers.requests[0]['reply_channel'])
        self.assertEqual(self.layer.receive([name]), (name, {'closed': True}))
        self.assertEqual(self.layer.receive(['http.disconnect'])[0], 'http.disconnect')

    def test_a_client_that_goes_away_while_it_sends_aborts_the_request(self):
        seen = []
        app = self.serve(lambda message: seen.append(self.chunks(message)), inline_body_size=1, body_chunk_size=2)
        environ = self.environ('/', 'POST', b'abc')
        environ[str('CONTENT_LENGTH')] = str('10')
        with self.assertRaises(IOError):
            app(environ, lambda *args: None)
        self.workers.stop()
        self.assertEqual(seen[0][-1], {'closed': True})

    def chunks(self, message):
        chunks, deadline = [], time.time() + 2 * PATIENCE
        while not chunks or not chunks[-1].get('closed'):
            if time.time() > deadline:
                raise AssertionError('the body did not end: %r' % chunks)
            name, chunk = self.layer.receive([message['body_channel']], block=True)
            if name is not None:
                chunks.append(chunk)
        return chunks


@exempt('name', 'number')
class RepliesTests(SimpleTestCase):

    def setUp(self):
        self.layer = InMemoryChannelLayer()
        self.late = []
        self.replies = ReplyReader(self.layer, self.late.append, limit=10)

    def test_each_mailbox_gets_its_own(self):
        first, second = self.replies.open(), self.replies.open()
        for number in range(3):
            self.layer.send(second.name, {'number': number})
        self.layer.send(first.name, {'number': 10})
        self.assertEqual(self.replies.get(first, PATIENCE), {'number': 10})
        self.assertEqual([self.replies.get(second, 0)['number'] for _ in range(3)], [0, 1, 2])
        self.assertIsNone(self.replies.get(second, 0))

    def test_what_comes_late_is_dropped_and_streams_are_told(self):
        gone, there = self.replies.open(), self.replies.open()
        self.replies.close(gone)
        self.layer.send(gone.name, {'content': b'', 'more_content': True})
        self.layer.send(gone.name, {'content': b''})
        self.layer.send(there.name, {'content': b'x'})
        self.assertEqual(self.replies.get(there, PATIENCE), {'content': b'x'})
        self.assertEqual(self.late, [gone.name])

    def test_a_client_that_is_slow_makes_its_worker_wait(self):
        slow, other = self.replies.open(), self.replies.open()
        for _ in range(3):
            self.layer.send(slow.name, {'content': b'12345'})
        self.layer.send(other.name, {'content': b''})
        self.replies.get(other, PATIENCE)
        with self.assertRaises(self.layer.ChannelFull):
            self.layer.send(slow.name, {'content': b'more'})
        self.layer.send(other.name, {'content': b''})
        # It may go on before all of that is read.
        for _ in range(2):
            self.replies.get(slow, 0)
        self.layer.send(slow.name, {'content': b'more'})

    def test_a_mailbox_that_is_closed_holds_nobody(self):
        slow = self.replies.open()
        for _ in range(3):
            self.layer.send(slow.name, {'content': b'12345'})
        self.replies.has_mail(slow)
        self.replies.close(slow)
        self.layer.send(slow.name, {'content': b'more'})

    def test_one_thread_after_the_other_reads(self):
        # The first to wait reads; when it has its message, the next one must
        # take over, or it would wait in vain.
        boxes = [self.replies.open() for _ in range(5)]
        got = []
        threads = [
            threading.Thread(target=lambda box=box: got.append(self.replies.get(box, PATIENCE))) for box in boxes
        ]
        for thread in threads:
            thread.start()
        for box in boxes:
            self.layer.send(box.name, {'name': box.name})
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(message['name'] for message in got), sorted(box.name for box in boxes))

    def test_another_process_takes_a_channel_of_its_own(self):
        before = self.replies.open().name
        # As after a fork.
        self.replies._pid = None
        self.assertNotEqual(self.replies.open().name.split('!')[0], before.split('!')[0])
