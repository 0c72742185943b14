"""Clients of a server whose Redis is killed, and comes back without what it held."""
import concurrent.futures
import contextlib
import signal
import struct

import pytest
import websocket
from clients import get, socket_to

pytestmark = pytest.mark.both_eras


def closed_with(connection):
    """Return the code that a socket is closed with."""
    while True:
        opcode, data = connection.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return struct.unpack('>H', data[:2])[0]


def test_nobody_waits_for_a_redis_that_has_forgotten_them(site, redis):
    """Not until the server's own limit of two minutes: who waits for an answer hears soon, and sockets end."""
    server, port = site.server()
    worker = site.manage('runworker')
    assert get(port, '/hello/').status == 200
    with contextlib.closing(socket_to(port, '/echo/')) as connection, concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(get, port, '/wait/')
        worker.wait_for('A view waits.')
        redis.kill()
        redis.start()
        # daphne 1.4.2 knows no code that says why.
        assert closed_with(connection) == (1012 if site.has_interface_server else 1000)
        assert (answer.result().status, answer.result().header('Retry-After')) == (503, '2')
    # The view still waits.
    worker.signal(signal.SIGKILL)
    site.manage('runworker')
    assert get(port, '/hello/').status == 200
