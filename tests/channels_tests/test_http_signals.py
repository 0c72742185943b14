from __future__ import absolute_import

import threading

from django.channels.compat.responses import closers_of
from django.channels.http import request_signals
from django.channels.http.handler import ChannelHandler, urls
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.layers.registry import ChannelLayerWrapper
from django.channels.routing import route
from django.channels.signals import note_connection
from django.channels.worker import Worker
from django.core import signals
from django.core.cache import caches, close_caches
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpResponse
from django.test import SimpleTestCase, override_settings

from . import http_urls
from .http_tools import make_content, make_message

PLAIN = {'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}
CLOSED = dict(PLAIN, other={'BACKEND': 'channels_tests.test_http_signals.ClosedCache'})
MADE = dict(PLAIN, other={'BACKEND': 'channels_tests.test_http_signals.make_cache'})
MISSING = dict(PLAIN, other={'BACKEND': 'channels_tests.missing.Cache'})


class ClosedCache(LocMemCache):
    """Counts how often it is closed."""
    times = 0

    def close(self, **kwargs):
        ClosedCache.times += 1


def make_cache(*args):
    """Return a cache, as its class would: Django asks for no more."""
    return ClosedCache(*args)


class OwnResponse(HttpResponse):
    """A response whose class has a close() of its own."""
    is_closed = False

    def close(self):
        self.is_closed = True
        super(OwnResponse, self).close()


class Wrapped(object):
    """Stands for a response, as what middleware may return."""

    def __init__(self, response):
        self.response = response

    def __getattr__(self, name):
        return getattr(self.response, name)


class HostHandler(ChannelHandler):
    """Gives each request a URLconf of its own, as middleware does for a host."""

    def get_response(self, request):
        request.urlconf = (http_urls.url(r'^host/$', http_urls.hello),)
        return super(HostHandler, self).get_response(request)


class Closer(object):
    """Something that is closed with a response."""

    def __init__(self):
        self.times = 0

    def __repr__(self):
        return 'Closer'

    def close(self):
        self.times += 1
        raise ValueError('Nobody is to hear of this.')


def in_thread(function, *args):
    """Return what `function` does in a new thread, which has no connection to a database."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args)))
    thread.start()
    thread.join()
    return results[0]


@override_settings(ROOT_URLCONF='channels_tests.http_urls', CACHES=PLAIN, **{http_urls.MIDDLEWARE: []})
class RequestSignalsTests(SimpleTestCase):

    def setUp(self):
        # Each is sent as ever, and what was is known.
        self.sent = []
        for name in ('request_started', 'request_finished'):
            self.watch(name, getattr(signals, name))

    def watch(self, name, signal):
        send = signal.send

        def watched(sender, **kwargs):
            self.sent.append((name, sender))
            return send(sender=sender, **kwargs)
        signal.send = watched
        self.addCleanup(delattr, signal, 'send')

    def respond(self):
        """Have the view at / answer; return what was sent meanwhile."""
        del self.sent[:]
        replies = list(ChannelHandler()(make_message()))
        self.assertEqual((len(replies), replies[0]['content']), (1, b'hello'))
        return self.sent

    BOTH = [('request_started', ChannelHandler), ('request_finished', ChannelHandler)]

    def test_nothing_is_sent_where_djangos_own_receivers_have_nothing_to_do(self):
        self.assertEqual(in_thread(self.respond), [])

    def test_another_receiver_gets_both_and_djangos_own_do_again(self):
        def receive(sender, **kwargs):
            pass
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(receive)
        try:
            self.assertEqual(in_thread(self.respond), self.BOTH)
        finally:
            for signal in (signals.request_started, signals.request_finished):
                signal.disconnect(receive)
        self.assertEqual(in_thread(self.respond), [])

    def test_a_receiver_that_was_taken_away_is_not_called(self):
        signals.request_finished.disconnect(close_caches)
        try:
            self.assertEqual(in_thread(self.respond), self.BOTH[1:])
        finally:
            signals.request_finished.connect(close_caches)

    def test_a_thread_that_has_had_a_connection_is_looked_after(self):
        def connected():
            note_connection()
            return self.respond()
        self.assertEqual(in_thread(connected), self.BOTH)

    def test_a_cache_that_has_something_to_close_is_closed(self):
        def using(alias):
            caches[alias].set('key', 'value')
            return self.respond()
        times = ClosedCache.times
        with self.settings(CACHES=CLOSED):
            self.assertEqual(in_thread(using, 'other'), self.BOTH[1:])
        self.assertEqual(ClosedCache.times, times + 1)
        self.assertEqual(in_thread(using, 'default'), [])

    def test_a_cache_that_a_function_has_made_is_closed(self):
        def using():
            caches['other'].set('key', 'value')
            return self.respond()
        times = ClosedCache.times
        with self.settings(CACHES=MADE):
            self.assertEqual(in_thread(using), self.BOTH[1:])
        self.assertEqual(ClosedCache.times, times + 1)

    def test_a_cache_that_is_not_there_breaks_no_request(self):
        with self.settings(CACHES=MISSING):
            self.assertEqual(in_thread(self.respond), self.BOTH[1:])

    def test_the_urlconf_is_put_back(self):
        def with_another():
            # As middleware does by request.urlconf.
            urls.set_urlconf('channels_tests.other_urls')
            request_signals.close(HttpResponse())
            return urls.get_urlconf()
        # It is the response's end that does it since Django 2.2.
        expected = None if hasattr(request_signals.base, 'reset_urlconf') else 'channels_tests.other_urls'
        self.assertEqual(in_thread(with_another), expected)

    def test_a_close_of_its_own_is_called(self):
        def close(response):
            del self.sent[:]
            request_signals.close(response)
            return self.sent
        response = OwnResponse()
        self.assertEqual(in_thread(close, response), [('request_finished', None)])
        self.assertTrue(response.is_closed)
        response, closed = HttpResponse(), []
        response.close = lambda: closed.append(True)
        self.assertEqual((in_thread(close, response), closed), ([], [True]))

    def test_what_stands_for_a_response_is_closed(self):
        def close():
            del self.sent[:]
            request_signals.close(Wrapped(OwnResponse()))
            return self.sent
        self.assertEqual(in_thread(close), [('request_finished', None)])

    def test_a_response_is_left_as_django_leaves_it(self):
        def closed(close):
            response, closer = HttpResponse(b'content'), Closer()
            closers = closers_of(response)
            closers.append(closer.close if hasattr(response, '_resource_closers') else closer)
            close(response)
            left = dict(vars(response), headers=sorted(response.items()), _headers=None)
            return left, closer.times
        self.assertEqual(
            repr(in_thread(closed, request_signals.close)), repr(in_thread(closed, lambda response: response.close()))
        )


@override_settings(ROOT_URLCONF='channels_tests.http_urls', **{http_urls.MIDDLEWARE: []})
class IsolatedTests(SimpleTestCase):
    """What a request leaves in the thread of a worker, which puts it back itself."""
    handler_class = ChannelHandler

    def setUp(self):
        self.seen = []
        self.layer = InMemoryChannelLayer()

    def consumer(self, message):
        self.waiting -= 1
        if not self.waiting:
            self.worker.stop()
        self.replies = list(self.handler_class()(message))
        self.seen.append((urls.get_script_prefix(), urls.get_urlconf() in (None, 'channels_tests.http_urls')))

    def run_worker(self, *contents):
        """Handle requests with those `contents` in a worker of this thread, and note what each has left."""
        self.worker = Worker(
            ChannelLayerWrapper(self.layer, 'test', [route('http.request', self.consumer)]), signal_handlers=False)
        self.waiting = len(contents)
        for content in contents:
            self.layer.send('http.request', content)
        self.worker.run()

    def test_a_worker_begins_at_the_root(self):
        urls.set_script_prefix('/before/')
        self.addCleanup(urls.set_script_prefix, '/')
        self.run_worker(make_content(path='/path/'))
        self.assertEqual(self.replies[0]['content'], b'/path/ /path/ /path/')
        self.assertEqual(self.seen, [('/', True)])

    def test_the_prefix_of_a_request_is_for_its_consumer(self):
        self.run_worker(make_content(path='/app/path/', root_path='/app'), make_content(path='/path/'))
        self.assertEqual(self.replies[0]['content'], b'/path/ /path/ /path/')
        self.assertEqual(self.seen, [('/app/', True), ('/', True)])

    def test_the_script_name_of_the_settings_is_known_to_each_loop(self):
        self.addCleanup(urls.set_script_prefix, '/')
        with self.settings(FORCE_SCRIPT_NAME='/forced'):
            self.run_worker(make_content(path='/path/'))
        self.assertEqual(self.replies[0]['content'], b'/forced/path/ /path/ /forced/path/')
        self.assertEqual(self.seen, [('/forced/', True)])

    def test_a_urlconf_of_its_own_ends_with_the_request(self):
        self.handler_class = HostHandler
        self.run_worker(make_content(path='/host/'))
        self.assertEqual(self.replies[0]['content'], b'hello')
        # Older ones leave it to the next request.
        self.assertEqual(self.seen, [('/', request_signals.reset_urlconf is not None)])
