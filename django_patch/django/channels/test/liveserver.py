"""
Tests against a real server with real workers, for browsers and the like.
"""
from __future__ import absolute_import

import contextlib
import os
import signal
import socket
import sys
import time
import traceback

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test.testcases import TransactionTestCase
from django.test.utils import modify_settings

from ..layers import DEFAULT_CHANNEL_LAYER, ChannelLayerManager, channel_layers
from .live_threads import LiveThreads, is_in_memory, start_worker
from .swapping import swap_layers

#: Seconds that the server has to answer, and to end.
START_TIMEOUT, STOP_TIMEOUT = 30, 10


class ChannelLiveServerTestCase(TransactionTestCase):
    """
    Runs an interface server and workers beside each test.

    They are threads of the test's process, if the server that is installed
    can be one: then overridden settings, mocks, mail.outbox and what the test
    sends to a layer are theirs as well. Else, as with daphne, they are a
    process, which is forked before the test: nothing of this reaches it, and
    the database can't be in memory. The layers are made with their
    TEST_CONFIG; one that stays inside a process needs none.
    """
    #: Run them in threads? False forks; None takes what the server can.
    in_threads = None
    #: The address to listen on.
    host = 'localhost'
    #: Do the workers serve static files, too?
    serve_static = True
    #: How many consumers run at a time?
    worker_threads = 1
    #: The first one is the server's.
    test_channel_aliases = [DEFAULT_CHANNEL_LAYER]
    _server = None

    @property
    def live_server_url(self):
        return 'http://%s:%d' % (self.host, self._server.port)

    @property
    def live_server_ws_url(self):
        return 'ws://%s:%d' % (self.host, self._server.port)

    # Not run(): a project's own _pre_setup() may ask the server already.
    def __call__(self, result=None):
        method = getattr(self, self._testMethodName)
        if getattr(self, '__unittest_skip__', False) or getattr(method, '__unittest_skip__', False):
            return super(ChannelLiveServerTestCase, self).__call__(result)
        result = self.defaultTestResult() if result is None else result
        with modify_settings(ALLOWED_HOSTS={'append': self.host}):
            with swap_layers(self.test_channel_aliases, self.make_layer):
                self._run_beside_server(result)
        return result

    def _run_beside_server(self, result):
        try:
            self._server = self.start_server()
        except Exception:
            # Raised from here, it would end the whole run.
            result.startTest(self)
            result.addError(self, sys.exc_info())
            result.stopTest(self)
            return
        try:
            super(ChannelLiveServerTestCase, self).__call__(result)
        finally:
            self._server.stop()
            for alias in self.test_channel_aliases:
                self._clean_up(channel_layers[alias])

    def _clean_up(self, layer):
        if not layer.local_only():
            layer.flush()
        layer.close()

    def make_layer(self, alias):
        """Return the layer that a test has for `alias`."""
        layers = ChannelLayerManager()
        if 'TEST_CONFIG' not in layers.configs.get(alias, ()):
            layer = layers.make_backend(alias)
            if layer.local_only():
                return layer
        return layers.make_test_backend(alias)

    def start_server(self):
        """
        Return a LiveServer that answers.

        Raise ImproperlyConfigured, saying what to correct, if there can't be
        one.
        """
        # Imported late: it isn't below this package.
        from ..management.servers import HOW_TO_INSTALL, find_server
        serve = find_server()
        if serve is None:
            raise ImproperlyConfigured(
                'A live server needs an interface server, and none is installed: %s' % HOW_TO_INSTALL
            )
        server_class = self._threads_or_process(serve)
        # What is wrong with a layer is said here, not beside the test.
        for alias in self.test_channel_aliases:
            channel_layers[alias].router
        server = server_class(serve, self.host, self.test_channel_aliases, self.serve_static, self.worker_threads)
        server.start()
        return server

    def _threads_or_process(self, serve):
        threads = hasattr(serve, 'in_thread')
        if self.in_threads and not threads:
            raise ImproperlyConfigured("The server that is installed can't run in a thread: set in_threads = None.")
        if threads and self.in_threads is not False:
            return LiveThreads
        self.check_databases()
        for connection in connections.all():
            # A child mustn't talk over its parent's connection.
            connection.close()
        return LiveServer

    def _fixture_teardown(self):
        # The tables are emptied next, perhaps over the same connection.
        self._server.stop()
        super(ChannelLiveServerTestCase, self)._fixture_teardown()

    def check_databases(self):
        """Raise ImproperlyConfigured for what workers can't see."""
        for connection in connections.all():
            if is_in_memory(connection):
                raise ImproperlyConfigured(
                    "ChannelLiveServerTestCase can't use the database '%(alias)s': it is in memory, where the "
                    "workers' process doesn't see it. Give it a file: DATABASES['%(alias)s']['TEST'] = "
                    "{'NAME': 'test.sqlite3'}." % {'alias': connection.alias}
                )


class LiveServer(object):
    """
    A process with an interface server and workers.

    It is forked, so that settings and layers are those of the test. Its
    `port` is known once start() has returned.
    """

    def __init__(self, serve, host, aliases, serve_static=True, worker_threads=1):
        self.serve = serve
        self.host = host
        self.port = None
        self.pid = None
        self.aliases = aliases
        self.serve_static = serve_static
        self.worker_threads = worker_threads

    def start(self):
        """Fork the process and return when it answers."""
        if not hasattr(os, 'fork'):
            raise ImproperlyConfigured('A live server needs os.fork(), which this system does not have.')
        self.port = _find_free_port(self.host)
        # What is buffered would be written by both.
        sys.stdout.flush()
        sys.stderr.flush()
        # Not by multiprocessing, which forbids the processes of a parallel
        # test run to have children.
        self.pid = os.fork()
        if not self.pid:
            self._be_child()
        try:
            self._wait()
        except BaseException:
            # Ctrl-C, too, must leave no process behind.
            self.stop()
            raise

    def _wait(self):
        deadline = time.time() + START_TIMEOUT
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            except EnvironmentError as error:
                if self._has_ended():
                    raise RuntimeError('The live server ended before it answered; what it wrote says why.')
                if time.time() > deadline:
                    raise RuntimeError('The live server did not answer in %d s: %s' % (START_TIMEOUT, error))
            time.sleep(0.05)

    def _has_ended(self):
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = None
        return self.pid is None

    def stop(self):
        """End the process, after the consumers that are running."""
        deadline = time.time() + STOP_TIMEOUT
        if not self._has_ended():
            os.kill(self.pid, signal.SIGTERM)
        while not self._has_ended():
            if time.time() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.02)

    # In the child

    def _be_child(self):
        status = 1
        try:
            self._serve()
            status = 0
        except (KeyboardInterrupt, SystemExit):
            # The terminal sends Ctrl-C to the child as well.
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            # Nothing of the test run must go on here.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _serve(self):
        # A connection of the parent's layers must not be shared.
        channel_layers.reset()
        workers = [
            start_worker(channel_layers[alias], self.serve_static, self.worker_threads) for alias in self.aliases]
        try:
            self.serve(channel_layers[self.aliases[0]], self.host, self.port)
        finally:
            for worker, thread in workers:
                worker.stop()
                thread.join(STOP_TIMEOUT)


def _find_free_port(host):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as listener:
        listener.bind((host, 0))
        return listener.getsockname()[1]
