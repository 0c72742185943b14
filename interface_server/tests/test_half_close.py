"""Clients that have closed their half of the connection behind a request, and those that only seem to."""
import contextlib
import socket
import ssl
import struct
import threading

import certificates
import pytest
from conftest import PATIENCE, eventually
from consumers import hello
from django.channels.layers.memory import InMemoryChannelLayer

GET = b"GET /%b HTTP/1.%d\r\nHost: x\r\n\r\n"
#: Seconds within which nobody is taken to be gone here.
LONG = 10 * PATIENCE


@contextlib.contextmanager
def half_closed(server, said):
    """Say `said` and that this is all; give the socket."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        yield client


@pytest.fixture
def layer():
    return InMemoryChannelLayer()


def read_all(client):
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_half_closed_clients_are_answered(start):
    def answer_after_it(layer, message):
        eventually(lambda: all(connection._half_close for connection in list(server.server.limiter.connections)))
        hello(layer, message)

    server = start({"http.request": answer_after_it}, close_timeout=LONG)
    for said, answers in [
        (GET % (b"", 1), 1), (GET % (b"", 0), 1), (GET % (b"", 1) + GET % (b"two", 1), 2),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", 1),
        # What is behind it never becomes a request.
        (GET % (b"", 1) + b"GET / HT", 1),
    ]:
        with half_closed(server, said) as client:
            answered = read_all(client)
        assert answered.count(b"HTTP/1.1 200 OK\r\n") == answers, said
        # And then the connection ends.
        assert answered.count(b"connection: close\r\n") == 1, said
    eventually(lambda: not server.server.limiter.connections)


def test_half_of_a_request_is_none(start):
    server = start({}, close_timeout=LONG)
    for said in b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nh":
        with half_closed(server, said) as client:
            assert read_all(client) == b""


def test_client_that_went_is_noticed_after_a_time(start):
    server = start({}, close_timeout=0.1)
    with half_closed(server, GET % (b"", 1)):
        server.workers.wait_for("http.request")
    server.workers.wait_for("http.disconnect")
    assert not server.application.context.replies._exchanges


def test_client_that_went_is_noticed_as_soon_as_something_is_written(start):
    gone = threading.Event()

    def stream(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one", "more_content": True})
        while not gone.wait(0.01):
            layer.send(message["reply_channel"], {"content": b"more", "more_content": True})

    server = start(
        {"http.request": stream, "http.disconnect": lambda *args: gone.set()}, close_timeout=LONG,
        stream_responses=True,
    )
    with half_closed(server, GET % (b"", 1)) as client:
        assert client.recv(1)
    assert gone.wait(PATIENCE)


def test_client_that_went_is_noticed_by_one_write(start):
    gone, left = threading.Event(), threading.Event()

    def stream(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one", "more_content": True})
        left.wait(PATIENCE)
        layer.send(message["reply_channel"], {"content": b"two", "more_content": True})

    server = start(
        {"http.request": stream, "http.disconnect": lambda *args: gone.set()}, close_timeout=LONG,
        stream_responses=True,
    )
    with half_closed(server, GET % (b"", 1)) as client:
        while not client.recv(65536).endswith(b"one\r\n"):
            pass
    left.set()
    assert gone.wait(PATIENCE)


def test_half_closed_client_reads_longer_than_it_may_be_silent(start):
    """Who is written to is there."""
    may_end = threading.Event()

    def stream(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"", "more_content": True})
        while not may_end.wait(0.01):
            layer.send(message["reply_channel"], {"content": b"more", "more_content": True})
        layer.send(message["reply_channel"], {"content": b"end"})

    server = start({"http.request": stream}, close_timeout=0.5, stream_responses=True)
    with half_closed(server, GET % (b"", 0)) as client:
        timer = threading.Timer(1.2, may_end.set)
        timer.start()
        assert read_all(client).endswith(b"moreend")


@pytest.mark.parametrize("how", ["proxy", "TLS"])
def test_where_nobody_can_be_the_request_ends_at_once(start, tmp_path, how):
    options = {"trusted_proxies": ("127.0.0.1",)}
    context = None
    if how == "TLS":
        certificate, key = certificates.make(str(tmp_path))
        options = {"certificate": certificate, "private_key": key}
        context = ssl.create_default_context(cafile=certificate)
    server = start({}, close_timeout=LONG, **options)
    client = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    if context is not None:
        client = context.wrap_socket(client, server_hostname="localhost")
    with contextlib.closing(client):
        client.sendall(GET % (b"", 1))
        server.workers.wait_for("http.request")
        client.shutdown(socket.SHUT_WR)
        server.workers.wait_for("http.disconnect")


def test_client_that_reset_its_connection_amid_a_stream_is_no_warning(start, caplog):
    is_reset = threading.Event()

    def stream(layer, message):
        chunk = {"content": b"x" * 1000, "more_content": True}
        layer.send(message["reply_channel"], dict(chunk, status=200))
        assert is_reset.wait(PATIENCE)
        for _ in range(50):
            layer.send(message["reply_channel"], chunk)

    server = start({"http.request": stream})
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
            client.sendall(GET % (b"", 1))
            assert client.recv(1)
            # Without a word that the server could read.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        is_reset.set()
    eventually(lambda: not server.server.limiter.connections)
    assert "socket.send() raised exception" not in caplog.text
