"""
What is asked on open connections while the server ends isn't lost.

RFC 9112 section 9.3.1, RFC 9113 section 6.8.
"""
import array
import contextlib
import fcntl
import http.client
import socket
import termios
import threading

import pytest
from conftest import PATIENCE, eventually
from django.channels.layers.memory import InMemoryChannelLayer
from http2_client import Client
from hyperframe.frame import GoAwayFrame
from websockets.exceptions import ConnectionClosed

from interface_server.protocols.h2.connection import LAST_STREAM

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture
def layer():
    return InMemoryChannelLayer()


def consumer(layer, message):
    layer.send(message["reply_channel"], {"status": 200, "content": b"done"})


def begin_to_end(server):
    server.ask_to_stop()
    eventually(lambda: server.server.limiter.is_ending)


@contextlib.contextmanager
def in_the_loop(server):
    """Hold the event loop of the server: what is done meanwhile finds it busy."""
    held, go_on = threading.Event(), threading.Event()

    def hold():
        held.set()
        assert go_on.wait(PATIENCE)

    server.server._loop.call_soon_threadsafe(hold)
    assert held.wait(PATIENCE)
    try:
        yield
    finally:
        go_on.set()


def ask(connection):
    connection.request("POST", "/", b"hi")
    response = connection.getresponse()
    assert response.read() == b"done"
    return response


def test_idle_connection_may_ask_once_more(start):
    server = start({"http.request": consumer}, grace_time=PATIENCE)
    with server.connection() as connection:
        assert ask(connection).getheader("Connection") is None
        begin_to_end(server)
        assert ask(connection).getheader("Connection") == "close"
        # Nobody else is there, so the rest of the time isn't waited for.
        server.stop()


def test_idle_connections_are_closed_after_their_time(start):
    server = start({"http.request": consumer}, grace_time=0.2)
    with server.connection() as connection:
        ask(connection)
        server.stop()
        assert connection.sock.recv(1) == b""


def test_new_connections_are_answered_until_then(start):
    server = start({"http.request": consumer}, grace_time=PATIENCE)
    with server.connection() as idle, server.connection() as connection:
        ask(idle)
        begin_to_end(server)
        assert ask(connection).getheader("Connection") == "close"
        ask(idle)
        server.stop()


def test_who_waits_to_be_accepted_is_accepted(start):
    server = start({"http.request": consumer})
    with in_the_loop(server):
        server.ask_to_stop()
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        connection.sendall(REQUEST)
    with connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    server.stop()


def test_response_that_began_without_telling_is_not_the_last(start):
    began, go_on = threading.Event(), threading.Event()

    def stream(layer, message):
        if message["path"] != "/stream/":
            return consumer(layer, message)
        layer.send(message["reply_channel"], {"status": 200, "content": b"do", "more_content": True})
        began.set()
        assert go_on.wait(PATIENCE)
        layer.send(message["reply_channel"], {"content": b"ne"})

    server = start({"http.request": stream}, grace_time=PATIENCE)
    with server.connection() as connection:
        connection.request("GET", "/stream/")
        response = connection.getresponse()
        assert began.wait(PATIENCE) and response.getheader("Connection") is None
        begin_to_end(server)
        go_on.set()
        assert response.read() == b"done"
        assert ask(connection).getheader("Connection") == "close"


@pytest.mark.parametrize("grace_time", [0, PATIENCE])
def test_half_of_a_request_is_read_to_its_end(start, grace_time):
    server = start({"http.request": consumer}, grace_time=grace_time)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(REQUEST[:30])
        eventually(lambda: [each for each in server.server.limiter.connections if each._connection.state == "HEADERS"])
        begin_to_end(server)
        connection.sendall(REQUEST[30:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_head_without_an_end_does_not_hold_the_server(start):
    server = start({}, grace_time=0.1, shutdown_timeout=PATIENCE)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(REQUEST[:30])
        eventually(lambda: [each for each in server.server.limiter.connections if each._connection.state == "HEADERS"])
        begin_to_end(server)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("what", ["shutdown", "on_deadline"])
def test_request_that_was_not_read_yet_keeps_its_connection(start, what):
    server = start({"http.request": consumer})
    with server.connection() as connection:
        ask(connection)
        [protocol] = server.server.limiter.connections
        with in_the_loop(server):
            # As after a long turn of the loop, behind which asyncio does this
            # before it reads anything, and uvloop after.
            protocol.deadline = server.server._loop.time()
            server.server._loop.call_soon_threadsafe(
                lambda: protocol.deadline and protocol.on_deadline() if what == "on_deadline" else protocol.shutdown(),
            )
            connection.sock.sendall(REQUEST)
            size = array.array("i", [0])

            def has_come():
                [transport] = [protocol._transport]
                fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, size)
                return size[0] == len(REQUEST)

            eventually(has_come)
        response = http.client.HTTPResponse(connection.sock, method="POST")
        response.begin()
        assert (response.status, response.read()) == (200, b"done")


def watch_goodbyes(client):
    """Return a list of the last streams that a client is told."""
    told, receive = [], client.conn._receive_frame

    def watch(frame):
        if isinstance(frame, GoAwayFrame):
            told.append(frame.last_stream_id)
        return receive(frame)

    client.conn._receive_frame = watch
    return told


@pytest.mark.parametrize("cause", ["end", "deadline"])
def test_http2_is_told_before_its_streams_are_refused(start, cause, monkeypatch):
    monkeypatch.setattr("interface_server.protocols.connections.SWEEP_INTERVAL", 0.05)
    server = start({"http.request": consumer}, grace_time=PATIENCE)
    client = Client(server)
    told = watch_goodbyes(client)
    with contextlib.closing(client.socket):
        assert client.response(client.headers())[0] == 200
        [protocol] = server.server.limiter.connections
        if cause == "end":
            begin_to_end(server)
        else:
            server.server._loop.call_soon_threadsafe(protocol.on_deadline)
        while not told:
            assert client.read()
        # Sent before it could have heard of that.
        assert client.response(client.headers())[0] == 200
        server.server._loop.call_soon_threadsafe(protocol.shutdown)
        client.read_until_the_end()
        assert told == [LAST_STREAM, 3]


def test_http2_that_begins_at_the_end_is_told_at_once(start):
    server = start({"http.request": consumer}, grace_time=PATIENCE)
    with server.connection() as idle:
        ask(idle)
        begin_to_end(server)
        client = Client(server)
        told = watch_goodbyes(client)
        with contextlib.closing(client.socket):
            assert client.response(client.headers())[0] == 200
            assert told == [LAST_STREAM]


def test_websocket_that_comes_at_the_end_is_told_to_come_again(start):
    server = start({
        "http.request": consumer,
        "websocket.connect": lambda layer, message: layer.send(message["reply_channel"], {"accept": True}),
    }, grace_time=PATIENCE)
    with server.connection() as idle:
        ask(idle)
        begin_to_end(server)
        with server.socket() as ws:
            ask(idle)
            with pytest.raises(ConnectionClosed):
                ws.recv(PATIENCE)
            assert ws.close_code == 1012
