# -*- coding: utf-8 -*-
"""
META of the same request, through WSGI and as a message.
"""
from __future__ import absolute_import, unicode_literals

import io
import os

from django.channels.compat import six
from django.channels.exceptions import MalformedMessage
from django.channels.http.meta import headers_from_environ, message_from_environ, meta_from_message, split_path
from django.channels.http.request import ChannelRequest
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message
from django.channels.test import lint
from django.core.handlers.wsgi import WSGIRequest
from django.test import SimpleTestCase, override_settings

from .http_tools import make_content


def native(value):
    """The native string of the bytes or text `value` in an environ."""
    if isinstance(value, six.text_type):
        value = value.encode('utf-8')
    return value if six.PY2 else value.decode('latin-1')


def make_environ(**changes):
    environ = {
        'REQUEST_METHOD': 'GET',
        'SCRIPT_NAME': '',
        'PATH_INFO': '/',
        'QUERY_STRING': '',
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'SERVER_NAME': 'example.com',
        'SERVER_PORT': '8000',
        'REMOTE_ADDR': '192.0.2.7',
        'REMOTE_HOST': '192.0.2.7',
        'REMOTE_PORT': '4711',
        'HTTP_HOST': 'example.com:8000',
    }
    environ.update(changes)
    environ = {str(key): native(value) for key, value in environ.items() if value is not None}
    environ.update({
        str('wsgi.version'): (1, 0),
        str('wsgi.url_scheme'): str('http'),
        str('wsgi.input'): io.BytesIO(),
    })
    return environ


def channel_request(content):
    return ChannelRequest(Message(content, 'http.request', InMemoryChannelLayer()))


def value_or_error(request, attribute):
    try:
        return getattr(request, attribute, None)
    except ValueError as error:
        # Django reads a malformed Content-Length so until 6.0.
        return str(error)


#: What is special about the request -> the variables that say so.
REQUESTS = {
    'plain': {},
    'path in UTF-8': {'PATH_INFO': '/café/☃'},
    'path in broken UTF-8, which newer Djangos quote': {'PATH_INFO': b'/caf\xe9/'},
    'path with encoded slashes and percent': {'PATH_INFO': '/a%2Fb/%25/'},
    'path with two slashes': {'PATH_INFO': '//two//slashes//'},
    'path with dots': {'PATH_INFO': '/a/../b/./c'},
    'path with question mark and semicolon': {'PATH_INFO': '/a?b;c=d#e'},
    'path without a slash': {'PATH_INFO': 'star'},
    'empty path': {'PATH_INFO': ''},
    'below a script name': {'SCRIPT_NAME': '/app', 'PATH_INFO': '/page/'},
    'script name alone': {'SCRIPT_NAME': '/app', 'PATH_INFO': ''},
    'script name in UTF-8': {'SCRIPT_NAME': '/café', 'PATH_INFO': '/☃'},
    'script name again in the path': {'SCRIPT_NAME': '/app', 'PATH_INFO': '/app/app/'},
    'script name as the start of a word': {'SCRIPT_NAME': '/app', 'PATH_INFO': '/apples'},
    'script name with a slash at its end': {'SCRIPT_NAME': '/app/', 'PATH_INFO': '/page'},
    'query': {'QUERY_STRING': 'a=1&a=2&b=%C3%A9&c='},
    'query in raw UTF-8': {'QUERY_STRING': 'q=café'},
    'query in broken UTF-8': {'QUERY_STRING': b'q=\xe9&r=%E9'},
    'HTTP/1.0': {'SERVER_PROTOCOL': 'HTTP/1.0'},
    'HTTP/2': {'SERVER_PROTOCOL': 'HTTP/2'},
    'another method': {'REQUEST_METHOD': 'PROPFIND'},
    'headers': {'HTTP_ACCEPT': 'text/html, */*;q=0.1', 'HTTP_X_FORWARDED_FOR': '203.0.113.9'},
    'header in Latin-1': {'HTTP_X_NAME': b'Andr\xe9'},
    'header in UTF-8': {'HTTP_X_NAME': 'André ☃'},
    'empty header': {'HTTP_X_EMPTY': ''},
    'cookies': {'HTTP_COOKIE': 'a=1; b="two words"; c=%C3%A9'},
    'cookies in UTF-8': {'HTTP_COOKIE': 'name=café'},
    'cookies in broken UTF-8': {'HTTP_COOKIE': b'name=caf\xe9'},
    'content type': {'CONTENT_TYPE': 'application/json; charset=utf-16', 'CONTENT_LENGTH': '0'},
    'content type with an unknown charset': {'CONTENT_TYPE': 'text/plain; charset=no-such'},
    'content length that is no number': {'CONTENT_LENGTH': 'many'},
    'authenticated by the server': {'REMOTE_USER': 'André', 'AUTH_TYPE': 'Basic'},
    'behind mod_rewrite': {'SCRIPT_URL': '/milestones/accounts/login/help', 'PATH_INFO': '/accounts/login/help'},
    'no Host': {'HTTP_HOST': None},
}

#: What a message can't tell.
UNTOLD = {'wsgi.version', 'wsgi.url_scheme', 'wsgi.input', 'SCRIPT_URL'}


class SameAsWSGITests(SimpleTestCase):
    maxDiff = None

    def requests(self):
        """Yield (what is special, WSGIRequest, ChannelRequest)."""
        for name, variables in sorted(REQUESTS.items()):
            environ = make_environ(**variables)
            try:
                expected = WSGIRequest(dict(environ))
            except UnicodeDecodeError:
                with self.assertRaises(UnicodeDecodeError):
                    message_from_environ(environ, 'http.response.x!y')
                continue
            message = message_from_environ(environ, 'http.response.x!y')
            lint.check('http.request', message)
            yield name, expected, channel_request(message)

    @override_settings(CHANNEL_WSGI_EMULATION=False)
    def test_meta_is_the_same(self):
        for name, expected, request in self.requests():
            wanted = {key: value for key, value in expected.META.items() if key not in UNTOLD}
            self.assertEqual((name, dict(request.META)), (name, wanted))
            self.assertEqual(
                (name, {key: type(value) for key, value in request.META.items()}),
                (name, {key: type(value) for key, value in wanted.items()}),
            )

    def test_attributes_are_the_same(self):
        for name, expected, request in self.requests():
            for attribute in (
                'path', 'path_info', 'method', 'GET', 'COOKIES', 'POST', 'FILES', 'body', 'scheme', 'encoding',
                'content_type', 'content_params',
            ):
                if attribute.startswith('content_') and not hasattr(expected, attribute):
                    # Django 1.8 and 1.9 lack them; Channels 1.x had them there.
                    continue
                self.assertEqual(
                    (name, attribute, value_or_error(request, attribute)),
                    (name, attribute, value_or_error(expected, attribute)),
                )
            self.assertEqual((name, request.get_full_path()), (name, expected.get_full_path()))
            self.assertEqual((name, type(request.path_info)), (name, type(expected.path_info)))

    def test_the_handshake_of_a_socket_is_a_get_request(self):
        content = {'path': '/chat/', 'query_string': b'token=t', 'headers': [[b'cookie', b'a=1']]}
        for channel in ('websocket.connect', 'websocket.receive'):
            request = ChannelRequest(Message(dict(content), channel, InMemoryChannelLayer()))
            self.assertEqual((request.method, request.path, request.GET['token'], request.COOKIES),
                             ('GET', '/chat/', 't', {'a': '1'}))
        with self.assertRaises(MalformedMessage):
            ChannelRequest(Message(dict(content), 'http.request', InMemoryChannelLayer()))

    @override_settings(FORCE_SCRIPT_NAME='/forced')
    def test_forced_script_name_is_the_same(self):
        for name, expected, request in self.requests():
            self.assertEqual((name, request.META['SCRIPT_NAME']), (name, '/forced'))
            self.assertEqual((name, request.path), (name, expected.path))


class MetaFromMessageTests(SimpleTestCase):

    def meta(self, **changes):
        return meta_from_message(make_content(**changes))

    def test_paths_split_at_a_slash(self):
        for path, root_path, path_info in [
            ('/', '', '/'),
            ('/page', '', '/page'),
            ('/app/page', '/app', '/page'),
            ('/app', '/app', '/'),
            ('/app/', '/app', '/'),
            ('/app//page', '/app', '//page'),
            ('/apples', '/app', '/apples'),
            ('/app/page', '/app/', '/page'),
            ('/page', '/', '/page'),
            ('/page', '/app', '/page'),
            ('/a/b/c', '/a/b', '/c'),
            ('/é/ü', '/é', '/ü'),
            ('', '', '/'),
        ]:
            self.assertEqual(
                (path, root_path, self.meta(path=path, root_path=root_path)['PATH_INFO']),
                (path, root_path, path_info)
            )

    def test_what_does_not_lie_below_the_root_path_is_left(self):
        self.assertEqual(split_path('/other', '/app'), '/other')

    def test_repeated_headers_are_joined(self):
        meta = self.meta(headers=[
            [b'accept', b'text/html'], [b'cookie', b'a=1'], [b'accept', b'*/*'], [b'cookie', b'b=2'],
        ])
        self.assertEqual(meta['HTTP_ACCEPT'], 'text/html,*/*')
        self.assertEqual(meta['HTTP_COOKIE'], 'a=1; b=2')

    def test_what_a_body_is_can_not_be_said_in_two_ways(self):
        for name, values in [(b'content-type', (b'text/plain', b'text/html')), (b'content-length', (b'5', b'7'))]:
            with self.assertRaises(MalformedMessage) as caught:
                self.meta(headers=[[name, value] for value in values])
            self.assertIn('The request has two values for CONTENT_', str(caught.exception))
            meta = self.meta(headers=[[name, values[0]], [name, values[0]]])
            self.assertEqual(meta[name.decode('ascii').upper().replace('-', '_')], values[0].decode('ascii'))

    def test_header_names_with_an_underscore_are_dropped(self):
        meta = self.meta(headers=[[b'x_user', b'admin'], [b'content_length', b'7'], [b'x-user', b'guest']])
        self.assertEqual(meta['HTTP_X_USER'], 'guest')
        self.assertNotIn('CONTENT_LENGTH', meta)
        self.assertEqual(sorted(key for key in meta if key.startswith('HTTP_')), ['HTTP_X_USER'])

    def test_header_names_come_in_any_case(self):
        meta = self.meta(headers=[[b'Content-Type', b'text/plain'], [b'X-Thing', b'1']])
        self.assertEqual((meta['CONTENT_TYPE'], meta['HTTP_X_THING']), ('text/plain', '1'))

    def test_names_chosen_by_clients_do_not_fill_the_memory(self):
        from django.channels.http import meta as module
        for number in range(module._HeaderKeys.limit * 2):
            self.meta(headers=[[('x-%d' % number).encode('ascii'), b'']])
        self.assertLessEqual(len(module._header_keys), module._HeaderKeys.limit)

    def test_missing_addresses_leave_what_views_count_on(self):
        meta = self.meta()
        self.assertEqual(
            [meta[key] for key in ('REMOTE_ADDR', 'REMOTE_HOST', 'SERVER_NAME', 'SERVER_PORT')],
            ['', '', 'unknown', '0']
        )
        self.assertNotIn('REMOTE_PORT', meta)

    def test_a_body_has_a_length(self):
        self.assertEqual(self.meta(body=b'12345')['CONTENT_LENGTH'], '5')
        self.assertNotIn('CONTENT_LENGTH', self.meta(body=b''))
        self.assertNotIn('CONTENT_LENGTH', self.meta(body=b'12345', body_channel='http.request.body?x'))
        self.assertEqual(self.meta(body=b'12345', headers=[[b'content-length', b'9']])['CONTENT_LENGTH'], '9')

    def test_no_variable_of_the_process_environment_is_in_it(self):
        os.environ['CHANNELS_TESTS_CANARY'] = 'seen'
        try:
            self.assertFalse(set(os.environ) & set(self.meta()))
            self.assertNotIn('seen', self.meta().values())
        finally:
            del os.environ['CHANNELS_TESTS_CANARY']

    def test_only_known_variables_of_the_server_are_taken(self):
        meta = self.meta(cgi={'REMOTE_USER': 'ann', 'PATH': '/bin', 'HTTP_HOST': 'evil.example.com'})
        self.assertEqual(meta['REMOTE_USER'], 'ann')
        self.assertNotIn('PATH', meta)
        self.assertNotIn('HTTP_HOST', meta)

    def test_a_message_without_a_path_is_malformed(self):
        for content in ({}, {'method': 'GET'}, {'path': '/'}):
            with self.assertRaises(MalformedMessage) as caught:
                meta_from_message(content)
            self.assertIn('An http.request message needs a path and a method', str(caught.exception))

    def test_text_as_python_2_senders_have_it(self):
        meta = self.meta(
            path='/é'.encode('utf-8'), root_path=b'', method=b'GET', http_version=b'1.0', client=[b'192.0.2.1', 1],
            server=[b'example.com', 80],
        )
        self.assertEqual(
            (meta['PATH_INFO'], meta['REQUEST_METHOD'], meta['SERVER_PROTOCOL'], meta['REMOTE_ADDR']),
            ('/é', 'GET', 'HTTP/1.0', '192.0.2.1')
        )


class MessageFromEnvironTests(SimpleTestCase):

    def test_the_message_has_all_that_the_standard_asks_for(self):
        message = message_from_environ(
            make_environ(PATH_INFO='/café', QUERY_STRING='a=1'), 'http.response.x!y', b'body', 'http.request.body?z'
        )
        headers = message.pop('headers')
        self.assertEqual(headers, [[b'host', b'example.com:8000']])
        self.assertEqual(message, {
            'version': 1, 'reply_channel': 'http.response.x!y',
            'http_version': '1.1',
            'method': 'GET',
            'scheme': 'http',
            'path': '/café',
            'query_string': b'a=1',
            'root_path': '',
            'body': b'body',
            'body_channel': 'http.request.body?z',
            'client': ['192.0.2.7', 4711],
            'server': ['example.com', 8000],
        })
        for key in ('http_version', 'method', 'scheme', 'path', 'root_path'):
            self.assertIsInstance(message[key], six.text_type)

    def test_headers_become_bytes(self):
        headers = headers_from_environ(make_environ(
            CONTENT_TYPE='text/plain', CONTENT_LENGTH='', HTTP_X_NAME=b'Andr\xe9', HTTP_HOST=None
        ))
        self.assertEqual(sorted(headers), [[b'content-type', b'text/plain'], [b'x-name', b'Andr\xe9']])

    def test_a_header_with_an_underscore_does_not_pass_for_the_length_of_the_body(self):
        headers = headers_from_environ(make_environ(
            HTTP_CONTENT_LENGTH='5', HTTP_CONTENT_TYPE='text/html', CONTENT_LENGTH='7', HTTP_HOST=None
        ))
        self.assertEqual(headers, [[b'content-length', b'7']])

    def test_slashes_that_mod_rewrite_squeezes_are_squeezed_in_the_script_name(self):
        message = message_from_environ(make_environ(
            SCRIPT_URL='/mst/milestones//accounts/login//help', PATH_INFO='/milestones/accounts/login/help',
        ), 'r!x')
        self.assertEqual((message['root_path'], message['path']), ('/mst', '/mst/milestones/accounts/login/help'))

    def test_ports_that_are_no_numbers_become_0(self):
        self.assertEqual(message_from_environ(make_environ(REMOTE_PORT='x'), 'r!x')['client'], ['192.0.2.7', 0])
