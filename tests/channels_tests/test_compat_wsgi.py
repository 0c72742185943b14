"""
The deprecated wsgi.* keys: which there are, and what warns.
"""
from __future__ import absolute_import

import copy
import inspect
import io
import logging
import pprint
import sys
import warnings

import django
from django.channels.compat import RemovedAfterNextVersionWarning
from django.channels.http.body import BodyStream
from django.core import mail
from django.core.handlers.wsgi import WSGIRequest
from django.template import Context, Engine
from django.test import SimpleTestCase, override_settings
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter

from .http_tools import make_request

KEYS = [
    'wsgi.errors', 'wsgi.input', 'wsgi.multiprocess', 'wsgi.multithread', 'wsgi.run_once', 'wsgi.url_scheme',
    'wsgi.version',
]

#: Addresses alone are what later Djangos want, pairs what the older do.
ADMINS = ['admin@example.com'] if django.VERSION >= (6, 0) else [('Admin', 'admin@example.com')]

#: Ways to read a key that warn.
READS = {
    'item': lambda meta, key: meta[key],
    'get': lambda meta, key: meta.get(key),
    'get with default': lambda meta, key: meta.get(key, 'default'),
    'setdefault': lambda meta, key: meta.setdefault(key, 'default'),
    'pop': lambda meta, key: meta.pop(key),
    'pop with default': lambda meta, key: meta.pop(key, 'default'),
}

#: What is done to META without anybody reading a key.
HANDLING = {
    'dict': dict,
    'copy()': lambda meta: meta.copy(),
    'copy.copy': copy.copy,
    'update of another': lambda meta: {}.update(meta),
    'iteration': list,
    'items': lambda meta: list(meta.items()),
    'values': lambda meta: list(meta.values()),
    'sorted': sorted,
    'membership': lambda meta: 'wsgi.input' in meta,
    'length': len,
    'comparison': lambda meta: meta == {},
    'repr': repr,
    'pprint': pprint.pformat,
    'writing': lambda meta: meta.update({'wsgi.version': (1, 1)}),
    'other keys': lambda meta: (meta['PATH_INFO'], meta.get('wsgi.file_wrapper'), meta.pop('X', None)),
    'template': lambda meta: Engine().from_string(
        '{% for key, value in meta.items %}{{ key }}={{ value }}{% endfor %}'
    ).render(Context({'meta': meta})),
}


def caught_warnings(function, *args):
    """Return what function(*args) returns, and the warnings about META it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        result = function(*args)
    return result, [
        warning for warning in caught
        if issubclass(warning.category, RemovedAfterNextVersionWarning) and 'request.META' in str(warning.message)
    ]


@override_settings(CHANNEL_WSGI_EMULATION=True)
class EmulationTests(SimpleTestCase):

    def test_there_are_exactly_the_documented_keys(self):
        self.assertEqual(sorted(key for key in make_request().META if '.' in key), KEYS)

    def test_values_are_the_documented_ones(self):
        meta = dict(make_request(scheme='https').META)
        self.assertEqual(meta['wsgi.version'], (1, 0))
        self.assertEqual(meta['wsgi.url_scheme'], 'https')
        self.assertIsInstance(meta['wsgi.url_scheme'], str)
        self.assertIs(meta['wsgi.errors'], sys.stderr)
        self.assertIs(meta['wsgi.multithread'], True)
        self.assertIs(meta['wsgi.multiprocess'], True)
        self.assertIs(meta['wsgi.run_once'], False)

    def test_every_way_to_read_a_key_warns_at_the_line_that_reads(self):
        for name, read in READS.items():
            for key in KEYS:
                meta = make_request().META
                expected = dict(meta)[key]
                value, caught = caught_warnings(read, meta, key)
                self.assertEqual((name, key, value), (name, key, expected))
                self.assertEqual((name, key, len(caught)), (name, key, 1))
                self.assertIn("'%s' of request.META is deprecated" % key, str(caught[0].message))
                self.assertEqual(inspect.getsourcefile(read), caught[0].filename.replace('.pyc', '.py'))
                self.assertEqual((name, caught[0].lineno), (name, read.__code__.co_firstlineno))

    def test_the_warning_names_the_replacement(self):
        for key, replacement in [
            ('wsgi.url_scheme', 'request.is_secure()'), ('wsgi.input', 'request.read() or request.body'),
        ]:
            self.assertIn(replacement, str(caught_warnings(make_request().META.get, key)[1][0].message))

    def test_environ_is_another_name_of_meta(self):
        request = make_request()
        self.assertIs(request.environ, request.META)
        self.assertEqual(len(caught_warnings(request.environ.get, 'wsgi.input')[1]), 1)

    def test_handling_it_does_not_warn(self):
        for name, handle in HANDLING.items():
            self.assertEqual((name, caught_warnings(handle, make_request().META)[1]), (name, []))

    def test_a_copy_warns_as_well(self):
        for duplicate in (copy.copy, lambda meta: meta.copy()):
            self.assertEqual(len(caught_warnings(duplicate(make_request().META).get, 'wsgi.input')[1]), 1)

    def test_what_django_itself_does_with_a_request_does_not_warn(self):
        def use(request):
            request.is_secure(), request.get_host(), request.build_absolute_uri(), request.get_full_path()
            repr(request), request.GET, request.POST, request.FILES, request.COOKIES, request.body
            try:
                raise ValueError('for the debug page')
            except ValueError:
                reporter = ExceptionReporter(request, *sys.exc_info())
                return reporter.get_traceback_html(), reporter.get_traceback_text()
        with self.settings(DEBUG=True, ALLOWED_HOSTS=['*']):
            pages, caught = caught_warnings(use, make_request(
                'POST', headers=[[b'content-type', b'application/x-www-form-urlencoded'], [b'host', b'localhost']],
                body=b'a=1',
            ))
        self.assertEqual(caught, [])
        self.assertIn('wsgi.url_scheme', pages[0])

    @override_settings(ADMINS=ADMINS)
    def test_the_mail_to_the_admins_does_not_warn(self):
        record = logging.LogRecord('django.request', logging.ERROR, __file__, 1, 'The view failed', (), None)
        record.request = make_request(headers=[[b'host', b'testserver']])
        caught = caught_warnings(AdminEmailHandler(include_html=True).handle, record)[1]
        self.assertEqual(caught, [])
        # Threads of other tests may have something to report as well.
        message, = [message for message in mail.outbox if 'The view failed' in message.subject]
        (html, kind), = [tuple(alternative) for alternative in message.alternatives]
        for text in (message.body, html):
            self.assertIn('wsgi.url_scheme', text)

    def test_the_class_is_djangos_for_this_version(self):
        self.assertTrue(issubclass(RemovedAfterNextVersionWarning, (DeprecationWarning, PendingDeprecationWarning)))

    def test_under_wsgi_nothing_warns(self):
        for emulated in (True, False):
            with self.settings(CHANNEL_WSGI_EMULATION=emulated):
                request = WSGIRequest({
                    'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'wsgi.input': io.BytesIO(), 'wsgi.url_scheme': 'http',
                })
                self.assertEqual(caught_warnings(request.META.get, 'wsgi.input')[1], [])

    @override_settings(CHANNEL_WSGI_EMULATION=False)
    def test_one_setting_takes_it_out(self):
        request = make_request(scheme='https')
        self.assertEqual([key for key in request.META if '.' in key], [])
        self.assertIs(type(request.META), dict)
        self.assertEqual(request.scheme, 'https')


@override_settings(CHANNEL_WSGI_EMULATION=True)
class InputTests(SimpleTestCase):

    def input(self, request):
        return dict(request.META)['wsgi.input']

    def test_it_reads_as_wsgi_says(self):
        for read, expected in [
            (lambda file: file.read(), b'one\ntwo\nthree'),
            (lambda file: file.read(2), b'on'),
            (lambda file: file.readline(), b'one\n'),
            (lambda file: file.readlines(), [b'one\n', b'two\n', b'three']),
            (lambda file: list(file), [b'one\n', b'two\n', b'three']),
            (lambda file: (file.read(4), file.tell(), file.seek(0), file.read(3))[-1], b'one'),
        ]:
            self.assertEqual(read(self.input(make_request('POST', body=b'one\ntwo\nthree'))), expected)

    def test_it_shares_its_position_with_the_request(self):
        request = make_request('POST', body=b'one two')
        self.assertEqual(request.read(4), b'one ')
        self.assertEqual(self.input(request).read(), b'two')

    def test_nothing_is_left_after_body(self):
        request = make_request('POST', body=b'one two')
        self.assertEqual(request.body, b'one two')
        self.assertEqual(self.input(request).read(), b'')

    def test_a_body_in_pieces_is_whole(self):
        request = make_request('POST', body=b'one ', body_channel='http.request.body?x')
        request.message.channel_layer.send('http.request.body?x', {'content': b'two ', 'more_content': True})
        request.message.channel_layer.send('http.request.body?x', {'content': b'three'})
        self.assertIsInstance(request._stream, BodyStream)
        file = self.input(request)
        self.assertEqual((file.read(), file.seek(4), file.read(3)), (b'one two three', 4, b'two'))
