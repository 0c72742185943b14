"""What clients of HTTP/2 can have the server keep: for each of them, and in sum."""
import asyncio
import contextlib
import os
import resource
import struct
import threading

import h2.errors
import h2.events
import pytest
from conftest import PATIENCE, Workers, eventually
from django.channels.layers.memory import InMemoryChannelLayer

from interface_server.app.request_body import LEAST_PIECE
from interface_server.options import Options
from interface_server.protocols.connections import ConnectionLimiter
from interface_server.protocols.h2.connection import CLOSED_STREAMS

#: What a process has at most under a thousand hostile connections, as README.md says.
STATED = 600 * 1000 * 1000

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, CONTINUATION = 0, 1, 4, 9
GET = b"\x82\x86\x04\x01/\x01\x01x"
POST = b"\x83" + GET[1:]


@pytest.fixture
def layer():
    return InMemoryChannelLayer()


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def test_headers_without_an_end_are_not_kept(start, client):
    server = start({})
    person = client(server)
    # Its acknowledgement of the settings must not come between the frames.
    person.read()
    person.flush()
    with contextlib.suppress(OSError):
        # The library would keep 64 such frames.
        person.socket.sendall(frame(HEADERS, 1, 1, GET) + frame(CONTINUATION, 0, 1, bytes(16000)) * 3)
    person.read_until_the_end()
    [terminated] = person.of(h2.events.ConnectionTerminated)
    assert terminated.error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


def test_streams_that_ended_are_forgotten(start, client):
    server = start({}, max_request_line=20)
    person = client(server)
    for _ in range(CLOSED_STREAMS // 100 + 2):
        # Refused without a worker.
        numbers = [person.headers(path="/" + "x" * 30) for _ in range(100)]
        assert all(person.response(number) for number in numbers)
    [connection] = server.server.limiter.connections
    assert len(connection._conn._closed_streams) <= CLOSED_STREAMS


def test_body_in_frames_of_one_byte_is_kept_in_few_pieces(start, client, layer):
    def size(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"%d" % len(message["body"])})

    server = start({"http.request": size})
    person = client(server)
    number = person.headers("POST", end_stream=False)
    said = LEAST_PIECE * 2 + 100
    for _ in range(said // 100):
        person.socket.sendall(frame(DATA, 0, number, b"x") * 100)
    session = eventually(
        lambda: [each for each in server.application.context.replies._exchanges.values()
                 if each._body._size >= said // 100 * 100], "the end of the reading",
    )[0]
    assert len(session._body._pieces) == 2
    person.socket.sendall(frame(DATA, 1, number, b""))
    assert person.response(number)[2] == b"%d" % (said // 100 * 100)


def test_response_waits_outside_of_the_connection_for_a_window(start, client):
    def large(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"x" * 60000})

    server = start({"http.request": large})
    person = client(server)
    person.conn.update_settings({4: 0})
    person.flush()
    person.wait_for_server()
    numbers = [person.headers() for _ in range(5)]
    for number in numbers:
        # Headers need no window.
        while not person.of(h2.events.ResponseReceived, number):
            assert person.read()
    assert eventually(lambda: server.application.context.budget.in_memory == 5 * 60000)
    person.conn.update_settings({4: 2 ** 20})
    person.flush()
    assert all(len(person.response(number)[2]) == 60000 for number in numbers)
    assert eventually(lambda: server.application.context.budget.in_memory == 0)


def test_client_that_opens_no_window_for_what_waits_loses_its_stream(start, client, monkeypatch):
    from interface_server.protocols import connections

    monkeypatch.setattr(connections, "SWEEP_INTERVAL", 0.05)

    def large(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"x" * 60000})

    server = start({"http.request": large}, write_timeout=0.2)
    person = client(server)
    person.conn.update_settings({4: 0})
    person.flush()
    number = person.headers()
    while not person.of(h2.events.StreamReset, number):
        assert person.read()
    assert eventually(lambda: server.application.context.budget.in_memory == 0)


def test_streams_of_all_connections_are_as_many_as_connections_may_be(start, client, caplog):
    server = start({"http.request": lambda layer, message: None}, max_connections=5)
    one, two = client(server), client(server)
    first = [one.headers() for _ in range(3)]
    server.workers.wait_for("http.request", 3)
    second = [two.headers() for _ in range(3)]
    assert two.response(second[2]) == h2.errors.ErrorCodes.REFUSED_STREAM
    assert "there are 5 streams already" in caplog.text
    for number in first:
        one.conn.reset_stream(number)
    one.flush()
    eventually(lambda: server.server.limiter.streams == 2, "the end of three streams")
    two.headers()
    server.workers.wait_for("http.request", 6)
    for person in (one, two):
        person.close()
    eventually(lambda: server.server.limiter.streams == 0, "the end of all streams")


def test_streams_of_one_address():
    limiter = ConnectionLimiter(Options(max_connections_per_address=2))
    assert limiter.acquire_stream("a") and limiter.acquire_stream("a") and not limiter.acquire_stream("a")
    assert limiter.acquire_stream("b") and limiter.acquire_stream("")
    limiter.release_stream("a")
    assert limiter.acquire_stream("a") and limiter.refused["address_streams"] == 1


HUNDRED = range(1, 200, 2)
NO_WINDOW = frame(SETTINGS, 0, 0, struct.pack("!HI", 4, 0))
HOSTILE = [
    NO_WINDOW + b"".join(frame(HEADERS, 5, number, GET) for number in HUNDRED),
    frame(SETTINGS, 0, 0) + b"".join(frame(HEADERS, 4, number, POST) for number in HUNDRED),
    frame(SETTINGS, 0, 0) + b"".join(
        frame(HEADERS, 4, number, POST) + frame(DATA, 0, number, b"x") * 500 for number in HUNDRED
    ),
    frame(SETTINGS, 0, 0) + b"".join(
        frame(HEADERS, 4, number, POST) + frame(DATA, 0, number, bytes(10000)) for number in HUNDRED
    ),
    frame(SETTINGS, 0, 0) + frame(HEADERS, 1, 1, GET) + frame(CONTINUATION, 0, 1, bytes(16000)) * 60,
    frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, GET + b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000),
    frame(SETTINGS, 0, 0) + b"".join(frame(HEADERS, 5, number, GET) for number in HUNDRED),
]


@pytest.mark.skipif(not os.environ.get("CHANNELS_LONG_TESTS"), reason="It takes a minute: --long.")
def test_a_thousand_hostile_connections(run, port, own_redis):
    from django.channels.layers.redis import RedisChannelLayer

    def large(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"x" * 1000000})

    layer = RedisChannelLayer(hosts=[own_redis.url])
    workers = Workers(layer, {"http.request": large})
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    program = run("-m", "interface_server", "--redis", own_redis.url, "-p", str(port), "-b", "127.0.0.1")
    program.wait_for("listens on")
    unread = []

    async def attack(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(PREFACE + HOSTILE[number % len(HOSTILE)])
        unread.append((reader, writer))

    async def all_of_them():
        for number in range(1000):
            with contextlib.suppress(OSError):
                await attack(number)
        await asyncio.sleep(20)
        for _, writer in unread:
            writer.transport.abort()

    thread = threading.Thread(target=lambda: asyncio.run(all_of_them()))
    thread.start()
    thread.join(PATIENCE * 4)
    with open(f"/proc/{program._process.pid}/status") as file:
        [most] = [int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM")]
    print(f"at most {most / 1e6:.0f} MB")
    workers.stop()
    layer.close()
    assert most < STATED
