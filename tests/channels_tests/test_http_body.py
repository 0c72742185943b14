"""
Bodies that come in pieces: reading, waiting, giving up.
"""
from __future__ import absolute_import

import io
import os
import threading

from django.channels.exceptions import MalformedMessage, RequestAborted, RequestTimeout
from django.channels.http.body import BodyStream, ChunkReader
from django.channels.layers.legacy import LegacyLayerAdapter
from django.channels.layers.memory import InMemoryChannelLayer
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import UnreadablePostError
from django.test import SimpleTestCase, override_settings

from .clocks import ManualClock
from .http_tools import make_request, multipart

CHANNEL = 'http.request.body?test'


class ScriptedReader(object):
    """Gives the messages it was made with, then times out."""

    def __init__(self, messages):
        self.messages = list(messages)
        self.discarded = False

    def next(self):
        if not self.messages:
            raise RequestTimeout('too late')
        return self.messages.pop(0)

    def discard(self):
        self.discarded = True


def pieces(*contents):
    """Return the chunk messages for the parts of a body."""
    messages = [{'content': content, 'more_content': True} for content in contents]
    messages[-1]['more_content'] = False
    return messages


def make_stream(*contents, **kwargs):
    return BodyStream(contents[0], ScriptedReader(pieces(*contents[1:])), **kwargs)


#: How a body may be cut up.
BODIES = {
    'all in the request': (b'one\ntwo\n\nthree', b''),
    'all in one chunk': (b'', b'one\ntwo\n\nthree'),
    'in two': (b'one\n', b'two\n\nthree'),
    'in the middle of lines': (b'on', b'e\ntw', b'o\n', b'\nthr', b'ee'),
    'byte by byte': tuple(b'one\ntwo\n\nthree'[i:i + 1] for i in range(14)),
    'with empty chunks': (b'', b'', b'one\ntwo', b'', b'\n\nthree', b''),
}

#: What is done to the stream -> the outcome, however the body is cut up.
READINGS = [
    (lambda stream: stream.read(), b'one\ntwo\n\nthree'),
    (lambda stream: stream.read(-1), b'one\ntwo\n\nthree'),
    (lambda stream: stream.read(None), b'one\ntwo\n\nthree'),
    (lambda stream: (stream.read(0), stream.read(2), stream.read(5)), (b'', b'on', b'e\ntwo')),
    (lambda stream: (stream.read(100), stream.read(100), stream.read()), (b'one\ntwo\n\nthree', b'', b'')),
    (lambda stream: list(stream), [b'one\n', b'two\n', b'\n', b'three']),
    (lambda stream: stream.readlines(), [b'one\n', b'two\n', b'\n', b'three']),
    (lambda stream: (stream.readline(2), stream.readline(100), stream.readline()), (b'on', b'e\n', b'two\n')),
    (lambda stream: (stream.readline(), stream.read(5), stream.readline()), (b'one\n', b'two\n\n', b'three')),
    (lambda stream: (stream.readline(0), stream.readline(None)), (b'', b'one\n')),
]


class BodyStreamTests(SimpleTestCase):

    def test_it_reads_as_a_file_however_it_comes(self):
        for name, contents in sorted(BODIES.items()):
            for number, (reading, expected) in enumerate(READINGS):
                stream = make_stream(*contents)
                self.assertEqual((name, number, reading(stream)), (name, number, expected))
                buffered = make_stream(*contents)
                buffered.buffer()
                self.assertEqual((name, number, reading(buffered)), (name, number, expected))

    def test_no_chunk_is_taken_before_it_is_needed(self):
        reader = ScriptedReader(pieces(b'two', b'three'))
        stream = BodyStream(b'one', reader)
        self.assertEqual((stream.read(3), len(reader.messages)), (b'one', 2))
        self.assertEqual((stream.read(1), len(reader.messages)), (b't', 1))

    def test_buffer_gives_the_size_of_the_rest(self):
        stream = make_stream(b'one', b'two', b'three')
        stream.read(2)
        self.assertEqual((stream.buffer(), stream.buffer(), stream.read()), (9, 9, b'etwothree'))

    def test_only_a_buffered_stream_seeks(self):
        stream = make_stream(b'one', b'two')
        self.assertFalse(stream.seekable())
        for move in (lambda: stream.seek(0), stream.tell):
            with self.assertRaises(io.UnsupportedOperation):
                move()
        stream.buffer()
        self.assertTrue(stream.seekable())
        self.assertEqual(
            (stream.seek(0, os.SEEK_END), stream.seek(2), stream.tell(), stream.read()), (6, 2, 2, b'etwo')
        )

    def test_a_large_body_is_buffered_in_a_file(self):
        small, large = (make_stream(b'', b'x' * 50, b'y' * 50, memory_limit=limit) for limit in (100, 99))
        for stream in (small, large):
            stream.buffer()
        self.assertEqual((small._file._rolled, large._file._rolled), (False, True))
        self.assertEqual(large.read(), b'x' * 50 + b'y' * 50)
        file = large._file
        large.close()
        self.assertTrue(file.closed)

    def test_a_client_that_goes_away_aborts(self):
        stream = BodyStream(b'one', ScriptedReader([{'closed': True}]))
        for attempt in range(2):
            with self.assertRaises(RequestAborted):
                stream.read()
        self.assertIsInstance(stream.failure, RequestAborted)

    def test_a_missing_chunk_times_out(self):
        stream = BodyStream(b'one', ScriptedReader([{'content': b'two', 'more_content': True}]))
        with self.assertRaises(RequestTimeout):
            stream.read()
        self.assertIsInstance(stream.failure, RequestTimeout)

    def test_both_are_what_a_broken_connection_raises_under_wsgi(self):
        self.assertTrue(issubclass(RequestTimeout, IOError))
        self.assertTrue(issubclass(RequestAborted, IOError))

    def test_a_chunk_without_content_is_empty(self):
        stream = BodyStream(b'one', ScriptedReader([{'more_content': True}, {}]))
        self.assertEqual(stream.read(), b'one')

    def test_a_chunk_of_text_is_malformed(self):
        stream = BodyStream(b'one', ScriptedReader([{'content': u'caf\xe9'}]))
        with self.assertRaises(MalformedMessage) as caught:
            stream.read()
        self.assertIn('must be bytes', str(caught.exception))

    def test_a_body_of_another_length_than_announced_aborts(self):
        for length in (5, 7):
            with self.assertRaises(RequestAborted) as caught:
                make_stream(b'one', b'two', length=length).read()
            self.assertIn('has 6 bytes, and its Content-Length is %d' % length, str(caught.exception))
        self.assertEqual(make_stream(b'one', b'two', length=6).read(), b'onetwo')

    def test_a_closed_stream_does_not_read(self):
        stream = make_stream(b'one', b'two')
        stream.close()
        stream.close()
        for use in (stream.read, stream.readline, stream.buffer):
            with self.assertRaises(ValueError):
                use()

    def test_discarding_drops_what_nobody_has_read(self):
        stream = make_stream(b'one', b'two')
        stream.discard()
        self.assertTrue(stream._reader.discarded and stream.closed)
        finished = make_stream(b'one', b'two')
        finished.read()
        finished.discard()
        self.assertFalse(finished._reader.discarded)


class OtherLayer(object):
    """A layer of another's making, which takes `block` for a hint."""
    extensions = []
    ChannelFull = MessageTooLarge = Exception

    def __init__(self, messages):
        self.messages = list(messages)

    def receive(self, channels, block=False):
        message = self.messages.pop(0) if self.messages else None
        return (channels[0], message) if message else (None, None)


class ChunkReaderTests(SimpleTestCase):

    def test_chunks_come_in_order(self):
        layer = InMemoryChannelLayer()
        for number in range(10):
            layer.send(CHANNEL, {'number': number})
        reader = ChunkReader(layer, CHANNEL, timeout=0)
        self.assertEqual([reader.next()['number'] for number in range(10)], list(range(10)))

    def test_it_waits_for_the_next_chunk(self):
        layer = InMemoryChannelLayer()
        reader = ChunkReader(layer, CHANNEL, timeout=30)
        received = []
        thread = threading.Thread(target=lambda: received.append(reader.next()))
        thread.start()
        layer.send(CHANNEL, {'content': b'late'})
        thread.join(30)
        self.assertEqual(received, [{'content': b'late'}])

    def test_it_gives_up_after_the_timeout(self):
        reader = ChunkReader(InMemoryChannelLayer(), CHANNEL, timeout=0)
        with self.assertRaises(RequestTimeout) as caught:
            reader.next()
        self.assertIn('came on %s in 0 seconds' % CHANNEL, str(caught.exception))

    def test_a_layer_that_does_not_wait_is_not_hammered(self):
        clock = ManualClock()
        reader = ChunkReader(LegacyLayerAdapter(OtherLayer([]), clock), CHANNEL, timeout=1, clock=clock)
        with self.assertRaises(RequestTimeout):
            reader.next()
        self.assertLessEqual(len(clock.slept), 101)
        self.assertGreaterEqual(clock.now, 1)

    def test_a_layer_without_batches_serves_as_well(self):
        clock = ManualClock()
        layer = LegacyLayerAdapter(OtherLayer([None, {'content': b'x'}]), clock)
        reader = ChunkReader(layer, CHANNEL, timeout=1, clock=clock)
        self.assertEqual(reader.next(), {'content': b'x'})

    def test_discard_empties_the_channel(self):
        layer = InMemoryChannelLayer()
        for number in range(10):
            layer.send(CHANNEL, {'number': number})
        reader = ChunkReader(layer, CHANNEL, timeout=0)
        reader.next()
        reader.discard()
        self.assertEqual(layer.receive([CHANNEL]), (None, None))
        with self.assertRaises(RequestTimeout):
            reader.next()


class RequestBodyTests(SimpleTestCase):

    def request(self, body, method='POST', content_type=None, length=True, inline=0, size=1000, **kwargs):
        """Return a request whose `body` comes in chunks of `size` bytes."""
        headers = [[b'content-type', content_type]] if content_type else []
        if length:
            headers.append([b'content-length', str(len(body)).encode('ascii')])
        request = make_request(method, headers=headers, body=body[:inline], body_channel=CHANNEL, **kwargs)
        chunks = [body[start:start + size] for start in range(inline, len(body), size)] or [b'']
        for message in pieces(*chunks):
            request.message.channel_layer.send(CHANNEL, message)
        return request

    def test_body(self):
        for inline in (0, 10, 5000):
            self.assertEqual(self.request(b'z' * 5000, inline=inline).body, b'z' * 5000)

    def test_body_may_be_asked_for_twice(self):
        request = self.request(b'abc')
        self.assertEqual((request.body, request.body, request.read()), (b'abc', b'abc', b'abc'))

    def test_read_and_readline(self):
        request = self.request(b'one\ntwo\nthree\n', size=2)
        self.assertEqual(
            (request.read(2), request.readline(), request.readlines()), (b'on', b'e\n', [b'two\n', b'three\n'])
        )

    def test_form(self):
        for length in (True, False):
            request = self.request(
                b'a=1&a=2&b=%C3%A9', content_type=b'application/x-www-form-urlencoded', length=length, size=3
            )
            self.assertEqual(request.POST.getlist('a'), [u'1', u'2'])
            self.assertEqual(request.POST['b'], u'\xe9')

    def test_upload(self):
        content = os.urandom(20000)
        content_type, body = multipart([(b'title', None, b'A file'), (b'file', b'name.bin', content)])
        for length in (True, False):
            request = self.request(body, content_type=content_type, length=length)
            self.assertEqual(request.POST['title'], u'A file')
            self.assertEqual(request.FILES['file'].name, u'name.bin')
            self.assertEqual(request.FILES['file'].read(), content)

    @override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=100)
    def test_large_upload_goes_to_a_file_that_goes_away(self):
        content_type, body = multipart([(b'file', b'name.bin', b'z' * 20000)])
        request = self.request(body, content_type=content_type)
        uploaded = request.FILES['file']
        self.assertIsInstance(uploaded, TemporaryUploadedFile)
        path = uploaded.temporary_file_path()
        self.assertTrue(os.path.exists(path))
        request.close()
        self.assertFalse(os.path.exists(path))

    def test_a_view_that_does_not_ask_for_the_body_does_not_wait_for_it(self):
        request = make_request('POST', body_channel=CHANNEL)
        self.assertEqual((request.GET, request.COOKIES), ({}, {}))
        request.close()

    def test_closing_drops_what_was_not_read(self):
        request = self.request(b'z' * 5000)
        request.read(10)
        request.close()
        self.assertEqual(request.message.channel_layer.receive([CHANNEL]), (None, None))

    def test_the_rest_of_a_lost_body_is_unreadable(self):
        for use in (
            lambda request: request.body,
            lambda request: request.POST,
            lambda request: request.read(),
            lambda request: request.readline(),
        ):
            for length in (b'10', None):
                request = make_request('POST', body_channel=CHANNEL, headers=[
                    [b'content-type', b'application/x-www-form-urlencoded']
                ] + ([[b'content-length', length]] if length else []))
                request.message.channel_layer.send(CHANNEL, {'closed': True})
                with self.assertRaises(UnreadablePostError):
                    use(request)
                self.assertIsInstance(request.body_failure, RequestAborted)

    def test_limit_counts_also_without_a_length(self):
        from django.core import exceptions
        if not hasattr(exceptions, 'RequestDataTooBig'):
            self.skipTest('This Django has no limit on bodies.')
        with self.settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
            for length in (True, False):
                with self.assertRaises(exceptions.RequestDataTooBig):
                    self.request(b'z' * 101, length=length).body
                self.assertEqual(len(self.request(b'z' * 100, length=length).body), 100)
