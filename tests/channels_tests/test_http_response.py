# -*- coding: utf-8 -*-
"""
Responses as messages, and messages as responses.
"""
from __future__ import absolute_import, unicode_literals

import io

from django.channels.exceptions import MalformedMessage
from django.channels.http.response import decode_response, encode_response, has_no_body, split_content
from django.http import (
    FileResponse, HttpResponse, HttpResponseNotModified, HttpResponseRedirect, JsonResponse, StreamingHttpResponse,
)
from django.http.response import BadHeaderError
from django.test import SimpleTestCase


def encode(response, **kwargs):
    return list(encode_response(response, **kwargs))


class EncodeResponseTests(SimpleTestCase):

    def test_a_plain_response_is_one_message(self):
        self.assertEqual(encode(HttpResponse('café', content_type='text/plain', status=201)), [{
            'status': 201, 'headers': [[b'Content-Type', b'text/plain']], 'content': 'café'.encode('utf-8'),
            'more_content': False,
        }])

    def test_types_are_those_of_the_standard(self):
        response = HttpResponse('x', content_type='text/plain')
        response['X-Number'] = 7
        response.set_cookie('a', 'b')
        message, = encode(response)
        self.assertIsInstance(message['status'], int)
        self.assertIsInstance(message['content'], bytes)
        self.assertIs(type(message['headers']), list)
        for header in message['headers']:
            self.assertIs(type(header), list)
            self.assertEqual([type(part) for part in header], [bytes, bytes])
        self.assertIn([b'X-Number', b'7'], message['headers'])

    def test_names_of_headers_keep_their_case(self):
        response = HttpResponse(content_type='text/plain')
        response['x-ODD-case'] = 'v'
        self.assertIn([b'x-ODD-case', b'v'], encode(response)[0]['headers'])

    def test_headers_are_latin_1_as_under_wsgi(self):
        response = HttpResponse(content_type='text/plain')
        response['X-Name'] = 'André'
        self.assertIn([b'X-Name', b'Andr\xe9'], encode(response)[0]['headers'])

    def test_headers_that_a_view_has_made_a_dict_are_sent(self):
        response = HttpResponse(content_type='text/plain')
        # Since Django 3.2 these are its headers, and no more than an attribute before.
        response.headers = {'X-Name': 'value'}
        expected = [[name.encode('ascii'), value.encode('ascii')] for name, value in response.items()]
        self.assertEqual(encode(response)[0]['headers'], expected)

    def test_each_cookie_is_a_header(self):
        response = HttpResponse(content_type='text/plain')
        response.set_cookie('a', 'one', httponly=True)
        response.set_cookie('b', 'two words', path='/x')
        cookies = sorted(value for name, value in encode(response)[0]['headers'] if name == b'Set-Cookie')
        self.assertEqual(len(cookies), 2)
        self.assertTrue(cookies[0].lower().startswith(b'a=one; httponly'), cookies[0])
        self.assertEqual(cookies[1].lower(), b'b="two words"; path=/x')

    def test_a_cookie_does_not_split_the_response(self):
        response = HttpResponse(content_type='text/plain')
        response.set_cookie('a', 'b')
        response.cookies['a']._unchecked = None
        dict.__setitem__(response.cookies['a'], 'path', '/\r\nX-Evil: 1')
        try:
            response.cookies['a'].output(header='')
        except Exception:
            self.skipTest('This Python looks at the attributes of cookies itself.')
        with self.assertRaises(BadHeaderError):
            encode(response)

    def test_content_is_cut_into_pieces(self):
        messages = encode(HttpResponse(b'abcdefg'), chunk_size=3)
        self.assertEqual([message['content'] for message in messages], [b'abc', b'def', b'g'])
        self.assertEqual([message['more_content'] for message in messages], [True, True, False])
        self.assertEqual(['status' in message for message in messages], [True, False, False])

    def test_cutting(self):
        for content, pieces in [
            (b'', [b'']), (b'ab', [b'ab']), (b'abc', [b'abc']), (b'abcd', [b'abc', b'd']),
            (b'abcdef', [b'abc', b'def']),
        ]:
            self.assertEqual(split_content(content, 3), pieces)

    def test_a_stream_goes_out_part_by_part(self):
        taken = []

        def parts():
            for part in ['one', b'', 'zweiundzwei', b'three']:
                taken.append(part)
                yield part
        messages = encode_response(StreamingHttpResponse(parts(), content_type='text/plain'), chunk_size=8)
        self.assertEqual(next(messages), {
            'status': 200, 'headers': [[b'Content-Type', b'text/plain']], 'content': b'one', 'more_content': True,
        })
        self.assertEqual(taken, ['one'])
        self.assertEqual(list(messages), [
            {'content': b'zweiundz', 'more_content': True},
            {'content': b'wei', 'more_content': True},
            {'content': b'three', 'more_content': True},
            {'content': b'', 'more_content': False},
        ])

    def test_an_empty_stream_is_one_message(self):
        message, = encode(StreamingHttpResponse([]))
        self.assertEqual((message['status'], message['content'], message['more_content']), (200, b'', False))

    def test_a_file_goes_out_in_blocks(self):
        response = FileResponse(io.BytesIO(b'x' * 10))
        response.block_size = 4
        self.assertEqual([message['content'] for message in encode(response)], [b'xxxx', b'xxxx', b'xx', b''])

    def test_what_has_no_body_stops_at_its_headers(self):
        def never():
            raise AssertionError('The body of an answer to HEAD was asked for.')
            yield
        for response, method in [
            (HttpResponse('body'), 'HEAD'),
            (StreamingHttpResponse(never()), 'HEAD'),
            (HttpResponse('body', status=204), 'GET'),
            (StreamingHttpResponse(never(), status=304), 'GET'),
            (HttpResponseNotModified(), 'GET'),
        ]:
            response['Content-Length'] = '4'
            message, = encode(response, method=method)
            self.assertEqual((message['content'], message['more_content']), (b'', False))
            self.assertIn([b'Content-Length', b'4'], message['headers'])

    def test_which_responses_have_no_body(self):
        for status, method, expected in [
            (200, 'GET', False), (200, 'HEAD', True), (100, 'GET', True), (199, 'GET', True), (204, 'POST', True),
            (304, 'GET', True), (205, 'GET', False), (404, 'HEAD', True), (500, 'GET', False),
        ]:
            self.assertEqual((status, method, has_no_body(status, method)), (status, method, expected))


class DecodeResponseTests(SimpleTestCase):

    def round_trip(self, response, **kwargs):
        return decode_response(encode(response, **kwargs))

    def test_there_and_back(self):
        for response in [
            HttpResponse('café', content_type='text/plain; charset=utf-8'),
            HttpResponse(b'\x00\xff', status=418),
            HttpResponseRedirect('/elsewhere/?q=é'),
            JsonResponse({'a': 1}),
            HttpResponseNotModified(),
            HttpResponse(),
        ]:
            decoded = self.round_trip(response)
            self.assertEqual(decoded.status_code, response.status_code)
            self.assertEqual(sorted(decoded.items()), sorted(response.items()))
            self.assertEqual(decoded.content, response.content)
            self.assertFalse(decoded.streaming)

    def test_cookies(self):
        response = HttpResponse()
        response.set_cookie('a', 'two words', max_age=60, path='/x', secure=True, httponly=True)
        response.set_cookie('b', '1')
        response.delete_cookie('c')
        self.assertEqual(self.round_trip(response).cookies.output(), response.cookies.output())

    def test_what_comes_in_pieces_is_streamed(self):
        for response in (HttpResponse(b'abcdefg'), StreamingHttpResponse([b'abc', b'defg'])):
            decoded = self.round_trip(response, chunk_size=3)
            self.assertTrue(decoded.streaming)
            self.assertEqual(b''.join(decoded.streaming_content), b'abcdefg')

    def test_the_first_message_has_a_status(self):
        for messages in ([], [{'content': b'x'}]):
            with self.assertRaises(MalformedMessage) as caught:
                decode_response(messages)
            self.assertIn('begins with a message that has a status', str(caught.exception))
