"""The accept path that all listeners share, when the system has no file left."""
import asyncio
import errno
import os
import socket

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


def test_connections_wait_without_a_flood_of_log_until_there_are_files(monkeypatch, caplog):
    monkeypatch.setattr(acceptor_module, "PAUSE", 0.01)

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
