"""
A running server, and workers that answer it: everything in this process,
over the in-memory layer and over a real Redis.
"""
import contextlib
import dataclasses
import http.client
import os
import socket
import sys
import threading
import uuid

import pytest
from django.channels.exceptions import LayerUnavailable
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.test.linting import lint_everything
from websockets.sync.client import connect

from interface_server.app.application import Application
from interface_server.layers.adapters import adapt
from interface_server.operation.listeners import Binding
from interface_server.operation.server import Server
from interface_server.options import Options
from interface_server.protocols import connections

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Starts a redis-server of its own; the other tests of the checkout use it.
sys.path.append(os.path.join(CHECKOUT, "tests", "channels_tests"))

# Whatever the server or a worker of these tests sends keeps the standard.
lint_everything()

#: Seconds until a test that waits for an event fails.
PATIENCE = 30

CHANNELS = [
    "http.request", "http.disconnect", "websocket.connect", "websocket.receive", "websocket.disconnect",
]


def eventually(condition, what="what the test waits for"):
    """Return the first true value of condition()."""
    pause = threading.Event()
    for _ in range(PATIENCE * 20):
        value = condition()
        if value:
            return value
        pause.wait(0.05)
    raise AssertionError(f"{what} did not happen")


class Workers:
    """
    Threads that run consumers, as workers do.

    `consumers` maps a channel to a function of (layer, message). Messages on
    channels without a consumer are kept in `seen`, as those with one are.
    """

    def __init__(self, layer, consumers, threads=2):
        self.layer = layer
        self.consumers = consumers
        self.seen = []
        self.errors = []
        self._changed = threading.Condition()
        self._pause = threading.Event()
        self._stopping = False
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._stopping:
            try:
                channel, message = self.layer.receive(CHANNELS, block=True)
            except LayerUnavailable:
                # As a worker does. The pause is for a layer that says so at once.
                self._pause.wait(0.05)
                continue
            if channel is None:
                continue
            try:
                if channel in self.consumers:
                    self.consumers[channel](self.layer, message)
            except LayerUnavailable:
                # The test has taken the store away in this very moment.
                pass
            except Exception as error:
                self.errors.append(error)
            with self._changed:
                self.seen.append((channel, message))
                self._changed.notify_all()

    def wait_for(self, channel, count=1):
        """Return the first `count` messages that came on `channel`."""
        def found():
            return [message for name, message in self.seen if name == channel]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, PATIENCE), (channel, self.seen, self.errors)
            return found()

    def stop(self):
        self._stopping = True
        for thread in self._threads:
            while thread.is_alive():
                self.layer.interrupt()
                thread.join(0.05)
        assert not self.errors


class Running:
    """A server on a port of its own, in a thread."""

    def __init__(self, layer, options, action_logger=None):
        self.options = options
        self.sockets = Binding(addresses=(("127.0.0.1", 0),)).open()
        self.port = self.sockets[0].getsockname()[1]
        self.application = Application(adapt(layer), options, action_logger)
        listening = threading.Event()
        self.server = Server(self.application, listening.set)
        self.thread = threading.Thread(target=self.server.run, args=[self.sockets], daemon=True)
        self.thread.start()
        assert listening.wait(PATIENCE)

    def ask_to_stop(self):
        self.server.stop()

    def stopped_accepting(self):
        """Wait until nobody can connect any more; say if that happened."""
        pause = threading.Event()
        for _ in range(PATIENCE * 20):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                return True
            pause.wait(0.05)
        return False

    def stop(self):
        self.ask_to_stop()
        self.thread.join(PATIENCE + self.options.shutdown_timeout)
        assert not self.thread.is_alive()

    def connection(self):
        return contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE))

    def request(self, method, path, body=None, headers=None):
        """Return (status, headers, body) of one request."""
        with self.connection() as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def socket(self, path="/", **kwargs):
        """Return an open WebSocket."""
        return connect(
            f"ws://127.0.0.1:{self.port}{path}", open_timeout=PATIENCE, close_timeout=PATIENCE, compression=None,
            **kwargs
        )


@contextlib.contextmanager
def running_redis():
    """Give the block a redis-server."""
    from redis_server import RedisServer

    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis():
    """A redis-server for all tests; each has a prefix of its own."""
    with running_redis() as server:
        yield server


@pytest.fixture
def own_redis():
    """A redis-server that the test may stop."""
    with running_redis() as server:
        yield server


@pytest.fixture
def own_layer(own_redis):
    """A layer over own_redis."""
    from django.channels.layers.redis import RedisChannelLayer

    layer = RedisChannelLayer(hosts=[own_redis.url], prefix=f"test.{uuid.uuid4().hex}:")
    yield layer
    layer.close()


@pytest.fixture(params=["memory", "redis"])
def layer(request):
    if request.param == "memory":
        yield InMemoryChannelLayer()
        return
    from django.channels.layers.redis import RedisChannelLayer

    layer = RedisChannelLayer(hosts=[request.getfixturevalue("redis").url], prefix=f"test.{uuid.uuid4().hex}:")
    yield layer
    layer.flush()
    layer.close()


@pytest.fixture
def start(layer):
    """A function that starts workers and a server, and ends them after."""
    with contextlib.ExitStack() as stack:
        def start(consumers, action_logger=None, layer=layer, threads=2, **options):
            options = dataclasses.replace(Options(shutdown_timeout=2, grace_time=0), **options)
            running = Running(layer, options, action_logger)
            # Workers go last: the server's last messages are for them.
            running.workers = Workers(layer, consumers, threads)
            stack.callback(running.workers.stop)
            stack.callback(running.stop)
            return running

        yield start


@pytest.fixture
def quick_sweeps(monkeypatch):
    """The server looks for connections that have gone over a time limit every 50 ms."""
    monkeypatch.setattr(connections, "SWEEP_INTERVAL", 0.05)


# Programs, and connections of other kinds

@pytest.fixture
def folder(tmp_path):
    """A folder with a project."""
    from commands import write_project

    write_project(tmp_path)
    return tmp_path


@pytest.fixture
def port():
    """A port that nobody listens on."""
    from redis_server import free_port

    return free_port()


@pytest.fixture
def run(folder):
    """A function that starts a Python in the project's folder."""
    from commands import starting

    with starting(folder) as start:
        yield start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Paths of a certificate for localhost and its key."""
    import certificates

    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def client():
    """A function that opens a connection of HTTP/2 to a server, over TLS with a context."""
    from http2_client import Client

    with contextlib.ExitStack() as stack:
        yield lambda *args: stack.enter_context(contextlib.closing(Client(*args)))
