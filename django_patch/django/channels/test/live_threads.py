"""
An interface server and workers in threads of a test's process.
"""
from __future__ import absolute_import

import threading

from django.db import connections

from ..compat.transactions import share_with_threads
from ..layers import channel_layers
from ..signals import consumer_finished, consumer_started
from ..worker import Worker


def is_in_memory(connection):
    """Return whether a connection's database is in memory, where no other connection sees it."""
    name = str(connection.settings_dict['NAME'])
    return connection.vendor == 'sqlite' and (name == ':memory:' or 'mode=memory' in name)


def start_worker(layer, serve_static, threads):
    """Return (a Worker that runs in a thread, the thread)."""
    if serve_static:
        from ..management.static_files import static_files_consumer

        # As with "runserver --insecure": DEBUG is off in tests.
        layer.router.check_default(http_consumer=static_files_consumer({'insecure_serving': True}))
    worker = Worker(layer, signal_handlers=False, threads=threads)
    thread = threading.Thread(target=worker.run, name='live-server-worker')
    thread.daemon = True
    thread.start()
    return worker, thread


class LiveThreads(object):
    """
    A server and workers beside a test, with its settings, mocks and layers.

    `serve` is what management.servers.find_server() returns, and can serve in
    a thread. Consumers have connections of their own to the databases, but to
    those in memory, for which they use that of the test.
    """

    def __init__(self, serve, host, aliases, serve_static=True, worker_threads=1):
        self.serve = serve
        self.host = host
        self.port = None
        self.aliases = aliases
        self.serve_static = serve_static
        self.worker_threads = worker_threads
        self._server = None
        self._workers = []
        #: The test's own thread, whose connections are its own business.
        self._owner = threading.current_thread()
        self._shared = {}
        self._unshare = []

    @property
    def url(self):
        return 'http://%s:%d' % (self.host, self.port)

    @property
    def ws_url(self):
        return 'ws://%s:%d' % (self.host, self.port)

    def start(self):
        """Start the threads; the server listens when this returns."""
        for connection in connections.all():
            if is_in_memory(connection):
                self._shared[connection.alias] = connection
                self._unshare.append(share_with_threads(connection))
        consumer_started.connect(self._use_shared)
        consumer_finished.connect(self._close_others)
        try:
            self._server = self.serve.in_thread(channel_layers[self.aliases[0]], self.host)
            self.port = self._server.port
            for alias in self.aliases:
                self._workers.append(start_worker(channel_layers[alias], self.serve_static, self.worker_threads))
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """End the threads, after the consumers that are running. Does nothing the second time."""
        if self._server is not None:
            self._server.stop()
        for worker, _ in self._workers:
            worker.stop()
        for _, thread in self._workers:
            thread.join()
        consumer_started.disconnect(self._use_shared)
        consumer_finished.disconnect(self._close_others)
        while self._unshare:
            self._unshare.pop()()
        self._server, self._workers = None, []

    def _use_shared(self, **kwargs):
        if threading.current_thread() is not self._owner:
            for alias, connection in self._shared.items():
                connections[alias] = connection

    def _close_others(self, **kwargs):
        # A test database can't be deleted while anybody is connected.
        if threading.current_thread() is not self._owner:
            for connection in connections.all():
                if connection.alias not in self._shared:
                    connection.close()
