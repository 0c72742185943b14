"""What a server does for its clients when it is asked to stop."""
import contextlib
import threading
import time

import pytest
from conftest import PATIENCE
from consumers import accept
from websockets.exceptions import ConnectionClosed


def test_response_in_progress_is_finished(start):
    stopping = threading.Event()

    def consumer(layer, message):
        layer.send(message["reply_channel"], {"status": 200, "content": b"one ", "more_content": True})
        assert stopping.wait(PATIENCE)
        layer.send(message["reply_channel"], {"content": b"two"})

    server = start({"http.request": consumer})
    with server.connection() as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.read(4) == b"one "
        server.ask_to_stop()
        stopping.set()
        assert response.read() == b"two"
    server.stop()
    server.workers.wait_for("http.disconnect")


def test_sockets_are_closed_with_1012_and_workers_told(start):
    server = start({"websocket.connect": accept})
    with server.socket() as ws:
        server.ask_to_stop()
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
        assert ws.close_code == 1012
    server.stop()
    assert server.workers.wait_for("websocket.disconnect")[0]["code"] == 1012


def test_drain_time_spreads_the_closes(start):
    server = start({"websocket.connect": accept}, drain_time=1.5)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(server.socket()) for _ in range(10)]
        closed = []

        def wait(ws):
            with contextlib.suppress(ConnectionClosed):
                ws.recv(PATIENCE)
            closed.append((time.monotonic(), ws.close_code))

        threads = [threading.Thread(target=wait, args=[ws]) for ws in sockets]
        for thread in threads:
            thread.start()
        server.ask_to_stop()
        assert server.stopped_accepting()
        for thread in threads:
            thread.join(PATIENCE)
    assert {code for _, code in closed} == {1012}
    times = [moment for moment, _ in closed]
    assert len(times) == 10 and max(times) - min(times) > 0.7
    server.stop()


def test_request_that_nobody_answers_does_not_hold_the_server(start):
    server = start({"http.request": lambda layer, message: None}, shutdown_timeout=1)
    with server.connection() as connection:
        connection.request("GET", "/")
        server.workers.wait_for("http.request")
        server.stop()
    server.workers.wait_for("http.disconnect")
