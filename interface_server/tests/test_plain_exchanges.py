"""
Requests without a body that are answered soon: without a task, and not
otherwise than those that have one.
"""
import asyncio
import functools
import logging
import socket
import threading

import pytest
from conftest import PATIENCE, eventually
from consumers import Held, say_path
from django.channels.test.linting import exempt

from interface_server.app.http import HttpExchange
from interface_server.app.plain_exchange import PlainExchange

GET = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def tasks(monkeypatch):
    """The requests that got a task, in their order."""
    served = []
    run = HttpExchange.run

    async def noted(self):
        served.append(self._scope["raw_path"])
        await run(self)

    monkeypatch.setattr(HttpExchange, "run", noted)
    return served


@pytest.fixture
def never_late(monkeypatch):
    """No request gets a task because its answer takes long."""
    monkeypatch.setattr("interface_server.app.plain_exchange.WATCH_AFTER", 10 * PATIENCE)


def exchanges(server):
    return list(server.application.context.replies._exchanges.values())


def test_whole_answer_takes_no_task(start, tasks, never_late):
    server = start({"http.request": say_path})
    for number in range(3):
        status, headers, content = server.get(f"/{number}")
        assert (status, headers["x-path"], content) == (200, f"/{number}", b"/%d" % number)
    assert server.request("HEAD", "/4")[2] == b""
    assert tasks == []
    assert eventually(lambda: not exchanges(server)) and not server.server.limiter.tasks
    metrics = server.application.metrics
    assert metrics.messages_in["http.request"] == 4 and metrics.responses[200] == 4
    assert sum(metrics.request_seconds.counts) == 4


def test_body_and_answer_in_pieces_take_one(start, tasks, never_late):
    def consumer(layer, message):
        if message["path"] == "/pieces":
            layer.send(message["reply_channel"], {"status": 200, "content": b"one, ", "more_content": True})
            layer.send(message["reply_channel"], {"content": b"two"})
        else:
            say_path(layer, message)

    server = start({"http.request": consumer})
    assert server.request("POST", "/body", b"content")[2] == b"/body"
    assert server.get("/pieces")[2] == b"one, two"
    assert server.get("/whole")[2] == b"/whole"
    assert tasks == [b"/body", b"/pieces"]


def test_large_answer_is_whole(start, tasks, never_late):
    content = bytes(range(256)) * 4096

    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": content})

    server = start({"http.request": consumer})
    assert server.get("/")[2] == content


def test_who_waits_for_longer_goes_on_in_a_task(start, tasks, monkeypatch):
    monkeypatch.setattr("interface_server.app.plain_exchange.MOST_LOOKS", 2)
    go_on = threading.Event()

    def consumer(layer, message):
        assert go_on.wait(PATIENCE)
        say_path(layer, message)

    server = start({"http.request": consumer})
    with server.connection() as connection:
        connection.request("GET", "/late")
        eventually(lambda: tasks == [b"/late"])
        go_on.set()
        assert connection.getresponse().read() == b"/late"
    # It isn't counted again there.
    assert server.application.metrics.messages_in["http.request"] == 1


def test_who_waits_takes_no_task(start, tasks):
    held = Held()
    server = start({"http.request": held})
    with server.connection() as connection:
        connection.request("GET", "/late")
        assert held.asked.wait(PATIENCE)
        ages = server.application._plain_exchanges._ages
        # Looked at several times.
        eventually(lambda: len(ages) > 3 and any(ages))
        held.go_on.set()
        assert connection.getresponse().read() == b"/late"
    assert tasks == []


def test_client_that_leaves_is_noticed_behind_its_next_request(start, tasks):
    held = Held(answers=False)
    server = start({"http.request": held}, close_timeout=0.1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(GET % b"/gone" + GET % b"/behind")
        assert held.asked.wait(PATIENCE)
    eventually(lambda: not exchanges(server))
    held.go_on.set()
    assert server.workers.wait_for("http.disconnect")[0]["path"] == "/gone"
    assert tasks == []


def test_time_limit_counts_from_the_beginning(start, monkeypatch):
    deadlines = []
    wait = HttpExchange._next_part

    async def noted(self):
        began = self._loop.time() - self._waited
        try:
            return await wait(self)
        finally:
            deadlines.append(self._deadline - began)

    monkeypatch.setattr(HttpExchange, "_next_part", noted)
    given_up = threading.Event()
    server = start({"http.request": lambda layer, message: given_up.wait(PATIENCE)}, http_timeout=0.5)
    assert server.get("/")[0] == 503
    given_up.set()
    assert deadlines == [pytest.approx(0.5, abs=0.1)]


def test_pipelined_requests_are_answered_in_their_order(start, tasks, never_late):
    server = start({"http.request": say_path})
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(b"".join(GET % b"/%d" % number for number in range(20)))
        said = b""
        while said.count(b"\r\n\r\n") < 20 or not said.endswith(b"/19"):
            said += client.recv(65536)
    assert [line.split()[1] for line in said.split(b"\r\n") if line.startswith(b"x-path")] == [
        b"/%d" % number for number in range(20)]
    assert tasks == []


def test_client_that_leaves_is_told_of(start, never_late):
    held = Held(answers=False)
    server = start({"http.request": held}, close_timeout=0.1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(GET % b"/gone")
        assert held.asked.wait(PATIENCE)
        assert [type(exchange) for exchange in exchanges(server)] == [PlainExchange]
    eventually(lambda: not exchanges(server))
    held.go_on.set()
    assert server.workers.wait_for("http.disconnect")[0]["path"] == "/gone"


def test_client_that_leaves_while_the_request_is_on_its_way_is_told_of(start, never_late):
    held, asked = [], threading.Event()
    server = start({"http.request": lambda layer, message: asked.set()}, close_timeout=0.1)
    layer = server.application.context.layer
    send_then = layer.send_then

    def hold(channel, message, done):
        send_then(channel, message, functools.partial(held_done, done) if channel == "http.request" else done)

    def held_done(done, error):
        held.append((asyncio.get_running_loop(), functools.partial(done, error)))

    layer.send_then = hold
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(GET % b"/gone")
        assert asked.wait(PATIENCE)
        eventually(lambda: held)
        [account] = [exchange.entry.account for exchange in exchanges(server)]
    eventually(lambda: not server.server.limiter.total)
    [(loop, tell)] = held
    loop.call_soon_threadsafe(tell)
    assert server.workers.wait_for("http.disconnect")[0]["path"] == "/gone"
    assert eventually(lambda: not exchanges(server)) and account.requests == 0
    assert server.application.metrics.messages_in["http.request"] == 1


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_client_that_leaves_before_its_turn_was_never_there(start, never_late, layer):
    # Nothing reads, and the channel is full.
    for _ in range(layer.capacity):
        layer.send("http.request", {})
    server = start({}, threads=0, close_timeout=0.1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(GET % b"/left")
        eventually(lambda: server.application.context.queues.length("http.request"))
    eventually(lambda: not exchanges(server))
    assert not server.application.context.queues.length("http.request")
    assert not server.application.metrics.messages_in["http.request"]


@exempt("headers", "http_version", "method", "path", "reply_channel")
@pytest.mark.parametrize("tries", [1, 2], ids=["first", "from the queue"])
def test_client_that_leaves_during_a_try_in_vain_was_never_there(start, never_late, layer, tries):
    for _ in range(layer.capacity):
        layer.send("http.request", {})
    server = start({}, threads=0, close_timeout=0.1)
    held, tried = [], []
    outlet = server.application.context.layer
    send_then = outlet.send_then

    def hold(channel, message, done):
        if message.get("path") != "/left":
            send_then(channel, message, done)
            return
        tried.append(message)
        send_then(channel, message, functools.partial(held_done, done) if len(tried) == tries else done)

    def held_done(done, error):
        held.append((asyncio.get_running_loop(), functools.partial(done, error)))

    outlet.send_then = hold
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(GET % b"/left")
        eventually(lambda: held)
    eventually(lambda: not server.server.limiter.total)
    [(loop, tell)] = held
    # It took a while until the layer said that it had no room, and now it has.
    assert layer.receive(["http.request"])[0] == "http.request"
    loop.call_soon_threadsafe(tell)
    eventually(lambda: not exchanges(server))
    assert len(tried) == tries and not server.application.context.queues.length("http.request")
    assert not server.application.metrics.messages_in["http.request"]
    assert not server.application.metrics.dropped["http_request_full"]


def test_log_that_fails_costs_nobody_else_an_answer(start, never_late, caplog):
    def careless(protocol, action, details):
        raise RuntimeError("no log")

    server = start({"http.request": say_path}, action_logger=careless)
    for number in range(3):
        assert server.get(f"/{number}")[2] == b"/%d" % number
    # The client has its answer a little earlier.
    eventually(lambda: server.application.metrics.dropped["internal_error"] == 3)
    eventually(lambda: len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 3)


def test_refusals_are_those_of_a_task(start, tasks, layer):
    server = start({"http.request": say_path}, allowed_hosts=("served.example",))
    assert server.get("/", {"Host": "other.example"})[0] == 400
    assert server.application.metrics.dropped["host"] == 1
    assert server.get("/", {"Host": "served.example"})[0] == 200


@pytest.mark.parametrize("what", ["app.entry.path_of", "protocols.h1.response.http_date"])
def test_what_fails_is_logged_and_answered(start, never_late, monkeypatch, caplog, what):
    def fail(*args):
        raise RuntimeError("not this one")

    server = start({"http.request": say_path}, max_requests_per_address=100)
    account = server.application.context.shares.account(("127.0.0.1", 1))
    with monkeypatch.context() as patch:
        patch.setattr("interface_server." + what, fail)
        assert server.get("/")[0] == 500
    eventually(lambda: not exchanges(server))
    assert account.requests == 0
    assert server.get("/again")[2] == b"/again"
    eventually(lambda: not exchanges(server))
    assert [record.exc_info[1].args for record in caplog.records if record.levelno == logging.ERROR] == [
        ("not this one",)]
