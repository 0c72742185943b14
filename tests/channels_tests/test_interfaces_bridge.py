# -*- coding: utf-8 -*-
from __future__ import absolute_import, unicode_literals

from django.channels.exceptions import MalformedMessage
from django.channels.interfaces import bridge, fields
from django.test import SimpleTestCase

from .logs import LogTestCase


class RequestMessageTests(SimpleTestCase):

    def test_request_has_every_key_of_the_standard(self):
        message = bridge.http_request(
            'http.response.p!1', 'POST', '/a b/', b'x=1', [[b'host', b'example.com']],
            http_version='1.0', scheme='https', root_path='/mount', client=('127.0.0.1', 5000),
            server=('10.0.0.1', 443), body=b'abc', body_channel='http.request.body?x',
        )
        self.assertEqual(message, {
            'version': 1,
            'reply_channel': 'http.response.p!1',
            'http_version': '1.0',
            'method': 'POST',
            'scheme': 'https',
            'path': '/a b/',
            'query_string': b'x=1',
            'root_path': '/mount',
            'headers': [[b'host', b'example.com']],
            'body': b'abc',
            'body_channel': 'http.request.body?x',
            'client': ['127.0.0.1', 5000],
            'server': ['10.0.0.1', 443],
        })

    def test_request_without_more_body_names_no_channel_for_it(self):
        message = bridge.http_request('http.response.p!1', 'GET', '/', b'', [])
        self.assertNotIn('body_channel', message)
        self.assertIsNone(message['client'])

    def test_header_names_come_in_lower_case_and_those_with_underscore_go(self):
        headers = [(b'X-Real-User', b'joe'), (b'X_Real_User', b'root'), (b'Cookie', b'a=1'), (b'cookie', b'b=2')]
        self.assertEqual(
            bridge.clean_headers(headers),
            [[b'x-real-user', b'joe'], [b'cookie', b'a=1'], [b'cookie', b'b=2']],
        )

    def test_space_around_a_header_is_no_part_of_it(self):
        headers = [(b'X-A', b' \tone two\t '), (b'X-B', b' '), (b'X-C', b'\x0bkept\x0c')]
        self.assertEqual(
            bridge.clean_headers(headers), [[b'x-a', b'one two'], [b'x-b', b''], [b'x-c', b'\x0bkept\x0c']]
        )

    def test_paths(self):
        for raw, text in [
            (b'/', '/'),
            (b'/caf%C3%A9/', '/caf\xe9/'),
            (b'/caf\xc3\xa9/', '/caf\xe9/'),
            (b'/100%25/', '/100%/'),
            (b'/%2F%2f/', '////'),
            # As Django's WSGI handler shows what isn't UTF-8.
            (b'/caf%E9/', '/caf%E9/'),
            (b'/%FF%FE', '/%FF%FE'),
            (b'/%zz%', '/%zz%'),
        ]:
            self.assertEqual(bridge.decode_path(raw), text)

    def test_path_of_broken_bytes_takes_no_longer_than_others(self):
        # A quadratic way through it would take minutes.
        self.assertEqual(bridge.decode_path(b'/' + b'%FF' * 100000), '/' + '%FF' * 100000)

    def test_body_and_disconnect_messages(self):
        self.assertEqual(bridge.body_chunk(b'abc', True), {'content': b'abc', 'more_content': True})
        self.assertEqual(bridge.body_closed(), {'closed': True})
        self.assertEqual(bridge.http_disconnect('r!1', '/x'), {'reply_channel': 'r!1', 'path': '/x'})


class HttpReplyTests(SimpleTestCase):

    def test_whole_response_in_one_message(self):
        reply = bridge.HttpReply()
        part = reply.feed({'status': 201, 'headers': [[b'X-Case', b'1']], 'content': b'abc'})
        self.assertEqual(part, (201, [(b'X-Case', b'1'), (b'content-length', b'3')], b'abc', False))
        self.assertTrue(reply.complete)

    def test_defaults(self):
        part = bridge.HttpReply().feed({'status': 200})
        self.assertEqual(part, (200, [(b'content-length', b'0')], b'', False))

    def test_whole_response_is_the_same_without_a_reply(self):
        for message in (
            {'status': 200, 'content': b'hello'},
            {'status': 500, 'content': b'', 'headers': [[b'X-A', b'1'], [b'Connection', b'X-B'], [b'X-B', b'2']]},
            {'status': 404, 'content': b'hello', 'more_content': False, 'headers': [[b'Content-Length', b'5']]},
        ):
            self.assertEqual(bridge.whole_response(message) + (False,), bridge.HttpReply().feed(message))

    def test_what_is_no_ordinary_whole_response_is_left_to_a_reply(self):
        for message in (
            {}, {'status': 200}, {'status': 199, 'content': b''}, {'status': 600, 'content': b''},
            {'status': 204, 'content': b''}, {'status': 304, 'content': b''}, {'status': True, 'content': b''},
            {'status': '200', 'content': b''}, {'status': 200, 'content': 'text'},
            {'status': 200, 'content': b'a', 'more_content': True},
            {'status': 200, 'content': b'a', 'headers': [[b'Content-Length', b'2']]},
            {'status': 200, 'content': b'abc', 'headers': [[b'Content-Length', b'2']]},
        ):
            self.assertIsNone(bridge.whole_response(message), message)
        for headers in ([[b'X-A', b'1\r\nX-B: 2']], [[b'X A', b'1']]):
            with self.assertRaises(MalformedMessage):
                bridge.whole_response({'status': 200, 'content': b'', 'headers': headers})
        for headers in ([[b'X-A']], 1):
            # As they were given.
            with self.assertRaisesMessage(MalformedMessage, 'must be a list of [name, value], not %r.' % (headers,)):
                bridge.whole_response({'status': 200, 'content': b'', 'headers': headers})

    def test_response_in_chunks(self):
        reply = bridge.HttpReply()
        self.assertEqual(reply.feed({'status': 200, 'content': b'a', 'more_content': True}), (200, [], b'a', True))
        self.assertEqual(reply.feed({'content': b'b', 'more_content': True}), (None, None, b'b', True))
        self.assertEqual(reply.feed({'content': b'c'}), (None, None, b'c', False))
        self.assertTrue(reply.complete)

    def test_late_messages_are_ignored(self):
        reply = bridge.HttpReply()
        reply.feed({'status': 200})
        self.assertIsNone(reply.feed({'content': b'more'}))
        self.assertIsNone(reply.feed({'status': 500}))
        self.assertIsNone(reply.feed('nonsense'))

    def test_repeated_headers_are_kept_in_order(self):
        headers = [[b'Set-Cookie', b'a=1'], [b'Set-Cookie', b'b=2']]
        part = bridge.HttpReply().feed({'status': 200, 'headers': headers, 'more_content': True})
        self.assertEqual(part.headers, [(b'Set-Cookie', b'a=1'), (b'Set-Cookie', b'b=2')])

    def test_text_headers_are_taken_as_latin1(self):
        part = bridge.HttpReply().feed({'status': 200, 'headers': [['X-A', 'caf\xe9']], 'more_content': True})
        self.assertEqual(part.headers, [(b'X-A', b'caf\xe9')])

    def test_headers_are_the_same_the_second_time(self):
        for headers in (
            [[b'X-A', b'1'], ['X-A', '1'], (b'x-a', b'1'), [b'X-B', b'']],
            [[b'X-%d' % number, b'1'] for number in range(3 * fields._MOST_GOOD)],
            [[b'X-A', b'1' * fields._SHORT], [b'X-A', b'1']],
        ):
            expected = [(bytes(name) if isinstance(name, bytes) else name.encode('latin-1'),
                         value if isinstance(value, bytes) else value.encode('latin-1')) for name, value in headers]
            for _ in range(2):
                self.assertEqual(fields.response_headers(headers), (expected, None))
            self.assertLessEqual(len(fields._good), fields._MOST_GOOD)

    def test_headers_that_are_changed_by_who_gets_them_are_the_same_the_second_time(self):
        for _ in range(2):
            headers, length = fields.response_headers([[b'X-A', b'1'], [b'Content-Length', b'5']])
            self.assertEqual((headers, length), ([(b'X-A', b'1'), (b'Content-Length', b'5')], 5))
            headers.append((b'x-b', b'2'))

    def test_headers_that_clients_may_choose_are_kept_within_bounds(self):
        fields._good_lists.clear()
        for number in range(3 * fields._MOST_LISTS):
            fields.response_headers([[b'Content-Length', str(number).encode('ascii')]])
            self.assertLessEqual(len(fields._good_lists), fields._MOST_LISTS)
        fields._good_lists.clear()
        for headers in ([[b'X-A', b'1' * fields._SMALL]], [[b'X-A', b'1']] * (fields._FEW + 1)):
            fields.response_headers(headers)
            self.assertEqual(fields._good_lists, {})

    def test_bad_headers_are_bad_the_second_time(self):
        for header in ([b'X A', b'1'], [b'X-A', b'1\n'], [b'X-A', [b'1']], [b'X-A', 1], ['X-\u20ac', b'1']):
            for _ in range(2):
                with self.assertRaises(MalformedMessage):
                    fields.response_headers([[b'X-A', b'1'], header])

    def test_headers_of_the_connection_are_left_out(self):
        headers = [[b'Connection', b'close'], [b'Transfer-Encoding', b'chunked'], [b'X-A', b'1']]
        part = bridge.HttpReply().feed({'status': 200, 'headers': headers, 'more_content': True})
        self.assertEqual(part.headers, [(b'X-A', b'1')])

    def test_headers_that_connection_names_are_left_out(self):
        headers = [[b'X-Drop', b'1'], [b'Connection', b'x-drop, close'], [b'X-A', b'1'], [b'connection', b' x-too']]
        part = bridge.HttpReply().feed({'status': 200, 'headers': headers + [[b'x-too', b'']], 'more_content': True})
        self.assertEqual(part.headers, [(b'X-A', b'1')])

    def test_content_length_that_connection_names_is_the_servers_own(self):
        headers = [[b'Connection', b'content-length'], [b'Content-Length', b'1']]
        part = bridge.HttpReply().feed({'status': 200, 'headers': headers, 'content': b'abc'})
        self.assertEqual(part.headers, [(b'content-length', b'3')])

    def test_answer_to_head_has_no_content(self):
        reply = bridge.HttpReply('HEAD')
        part = reply.feed({'status': 200, 'headers': [[b'Content-Length', b'10']], 'content': b'0123456789'})
        self.assertEqual(part, (200, [(b'Content-Length', b'10')], b'', False))

    def test_statuses_without_content(self):
        for status in (204, 304):
            headers = [[b'Content-Length', b'2']]
            part = bridge.HttpReply().feed({'status': status, 'headers': headers, 'content': b'ab'})
            self.assertEqual(part, (status, [], b'', False))

    def test_push_before_the_response(self):
        reply = bridge.HttpReply()
        self.assertEqual(reply.feed({'request': {'path': '/style.css'}}), bridge.Push({'path': '/style.css'}))
        self.assertEqual(reply.feed({'status': 200}).status, 200)

    def test_malformed_responses(self):
        for message, explanation in [
            ('nonsense', 'must be a dict'),
            ({}, "needs a 'status' from 200 to 599, not None"),
            ({'content': b'chunk first'}, "needs a 'status'"),
            ({'status': '200'}, "needs a 'status'"),
            ({'status': True}, "needs a 'status'"),
            ({'status': 101}, "needs a 'status'"),
            ({'status': 200, 'content': 'text'}, "'content' must be a byte string"),
            ({'status': 200, 'headers': 7}, "'headers' must be a list"),
            ({'status': 200, 'headers': [[b'a', b'b', b'c']]}, "'headers' must be a list"),
            ({'status': 200, 'headers': [[b'a', 7]]}, 'are byte strings'),
            ({'status': 200, 'headers': [[b'a b', b'']]}, 'not a name that a header may have'),
            ({'status': 200, 'headers': [[b'', b'']]}, 'not a name that a header may have'),
            ({'status': 200, 'headers': [[b'a\n', b'']]}, 'not a name that a header may have'),
            ({'status': 200, 'headers': [[b'a', b'b\r\nSet-Cookie: c=d']]}, 'line break'),
            ({'status': 200, 'headers': [[b'a', b'b\n']]}, 'line break'),
            ({'status': 200, 'headers': [[b'Content-Length', b'x']]}, 'one Content-Length'),
            ({'status': 200, 'headers': [[b'Content-Length', b'1'], [b'content-length', b'2']]}, 'one Content-Length'),
            ({'status': 200, 'headers': [[b'Content-Length', b'4']], 'content': b'abc'}, 'shorter'),
        ]:
            reply = bridge.HttpReply()
            with self.assertRaisesMessage(MalformedMessage, explanation):
                reply.feed(message)
            self.assertTrue(reply.complete, message)

    def test_content_beyond_its_content_length_is_cut(self):
        length = [[b'Content-Length', b'4']]
        for replies, parts in [
            ([{'status': 200, 'headers': length, 'content': b'12345'}], [b'1234']),
            ([{'status': 200, 'headers': length, 'content': b'12345', 'more_content': True}], [b'1234']),
            ([{'status': 200, 'headers': length, 'content': b'12', 'more_content': True},
              {'content': b'345', 'more_content': True}], [b'12', b'34']),
            ([{'status': 200, 'headers': length, 'content': b'1234', 'more_content': True}, {'content': b'5'}],
             [b'1234', b'']),
        ]:
            reply = bridge.HttpReply()
            found = [reply.feed(message) for message in replies]
            self.assertEqual([part.content for part in found], parts)
            self.assertIs(found[-1].more_content, False)
            self.assertIs(reply.complete, True)

    def test_malformed_chunks(self):
        for message, explanation in [
            ({'status': 200}, 'A second response'),
            ({'content': 'text'}, "'content' must be a byte string"),
            ({'content': b'1'}, 'shorter'),
        ]:
            reply = bridge.HttpReply()
            reply.feed({'status': 200, 'headers': [[b'Content-Length', b'4']], 'more_content': True})
            with self.assertRaisesMessage(MalformedMessage, explanation):
                reply.feed(message)
            self.assertTrue(reply.complete, message)

    def test_response_that_the_worker_broke_off_is_not_complete(self):
        reply = bridge.HttpReply()
        reply.feed({'status': 200, 'content': b'beginning', 'more_content': True})
        with self.assertRaises(bridge.BrokenOff) as caught:
            reply.feed({'content': b'', 'more_content': False, 'closed': True})
        self.assertEqual(str(caught.exception), 'The worker broke the response off.')

    def test_error_page(self):
        page = bridge.error_page(503, 'Service Unavailable', 'Try later.')
        self.assertEqual(page.status, 503)
        self.assertIn(b'<h1>503 Service Unavailable</h1><p>Try later.</p>', page.content)
        self.assertEqual(dict(page.headers)[b'content-length'], str(len(page.content)).encode('ascii'))


ACCEPT = bridge.Accept(None, [])
DENY = bridge.Deny(403, [], b'')


class WebSocketTests(LogTestCase, SimpleTestCase):

    def socket(self, state=bridge.HANDSHAKE, **kwargs):
        socket = bridge.WebSocket('websocket.send.p!1', '/chat', **kwargs)
        if state is not bridge.HANDSHAKE:
            self.apply(socket, {'accept': True})
        return socket

    def apply(self, socket, message):
        return socket.apply(bridge.parse_socket_reply(message))

    def test_connect_message_has_every_key_of_the_standard(self):
        message = self.socket().connect_message(
            b'a=b', [[b'host', b'x']], scheme='wss', root_path='/mount',
            client=('127.0.0.1', 1), server=('10.0.0.1', 2),
        )
        self.assertEqual(message, {
            'version': 1,
            'reply_channel': 'websocket.send.p!1',
            'scheme': 'wss',
            'path': '/chat',
            'query_string': b'a=b',
            'root_path': '/mount',
            'headers': [[b'host', b'x']],
            'client': ['127.0.0.1', 1],
            'server': ['10.0.0.1', 2],
            'order': 0,
        })

    def test_replies_to_a_handshake(self):
        for message, events in [
            ({'accept': True}, [ACCEPT]),
            ({'accept': True, 'text': 'hi'}, [ACCEPT, bridge.Send('hi', None)]),
            ({'accept': True, 'bytes': b'hi', 'close': True}, [
                ACCEPT, bridge.Send(None, b'hi'), bridge.Close(1000, ''),
            ]),
            ({'accept': True, 'close': 4000}, [ACCEPT, bridge.Close(4000, '')]),
            ({'accept': True, 'headers': [[b'x', b'y']]}, [bridge.Accept(None, [(b'x', b'y')])]),
            ({'accept': False}, [DENY]),
            ({'accept': False, 'text': 'hi'}, [DENY]),
            ({'accept': False, 'status': 401, 'headers': [[b'x', b'y']], 'content': b'Log in.'}, [
                bridge.Deny(401, [(b'x', b'y')], b'Log in.'),
            ]),
            ({'text': 'hi'}, [ACCEPT, bridge.Send('hi', None)]),
            ({'bytes': b'hi'}, [ACCEPT, bridge.Send(None, b'hi')]),
            ({'text': 'hi', 'close': 4001}, [ACCEPT, bridge.Send('hi', None), bridge.Close(4001, '')]),
            ({'close': True}, [DENY]),
            ({'close': 4001}, [DENY]),
            ({'close': False}, []),
            ({'text': ''}, []),
            ({'text': None, 'bytes': None}, []),
            ({}, []),
        ]:
            self.assertEqual(self.apply(self.socket(), message), events, message)

    def test_replies_to_an_open_socket(self):
        for message, events in [
            ({'text': 'hi'}, [bridge.Send('hi', None)]),
            ({'bytes': b'hi'}, [bridge.Send(None, b'hi')]),
            ({'text': ''}, [bridge.Send('', None)]),
            ({'bytes': b''}, [bridge.Send(None, b'')]),
            ({'text': 'hi', 'bytes': None}, [bridge.Send('hi', None)]),
            ({'text': '', 'bytes': b'hi'}, [bridge.Send(None, b'hi')]),
            ({'text': '', 'close': True}, [bridge.Close(1000, '')]),
            ({'close': 4001, 'reason': 'Too late.'}, [bridge.Close(4001, 'Too late.')]),
            ({'text': 'bye', 'close': True}, [bridge.Send('bye', None), bridge.Close(1000, '')]),
            ({'accept': True}, []),
            ({'accept': False}, []),
            ({'accept': True, 'text': 'hi'}, [bridge.Send('hi', None)]),
        ]:
            self.assertEqual(self.apply(self.socket(bridge.OPEN), message), events, message)

    def test_nothing_is_sent_after_the_end(self):
        for last in ({'accept': False}, {'accept': True, 'close': True}):
            socket = self.socket()
            self.apply(socket, last)
            self.assertEqual(self.apply(socket, {'text': 'late'}), [])
            self.assertEqual(self.apply(socket, {'accept': True}), [])

    def test_malformed_replies(self):
        for message, explanation in [
            ('nonsense', 'must be a dict'),
            ({'text': 'a', 'bytes': b'b'}, 'not both'),
            ({'text': 7}, "'text' must be text"),
            ({'text': b'\xff'}, 'not UTF-8'),
            ({'bytes': 'text'}, "'bytes' must be a byte string"),
            ({'accept': 'yes'}, "'accept' must be True, False or absent"),
            ({'accept': 1}, "'accept' must be True, False or absent"),
            ({'close': 0}, 'may be closed with'),
            ({'close': -1}, 'may be closed with'),
            ({'close': 5}, 'may be closed with'),
            ({'close': 1006}, 'may be closed with'),
            ({'close': '1000'}, 'may be closed with'),
            ({'close': 1000, 'reason': 'x' * 124}, 'at most 123 bytes'),
            ({'accept': False, 'status': 200}, "needs a 'status' from 300"),
            ({'accept': True, 'headers': [[b'a', b'b\r\n']]}, 'line break'),
        ]:
            with self.assertRaisesMessage(MalformedMessage, explanation):
                bridge.parse_socket_reply(message)

    def test_native_strings_of_python_2_workers_are_text(self):
        socket = self.socket(bridge.OPEN)
        self.assertEqual(self.apply(socket, {'text': 'caf\xe9'.encode('utf-8')}), [bridge.Send('caf\xe9', None)])

    def test_subprotocol_is_the_workers_choice_among_those_offered(self):
        socket = self.socket(subprotocols=['v1', 'v2'])
        self.assertEqual(self.apply(socket, {'accept': True, 'subprotocol': 'v2'}), [bridge.Accept('v2', [])])

    def test_subprotocol_that_was_not_offered_is_the_workers_mistake(self):
        socket = self.socket(subprotocols=['v1'])
        self.assertEqual(self.apply(socket, {'accept': True, 'subprotocol': 'v3'}), [bridge.Deny(500, [], b'')])
        self.assertLogged('not among those the client offers: v1')
        self.assertEqual(self.apply(socket, {'accept': True}), [])

    def test_unknown_keys_are_ignored_and_logged_once(self):
        for _ in range(2):
            events = self.apply(self.socket(bridge.OPEN), {'text': 'hi', 'key of a later version': 1})
            self.assertEqual(events, [bridge.Send('hi', None)])
        self.assertEqual(self.apply(self.socket(bridge.OPEN), {'key of a later version': 1}), [])
        self.assertEqual(self.log().count('of a later version'), 1)

    def test_unknown_keys_are_not_remembered_without_end(self):
        for number in range(1000):
            bridge.parse_socket_reply({'text': 'hi', 'other key %d' % number: 1})
        self.assertLess(self.log().count('other key'), 150)

    def test_headers_of_the_handshake_are_the_servers(self):
        headers = [
            [b'Sec-WebSocket-Accept', b'x'], [b'sec-websocket-protocol', b'v1'], [b'content-length', b'0'],
            [b'upgrade', b'h2c'], [b'x-a', b'1'],
        ]
        events = self.apply(self.socket(), {'accept': True, 'headers': headers})
        self.assertEqual(events, [bridge.Accept(None, [(b'x-a', b'1')])])
        # A refusal is a response like others.
        events = self.apply(self.socket(), {
            'accept': False, 'status': 426, 'headers': [[b'sec-websocket-version', b'13']],
        })
        self.assertEqual(events, [bridge.Deny(426, [(b'sec-websocket-version', b'13')], b'')])

    def test_subprotocol_of_the_server_is_the_default(self):
        socket = self.socket(subprotocols=['v1', 'v2', 'v3'], supported=['v3', 'v2'])
        self.assertEqual(self.apply(socket, {'accept': True}), [bridge.Accept('v2', [])])

    def test_frames_are_numbered_from_one_and_the_end_comes_last(self):
        socket = self.socket(bridge.OPEN)
        self.assertEqual(socket.receive_messages(text='a'), [{
            'reply_channel': 'websocket.send.p!1', 'path': '/chat', 'text': 'a', 'bytes': None, 'order': 1,
        }])
        self.assertEqual(socket.receive_messages(data=b'b'), [{
            'reply_channel': 'websocket.send.p!1', 'path': '/chat', 'text': None, 'bytes': b'b', 'order': 2,
        }])
        self.assertEqual(socket.disconnect_message(1001), {
            'reply_channel': 'websocket.send.p!1', 'path': '/chat', 'code': 1001, 'order': 3,
        })

    def test_disconnect_is_said_once_and_nothing_follows(self):
        socket = self.socket(bridge.OPEN)
        self.assertIsNotNone(socket.disconnect_message(1000))
        self.assertIsNone(socket.disconnect_message(1000))
        self.assertEqual(socket.receive_messages(text='late'), [])

    def test_frames_before_the_accept_are_kept(self):
        socket = self.socket(holds_handshake=False)
        self.assertEqual(socket.receive_messages(text='early'), [])
        self.apply(socket, {'accept': True})
        self.assertEqual([message['text'] for message in socket.kept_messages()], ['early'])
        self.assertEqual(socket.kept_messages(), [])
        self.assertEqual(socket.receive_messages(text='next')[0]['order'], 2)

    def test_server_that_can_not_hold_a_handshake_denies_with_a_code(self):
        socket = self.socket(holds_handshake=False)
        self.assertEqual(self.apply(socket, {'accept': False}), [bridge.Close(4403, '')])

    def test_server_gives_up(self):
        socket = self.socket()
        self.assertEqual(socket.give_up(bridge.BUSY_CODE), bridge.Deny(503, [], b''))
        self.assertIsNone(socket.give_up(bridge.BUSY_CODE))
        socket = self.socket(bridge.OPEN)
        self.assertEqual(socket.give_up(bridge.BUSY_CODE), bridge.Close(1013, ''))
        self.assertIsNone(socket.give_up(bridge.BUSY_CODE))
