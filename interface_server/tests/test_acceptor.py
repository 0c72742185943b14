"""The accept path that all listeners share, when the system has no file left."""
import asyncio
import errno
import os
import socket
import types

import pytest

from interface_server.operation.management import Management
from interface_server.options import Options
from interface_server.protocols import acceptor as acceptor_module
from interface_server.protocols.acceptor import Acceptor
from interface_server.protocols.connections import ConnectionLimiter


class Starved:
    """A listener for whose connections there is no file while `error` is set."""

    def __init__(self, listener):
        self._listener = listener
        self.error = errno.EMFILE
        self.refused = 0
        #: Set at the tenth.
        self.often = asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._listener, name)

    def accept(self):
        if self.error:
            self.refused += 1
            if self.refused == 10:
                self.often.set()
            raise OSError(self.error, os.strerror(self.error))
        return self._listener.accept()


class Greeting(asyncio.Protocol):
    """Says hello."""

    is_connected = True

    def connection_made(self, transport):
        transport.write(b"hello")
        transport.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(acceptor_module, "PAUSE", 0.01)


def test_connections_wait_without_a_flood_of_log_until_there_are_files(caplog):
    async def run():
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            starved = Starved(listener)
            acceptor = Acceptor(starved, ConnectionLimiter(Options()), lambda peer, slot: Greeting())
            clients = [socket.create_connection(listener.getsockname()) for _ in range(20)]
            await asyncio.wait_for(starved.often.wait(), 30)
            assert starved.refused < 20, "it is not tried again for each connection"
            [record] = caplog.records
            assert "ulimit -n" in record.getMessage() and record.exc_info is None
            starved.error = 0
            for client in clients:
                client.setblocking(False)
                assert await asyncio.wait_for(loop.sock_recv(client, 100), 30) == b"hello"
                client.close()
            acceptor.close()

    asyncio.run(run())
    assert len(caplog.records) == 1


def test_probes_wait_like_all_others_until_there_are_files(caplog):
    context = types.SimpleNamespace(layer=types.SimpleNamespace(synchronous=None, alias=""))

    async def run():
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            starved = Starved(listener)
            management = Management(starved, context)
            management.start()
            with socket.create_connection(listener.getsockname()) as probe:
                await asyncio.wait_for(starved.often.wait(), 30)
                assert len(caplog.records) == 1
                starved.error = 0
                probe.setblocking(False)
                await loop.sock_sendall(probe, b"GET /health HTTP/1.1\r\n\r\n")
                assert await asyncio.wait_for(loop.sock_recv(probe, 12), 30) == b"HTTP/1.1 200"
            await management.stop()

    asyncio.run(run())
    [record] = caplog.records
    assert "ulimit -n" in record.getMessage()
