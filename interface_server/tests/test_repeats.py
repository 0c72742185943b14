"""One line for many of a kind."""
import contextlib

import pytest
from conftest import PATIENCE
from consumers import accept
from websockets.exceptions import ConnectionClosed, InvalidStatus


@pytest.fixture
def layer(own_layer):
    return own_layer


def test_an_outage_is_one_line_a_kind_whatever_the_number_of_sockets(start, own_redis, caplog):
    server = start({"websocket.connect": accept})
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(server.socket()) for _ in range(5)]
        own_redis.kill()
        for ws in sockets:
            ws.send("hello")
            with pytest.raises(ConnectionClosed):
                ws.recv(PATIENCE)
        for _ in range(5):
            with pytest.raises(InvalidStatus), server.socket():
                pass
    assert caplog.text.count("The WebSocket for / is closed") == 1
    assert caplog.text.count("The WebSocket handshake for / was refused") == 1
    own_redis.start()
