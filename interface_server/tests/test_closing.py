"""How connections end, in clear and over TLS, whose transport waits for the client's answer to that."""
import asyncio
import contextlib
import socket
import ssl
import threading

import certificates
import pytest
from conftest import PATIENCE, eventually
from django.channels.layers.memory import InMemoryChannelLayer

#: As one piece.
SIZE = 200000
KINDS = ["plain", "tls"]


@pytest.fixture
def layer():
    return InMemoryChannelLayer()


def consumer(layer, message):
    layer.send(message["reply_channel"], {"status": 200, "content": b"x" * SIZE})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("closing"))


@pytest.fixture
def serve(start, certificate, request):
    """A function that starts a server of the kind of the test, and returns it with a function for connections."""
    uses_tls = request.getfixturevalue("kind") == "tls"

    def serve(consumers, **options):
        if uses_tls:
            options.update(certificate=certificate[0], private_key=certificate[1])
        server = start(consumers, **options)
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        def connect():
            connection = socket.socket()
            # The systems take little of what the other side doesn't read.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", server.port))
            if uses_tls:
                context = ssl.create_default_context(cafile=certificate[0])
                connection = context.wrap_socket(connection, server_hostname="localhost")
            return contextlib.closing(connection)

        return server, connect

    return serve


@pytest.fixture
def hurry(monkeypatch):
    """The event loop's own patience with a client that doesn't answer TLS's end, and ours, made short."""
    monkeypatch.setattr(asyncio.constants, "SSL_SHUTDOWN_TIMEOUT", 0.3, raising=False)
    monkeypatch.setattr("interface_server.protocols.connections.SWEEP_INTERVAL", 0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_last_answer_waits_for_a_client_that_takes_its_time(serve, kind, hurry):
    server, connect = serve({"http.request": consumer})
    with connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = connection.recv(100)
        # Longer than what was made short.
        threading.Event().wait(1)
        while True:
            data = connection.recv(1000000)
            if not data:
                break
            received += data
    assert received.count(b"x") >= SIZE


@pytest.mark.parametrize("kind", KINDS)
def test_idle_client_is_let_go_whether_it_answers_or_not(serve, kind, hurry):
    server, connect = serve({"http.request": consumer}, keep_alive_timeout=0.2)
    with connect() as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100)
        eventually(lambda: not server.server.limiter.total)


@pytest.mark.parametrize("kind", KINDS)
def test_idle_clients_do_not_hold_a_server_that_ends(serve, kind, caplog):
    server, connect = serve({"http.request": consumer}, shutdown_timeout=PATIENCE)
    with connect() as idle, socket.create_connection(("127.0.0.1", server.port)):
        # The other one says nothing, not even what TLS begins with.
        idle.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(100)
        eventually(lambda: server.server.limiter.total == 2)
        server.stop()
    assert "cut off" not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_client_that_sends_slowly_hears_the_answer_that_came_early(serve, kind):
    server, connect = serve({}, max_body_size=1000, close_timeout=0.3)
    with connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(20):
            # As most clients do, it reads once it has sent everything.
            threading.Event().wait(0.1)
            connection.sendall(b"x" * 50000)
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("kind", KINDS)
def test_client_that_never_stops_sending_is_cut_off(serve, kind, hurry, monkeypatch):
    monkeypatch.setattr("interface_server.protocols.h1.linger.MOST", 0.5)
    server, connect = serve({}, max_body_size=1000, close_timeout=0.1)
    with connect() as connection, pytest.raises(OSError):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(PATIENCE * 100):
            threading.Event().wait(0.01)
            connection.sendall(b"x" * 100)
