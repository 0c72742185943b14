"""HTTP requests through a running server, a layer and workers."""
import contextlib
import errno
import logging
import os
import socket
import tempfile
import threading

import pytest
from conftest import PATIENCE, eventually
from consumers import answer, echo_body, read_body
from django.channels.test.linting import exempt

from interface_server.app.request_body import IN_MEMORY
from interface_server.backport import names
from interface_server.layers.adapters import adapt


def test_get(start):
    server = start(
        {"http.request": answer(201, b"hello", [[b"X-One", b"1"], [b"Set-Cookie", b"a=1"], [b"Set-Cookie", b"b=2"]])},
    )
    status, headers, body = server.get("/caf%C3%A9/?a=%20b")
    assert (status, body) == (201, b"hello")
    assert headers["x-one"] == "1"
    assert headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert headers["content-length"] == "5"
    [message] = server.workers.wait_for("http.request")
    assert message["path"] == "/café/"
    assert message["query_string"] == b"a=%20b"
    assert message["method"] == "GET"
    assert message["http_version"] == "1.1"
    assert message["scheme"] == "http"
    assert message["root_path"] == ""
    assert message["body"] == b""
    assert message["server"] == ["127.0.0.1", server.port]
    assert message["client"][0] == "127.0.0.1"
    assert [b"host", b"127.0.0.1:%d" % server.port] in message["headers"]
    assert message["reply_channel"].startswith("http.response.")


def test_every_request_ends_with_a_disconnect(start):
    server = start({"http.request": answer()})
    server.get("/x")
    [request] = server.workers.wait_for("http.request")
    [disconnect] = server.workers.wait_for("http.disconnect")
    assert disconnect == {"reply_channel": request["reply_channel"], "path": "/x"}


def test_requests_on_one_connection_have_reply_channels_of_their_own(start):
    server = start({"http.request": answer(content=b"x")})
    with server.connection() as connection:
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"x"
    requests = server.workers.wait_for("http.request", 3)
    assert len({request["reply_channel"] for request in requests}) == 3


def test_headers_with_underscores_are_dropped(start):
    server = start({"http.request": answer()})
    server.get("/", headers={"X_User": "root", "X-User": "joe"})
    [message] = server.workers.wait_for("http.request")
    assert [b"x-user", b"joe"] in message["headers"]
    assert b"root" not in [value for _, value in message["headers"]]


def test_small_body_comes_inside_the_request(start):
    server = start({"http.request": echo_body})
    status, headers, body = server.request("POST", "/", b"a=1&b=2")
    assert (status, body, headers["x-chunks"]) == (200, b"a=1&b=2", "0")


def test_large_body_comes_in_chunks(start):
    server = start({"http.request": echo_body}, inline_body_size=1000, body_chunk_size=100000)
    sent = bytes(range(256)) * 4096
    status, headers, body = server.request("POST", "/", sent)
    assert (status, body) == (200, sent)
    assert 0 < int(headers["x-chunks"]) <= 11


def test_body_without_length(start):
    server = start({"http.request": echo_body}, inline_body_size=10)
    status, _, body = server.request("POST", "/", iter([b"one ", b"two ", b"three ", b"four"]))
    assert (status, body) == (200, b"one two three four")


def test_slow_body_is_not_held_back(start):
    got_request, got_a_part = threading.Event(), threading.Event()

    def consumer(layer, message):
        body = message["body"]
        got_request.set()
        _, chunk = layer.receive([message["body_channel"]], block=True)
        assert chunk == {"content": b"x" * 10, "more_content": True}
        got_a_part.set()
        _, chunk = layer.receive([message["body_channel"]], block=True)
        layer.send(message["reply_channel"], {"status": 200, "content": body + chunk["content"]})

    server = start({"http.request": consumer}, inline_body_size=10, stream_bodies=True)
    with server.connection() as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", "30")
        connection.endheaders(b"a" * 10)
        assert got_request.wait(PATIENCE)
        connection.send(b"x" * 10)
        assert got_a_part.wait(PATIENCE)
        connection.send(b"b" * 10)
        assert connection.getresponse().read() == b"a" * 10 + b"b" * 10


def test_client_that_goes_in_the_middle_of_its_body(start):
    bodies = []
    server = start(
        {"http.request": lambda layer, message: bodies.append(read_body(layer, message)[0])}, inline_body_size=10,
        stream_bodies=True,
    )
    with server.connection() as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders(b"x" * 100000)
    server.workers.wait_for("http.request")
    assert bodies == [None]
    server.workers.wait_for("http.disconnect")


def test_streaming_response(start):
    asked = threading.Event()

    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one ", "more_content": True})
        assert asked.wait(PATIENCE)
        layer.send(message["reply_channel"], {"content": b"two ", "more_content": True})
        layer.send(message["reply_channel"], {"content": b"three"})
        layer.send(message["reply_channel"], {"content": b"late"})

    server = start({"http.request": consumer})
    with server.connection() as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.read(4) == b"one "
        asked.set()
        assert response.read() == b"two three"
        # The connection is in order, whatever came late.
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"one two three"


def test_head(start):
    server = start({"http.request": answer(content=b"hello", headers=[[b"Content-Length", b"5"]])})
    status, headers, body = server.request("HEAD", "/")
    assert (status, headers["content-length"], body) == (200, "5", b"")


def test_head_of_a_stream_that_goes_on(start):
    """What is asked next on that connection doesn't wait for the stream, whose worker hears that nobody does."""
    done = threading.Event()

    def consumer(layer, message):
        if message["path"] == "/page":
            layer.send(message["reply_channel"], {"status": 200, "content": b"page"})
            return
        layer.send(message["reply_channel"], {"status": 200, "content": b"one ", "more_content": True})
        name = names.disconnect_channel(message["reply_channel"])
        while layer.receive([name], block=True) != (name, {"closed": True}):
            pass
        layer.send(message["reply_channel"], {"content": b"two "})
        done.set()

    server = start({"http.request": consumer})
    with server.connection() as connection:
        connection.request("HEAD", "/stream")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"")
        connection.request("GET", "/page")
        assert connection.getresponse().read() == b"page"
        assert done.wait(PATIENCE)
        connection.request("GET", "/page")
        assert connection.getresponse().read() == b"page"


def test_root_path(start):
    server = start({"http.request": answer()}, root_path="/mount")
    server.get("/mount/x")
    [message] = server.workers.wait_for("http.request")
    assert (message["root_path"], message["path"]) == ("/mount", "/mount/x")


def test_no_answer_in_time_gives_503(start):
    server = start({"http.request": lambda layer, message: None}, http_timeout=0.3)
    status, headers, body = server.get("/")
    assert status == 503
    assert b"<h1>503 Service Unavailable</h1>" in body
    server.workers.wait_for("http.disconnect")


@exempt("headers", "http_version", "method", "path", "reply_channel")
def test_full_channel_gives_503_after_its_time(start, layer):
    server = start({}, threads=0, queue_timeout=0.05)
    for _ in range(layer.capacity):
        layer.send("http.request", {})
    status, _, body = server.get("/")
    assert status == 503
    assert b"waiting for a worker" in body
    layer.flush()


def test_full_disk_gives_507_and_one_line_in_the_log(start, caplog, monkeypatch):
    def full(**options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    server = start({}, threads=0)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    for _ in range(2):
        assert server.request("POST", "/", b"x" * (2 * IN_MEMORY))[0] == 507
    assert caplog.text.count("The body of a request can't be kept: No space left on device.") == 1


@pytest.mark.parametrize("message", [
    {"content": b"no status"},
    {"status": 200, "headers": [[b"X-A", b"b\r\nX-C: d"]]},
    {"status": 200, "content": "text"},
])
@exempt("content", "headers")
def test_malformed_response_gives_500_and_an_explanation_in_the_log(start, caplog, message):
    server = start({"http.request": lambda layer, request: layer.send(request["reply_channel"], message)})
    status, headers, _ = server.get("/broken")
    assert status == 500
    assert headers["x-c"] is None
    assert "The response for GET /broken is malformed" in caplog.text


def test_response_that_breaks_in_the_middle_is_broken_off(start, caplog):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one", "more_content": True})
        layer.send(message["reply_channel"], {"status": 200, "content": b"two"})

    server = start({"http.request": consumer})
    with server.connection() as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        with pytest.raises(Exception, match="IncompleteRead"):
            response.read()
    assert "A second response came" in caplog.text


def test_response_that_the_worker_gives_up_is_no_fault_of_the_server(start, caplog):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one", "more_content": True})
        layer.send(message["reply_channel"], {"closed": True})

    server = start({"http.request": consumer})
    with server.connection() as connection:
        connection.request("GET", "/given-up")
        with pytest.raises(Exception, match="IncompleteRead"):
            connection.getresponse().read()
    [record] = [record for record in caplog.records if "/given-up" in record.getMessage()]
    assert record.levelname == "WARNING" and "malformed" not in record.getMessage()
    assert not server.application.metrics.dropped["malformed_reply"]


def test_client_that_goes_while_it_waits(start):
    server = start({"http.request": lambda layer, message: None}, close_timeout=0.1)
    with server.connection() as connection:
        connection.request("GET", "/slow")
        [request] = server.workers.wait_for("http.request")
    [disconnect] = server.workers.wait_for("http.disconnect")
    assert disconnect["reply_channel"] == request["reply_channel"]
    assert not server.application.context.replies._exchanges


def test_worker_learns_that_the_client_of_its_stream_went_away(start):
    learned = threading.Event()

    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one", "more_content": True})
        name = names.disconnect_channel(message["reply_channel"])
        for notice in range(2):
            # The second is the answer to a chunk that comes too late.
            while layer.receive([name], block=True) != (name, {"closed": True}):
                pass
            layer.send(message["reply_channel"], {"content": b"two", "more_content": True})
        learned.set()

    server = start({"http.request": consumer}, close_timeout=0.1)
    with server.connection() as connection:
        connection.request("GET", "/")
        assert connection.getresponse().read(3) == b"one"
    assert learned.wait(PATIENCE)


def test_nobody_is_told_about_responses_that_are_complete(start, layer):
    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one", "more_content": True})
        layer.send(message["reply_channel"], {"content": b"two"})

    server = start({"http.request": consumer})
    assert server.get("/")[2] == b"onetwo"
    [request] = server.workers.wait_for("http.request")
    server.workers.wait_for("http.disconnect")
    assert layer.receive([names.disconnect_channel(request["reply_channel"])]) == (None, None)


def stream(layer, message, stop, size=100000):
    """Send until `stop`, waiting for room; return how many went out."""
    count = 0
    layer.send(message["reply_channel"], {"status": 200, "content": b"", "more_content": True})
    while not stop.is_set():
        try:
            layer.send(message["reply_channel"], {"content": b"x" * size, "more_content": True})
            count += 1
        except layer.ChannelFull:
            stop.wait(0.001)
    return count


def test_slow_client_makes_its_worker_wait(start, layer):
    full = threading.Event()

    def consumer(layer, message):
        try:
            # More than sockets take by themselves.
            layer.send(message["reply_channel"], {"status": 200, "content": b"", "more_content": True})
            for number in range(1000):
                layer.send_blocking(message["reply_channel"], {"content": b"x" * 100000, "more_content": True}, 0.5)
        except layer.ChannelFull:
            full.set()
        layer.send_blocking(message["reply_channel"], {"content": b"end"}, PATIENCE)

    server = start({"http.request": consumer}, response_buffer=4000000, stream_responses=True)
    with server.connection() as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert full.wait(PATIENCE)
        body = response.read()
        assert body.endswith(b"xend") and 1000000 < len(body) < 100000000
    server.workers.wait_for("http.disconnect")


def exchanges(server):
    return server.application.context.replies._exchanges.values()


def is_throttled(server):
    """Say if the worker of a request has to wait for its client."""
    return any(getattr(exchange, "_throttled", False) for exchange in exchanges(server))


def test_worker_goes_on_as_soon_as_its_client_has_taken_some(start, layer):
    full, again = threading.Event(), threading.Event()
    buffer = 16000000

    def consumer(layer, message):
        channel = message["reply_channel"]
        layer.send(channel, {"status": 200, "content": b"", "more_content": True})
        with contextlib.suppress(layer.ChannelFull):
            for number in range(200):
                layer.send(channel, {"content": b"x" * 500000, "more_content": True})
                # One at a time, so that none comes after the server has said stop.
                eventually(lambda: not layer.channel_statistics(channel)["messages_pending"] or is_throttled(server))
        full.set()
        layer.send_blocking(channel, {"content": b"y", "more_content": True}, PATIENCE)
        again.set()
        layer.send_blocking(channel, {"content": b"end"}, PATIENCE)

    server = start({"http.request": consumer}, response_buffer=buffer, stream_responses=True)
    with server.connection() as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert full.wait(PATIENCE)
        size = 0
        while not again.wait(0.02):
            size += len(response.read(50000))
        assert size < buffer * 3 // 8
        assert response.read().endswith(b"xyend")


def test_client_that_goes_while_it_is_sent_something_is_no_error(start, layer, caplog):
    def consumer(layer, message):
        if message["path"] != "/":
            return answer(200, b"")(layer, message)
        # It is watched by then whether the client is there.
        eventually(lambda: any(getattr(exchange, "_input", None) for exchange in exchanges(server)))
        layer.send(message["reply_channel"], {"status": 200, "content": b"", "more_content": True})
        with contextlib.suppress(layer.ChannelFull):
            for _ in range(50):
                layer.send(message["reply_channel"], {"content": b"x" * 10 ** 6, "more_content": True})

    server = start({"http.request": consumer}, response_buffer=1000000, stream_responses=True)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: is_throttled(server))
    server.workers.wait_for("http.disconnect")
    # What is logged is logged a little later; a second request is behind it.
    assert server.get("/second")[0] == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_slow_client_of_a_layer_that_can_not_make_workers_wait(start, monkeypatch, layer):
    monkeypatch.setattr(type(adapt(layer)), "throttle", lambda self, channel: False)
    gone = threading.Event()
    server = start(
        {
            "http.request": lambda layer, message: stream(layer, message, gone),
            "http.disconnect": lambda *args: gone.set(),
        },
        response_buffer=1000000, stream_responses=True,
    )
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert gone.wait(PATIENCE)


def test_action_log(start):
    lines = []
    server = start({"http.request": answer(404, b"nope")}, lambda *line: lines.append(line))
    with server.connection() as connection:
        connection.request("GET", "/x%20y?z=1")
        connection.getresponse().read()
        client = "%s:%s" % connection.sock.getsockname()
    server.workers.wait_for("http.disconnect")
    [(protocol, action, details)] = lines
    assert (protocol, action) == ("http", "complete")
    assert 0 < details.pop("time_taken") < PATIENCE
    assert {key: details[key] for key in ("path", "status", "method", "client", "size")} == {
        "path": "/x%20y?z=1", "status": 404, "method": "GET", "client": client, "size": 4,
    }
