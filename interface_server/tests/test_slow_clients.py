"""Clients that send or read slowly, and the workers and others that don't notice."""
import asyncio
import resource
import select
import socket
import threading
from unittest.mock import MagicMock

import pytest
from conftest import PATIENCE, eventually
from consumers import read_body
from django.channels.layers.memory import InMemoryChannelLayer

from interface_server.app import request_body
from interface_server.app.application import Application
from interface_server.app.response_queue import PIECE, ResponseQueue
from interface_server.app.spool import Spool, SpoolBudget
from interface_server.layers.adapters import adapt
from interface_server.options import Options
from interface_server.protocols.h1.events import Request
from interface_server.protocols.h1.exchange import HIGH_WATER, Http1Exchange
from interface_server.protocols.h1.flow import Flow

pytestmark = pytest.mark.outer_pythons

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def body_size(layer, message):
    layer.send(message["reply_channel"], {"status": 200, "content": b"%d" % len(read_body(layer, message)[0])})


def budget_of(server):
    return server.application.context.budget


# Spools

def test_spool_gives_back_what_was_put_from_memory_and_file():
    spool = Spool(SpoolBudget(), 10)
    pieces = [spool.put(content) for content in (b"a" * 6, b"b" * 6, b"c" * 2, b"")]
    assert (spool.in_memory, spool.unread) == (6, 8)
    assert [spool.get(piece) for piece in pieces] == [b"a" * 6, b"b" * 6, b"c" * 2, b""]
    assert (spool.in_memory, spool.unread, spool.file_size) == (0, 0, 0)
    spool.close()


def test_spool_without_room_in_memory_for_the_process_uses_its_file():
    budget = SpoolBudget(memory_limit=10)
    first, second = Spool(budget, 0), Spool(budget, 0)
    first.put(b"a" * 8)
    assert second.get(second.put(b"b" * 8)) == b"b" * 8
    assert isinstance(second.put(b"b" * 8), tuple)
    assert (budget.in_memory, budget.in_files) == (8, 8)
    second.close()
    first.close()
    assert (budget.in_memory, budget.in_files) == (0, 0)


def test_spool_whose_disk_is_full_says_so_where_it_is_written_alone():
    budget = SpoolBudget()
    spool = Spool(budget, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10000, limits[1]))
    try:
        first = spool.put(b"a" * 9900)
        # A part of it fits.
        with pytest.raises(OSError):
            spool.put(b"b" * 200)
        second = spool.put(b"c" * 100)
        assert (spool.get(first), spool.get(second)) == (b"a" * 9900, b"c" * 100)
        spool.put(b"d" * 9900)
        with pytest.raises(OSError):
            spool.put(b"e" * 200)
        spool.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (budget.in_memory, budget.in_files) == (0, 0)


def test_spool_says_that_neither_memory_nor_files_have_room():
    spool = Spool(SpoolBudget(file_limit=10), 10)
    assert spool.has_room(10)
    spool.put(b"a" * 10)
    assert spool.has_room(10)
    spool.put(b"b" * 10)
    assert not spool.has_room(1)
    spool.close()


def test_response_goes_in_pieces_that_one_connection_can_hold():
    context = Application(adapt(InMemoryChannelLayer()), Options(response_buffer=PIECE)).context
    queue = ResponseQueue(context, "GET")
    content = b"x" * (2 * PIECE) + b"y"
    queue.feed({"status": 200, "content": content}, "/")
    parts = [queue.get(), queue.get(), queue.get()]
    assert not queue.entries
    assert b"".join(part.content for part in parts) == content
    assert [part.status for part in parts] == [200, None, None]
    assert [part.more_content for part in parts] == [True, True, False]
    queue.close()


def test_view_counts_as_long_as_all_of_it_is_in_memory():
    content, size = memoryview(b"x" * (8 * PIECE)), 8 * PIECE
    context = Application(adapt(InMemoryChannelLayer()), Options(response_buffer=size)).context
    queue = ResponseQueue(context, "GET", views=True)
    queue.feed({"status": 200, "content": content, "more_content": True}, "/")
    queue.feed({"content": content, "more_content": True}, "/")
    queue.feed({"content": content}, "/")
    # What memory doesn't take goes into a file.
    assert (context.budget.in_memory, context.budget.in_files) == (size, 2 * size)
    part = queue.get()
    assert (type(part.content), len(part.content), part.more_content) == (memoryview, size - PIECE, True)
    assert context.budget.in_memory == size
    # The last of it is none, and doesn't keep the others.
    part = queue.get()
    assert (type(part.content), len(part.content), context.budget.in_memory) == (bytes, PIECE, 0)
    rest = []
    while queue.entries:
        rest.append(queue.get())
    assert b"".join(part.content for part in rest) == 2 * bytes(content)
    assert [part.more_content for part in rest] == [True] * (len(rest) - 1) + [False]
    assert max(len(part.content) for part in rest) == PIECE
    queue.close()
    assert (context.budget.in_memory, context.budget.in_files) == (0, 0)


def test_view_is_bytes_for_a_connection_that_knows_no_views():
    context = Application(adapt(InMemoryChannelLayer()), Options()).context
    queue = ResponseQueue(context, "GET")
    queue.feed({"status": 200, "content": memoryview(b"x" * 100000)}, "/")
    while queue.entries:
        assert type(queue.get().content) is bytes
    queue.close()


# Bodies

def test_body_that_is_waited_for_is_read_without_a_pause_for_each_piece():
    async def run():
        request, flow = Request(b"POST", "1.1", []), Flow(MagicMock())
        exchange = Http1Exchange(MagicMock(), flow, request, {"scheme": "http"})

        def feed(content):
            exchange.feed(content)
            exchange.hold_back()

        receiving = asyncio.ensure_future(exchange.receive())
        await asyncio.sleep(0)
        # All of it is taken in the loop's next turn.
        for _ in range(4):
            feed(b"x" * HIGH_WATER)
        assert not flow.read_paused
        assert len((await receiving)["body"]) == 4 * HIGH_WATER
        # Nobody waits for this.
        feed(b"x" * HIGH_WATER)
        assert not flow.read_paused
        feed(b"x")
        assert flow.read_paused
        # Even who waits takes no more than that at once.
        assert len((await exchange.receive())["body"]) == HIGH_WATER + 1
        receiving = asyncio.ensure_future(exchange.receive())
        await asyncio.sleep(0)
        assert not flow.read_paused
        for _ in range(9):
            feed(b"x" * HIGH_WATER)
        assert flow.read_paused
        await receiving

    asyncio.run(run())


def test_worker_hears_of_a_request_once_its_body_is_here(start, monkeypatch):
    monkeypatch.setattr(request_body, "IN_MEMORY", 10)
    server = start({"http.request": body_size}, inline_body_size=10)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD % 300000 + b"x" * 100000)
        eventually(lambda: budget_of(server).in_files, "the file")
        assert not server.workers.seen
        connection.sendall(b"x" * 200000)
        assert connection.recv(1000).endswith(b"\r\n300000")
    eventually(lambda: not budget_of(server).in_files and not budget_of(server).in_memory, "the end of the file")


def test_worker_never_hears_of_a_body_that_breaks_off(start, monkeypatch):
    monkeypatch.setattr(request_body, "IN_MEMORY", 10)
    server = start({"http.request": body_size}, inline_body_size=10)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD % 300000 + b"x" * 100000)
        eventually(lambda: budget_of(server).in_files, "the file")
    eventually(lambda: not budget_of(server).in_files, "the end of the file")
    assert not server.workers.seen


def test_body_that_comes_too_slowly_gets_408(start):
    server = start({"http.request": body_size}, body_timeout=0.3, min_body_rate=10 ** 6)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD % 100)
        pause = threading.Event()
        with pytest.raises(OSError):
            for _ in range(100):
                connection.sendall(b"x")
                pause.wait(0.1)
                if b"408" in connection.recv(100, socket.MSG_DONTWAIT | socket.MSG_PEEK):
                    raise ConnectionError
    assert not server.workers.seen


def test_body_that_takes_too_long_gets_408(start):
    server = start({"http.request": body_size}, max_body_time=0.01, inline_body_size=1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD % 100 + b"x")
        # On a slow machine the server reads several pieces at once.
        for _ in range(99):
            if select.select([connection], [], [], 0.1)[0]:
                break
            connection.sendall(b"x")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")
    assert not server.workers.seen


def test_body_without_room_anywhere_gets_503(start):
    server = start({"http.request": body_size}, max_buffered=1000, max_spooled=1000, inline_body_size=10)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD % 3000 + b"x" * 1500)
        assert connection.recv(100).startswith(b"HTTP/1.1 503")
    assert not server.workers.seen
    assert server.application.metrics.dropped["spool_full"] == 1


# Responses

def test_response_is_taken_off_the_hands_of_its_worker(start, layer):
    done = threading.Event()

    def consumer(layer, message):
        channel = message["reply_channel"]
        layer.send(channel, {"status": 200, "content": b"", "more_content": True})
        for _ in range(200):
            layer.send_blocking(channel, {"content": b"x" * 100000, "more_content": True}, PATIENCE)
        layer.send_blocking(channel, {"content": b"end"}, PATIENCE)
        done.set()

    server = start({"http.request": consumer})
    with server.connection() as connection:
        connection.request("GET", "/")
        # Nothing was read so far.
        assert done.wait(PATIENCE)
        eventually(lambda: budget_of(server).in_files, "the file")
        assert budget_of(server).in_memory <= server.options.response_buffer
        body = connection.getresponse().read()
    assert len(body) == 200 * 100000 + 3 and body.endswith(b"xend")
    eventually(lambda: not budget_of(server).in_files and not budget_of(server).in_memory, "the end of the file")


def test_worker_waits_once_the_file_of_its_response_is_full(start):
    full = threading.Event()

    def consumer(layer, message):
        channel = message["reply_channel"]
        layer.send(channel, {"status": 200, "content": b"", "more_content": True})
        try:
            for _ in range(1000):
                layer.send_blocking(channel, {"content": b"x" * 100000, "more_content": True}, 0.5)
        except layer.ChannelFull:
            full.set()
        layer.send_blocking(channel, {"content": b"end"}, PATIENCE)

    server = start({"http.request": consumer}, response_spool=5000000)
    with server.connection() as connection:
        connection.request("GET", "/")
        assert full.wait(PATIENCE)
        body = connection.getresponse().read()
    assert body.endswith(b"xend") and 5000000 < len(body) < 100000000


def test_client_that_reads_below_the_least_rate_is_cut_off(start):
    server = start(
        {"http.request": lambda layer, message: layer.send(
            message["reply_channel"], {"status": 200, "content": b"x" * 20000000})},
        write_timeout=1, min_write_rate=10 ** 9,
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        server.workers.wait_for("http.request")
        pause, size = threading.Event(), 0
        while server.server.limiter.total and not pause.wait(0.05):
            # Slowly, but all the time.
            size += len(connection.recv(1000))
    assert size < 20000000
    server.workers.wait_for("http.disconnect")


def test_connection_that_is_closed_with_unread_bytes_does_not_stay(start):
    server = start(
        {"http.request": lambda layer, message: layer.send(
            message["reply_channel"], {"status": 200, "content": b"x" * 20000000})},
        write_timeout=1,
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        server.workers.wait_for("http.request")
        [http] = server.server.limiter.connections
        eventually(lambda: http.flow.write_paused, "the pause")
        http._loop.call_soon_threadsafe(http._close)
        eventually(lambda: not server.server.limiter.total, "the end")
