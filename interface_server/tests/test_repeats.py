"""One line for many of a kind."""
import contextlib
import logging

import pytest
from conftest import PATIENCE
from test_redis import accept, layer, own_redis  # noqa: F401  Fixtures.
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interface_server.repeats import QUIET, STILL, Repeats

logger = logging.getLogger(__name__)


def test_a_kind_is_logged_once_until_there_was_none_for_a_while(caplog):
    now = [5.0]
    repeats = Repeats(lambda: now[0])

    def warn(kind, seconds):
        now[0] += seconds
        repeats.warn(logger, kind, "%s happened.", kind)

    for _ in range(100):
        warn("this", QUIET / 2)
    warn("that", 0)
    warn("this", QUIET + 1)
    warn("that", 2 * QUIET)
    more = " (%d more like the last one of these were not logged.)"
    assert caplog.messages == [
        "this happened.",
        "that happened.",
        "this happened." + more % 99,
        "that happened.",
    ]


def test_it_is_said_again_when_it_never_ends(caplog):
    now = [5.0]
    repeats = Repeats(lambda: now[0])
    for _ in range(int(STILL) // 10 + 1):
        repeats.warn(logger, "x", "It happened.")
        now[0] += 10
    assert len(caplog.messages) == 2


def test_an_outage_is_one_line_a_kind_whatever_the_number_of_sockets(start, own_redis, caplog):  # noqa: F811
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
