"""
Sends mutated traffic to a server: ``fuzzer.py PORT PROTOCOL BYTES SEED``.

Each mutation has a connection of its own, comes in pieces, and is half-closed:
the server has to end it. What it sent, how long the slowest took and those that
had no end are printed as JSON.
"""
import asyncio
import json
import os
import pathlib
import random
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent.parent / 'interface_server' / 'tests'))

from mutants import HANDSHAKE, HTTP1, WEBSOCKET, http2_conversations, mutated  # noqa: E402: found by the line above

#: At once; and seconds after which a connection has no end.
CONNECTIONS, PATIENCE = 40, 30
#: Protocol -> (what comes first and is whole, what is mutated).
CORPORA = {
    'HTTP/1.1': (b'', HTTP1), 'HTTP/2': (b'', http2_conversations()), 'WebSocket': (HANDSHAKE, WEBSOCKET),
}


class Fuzzer:
    """Sends so many bytes of a protocol."""

    def __init__(self, port, protocol, size, seed):
        self.port = port
        self.first, self.corpus = CORPORA[protocol]
        self.chance = random.Random(seed)
        self.left = size
        self.sent = self.connections = self.reset = 0
        self.slowest = 0.0
        #: Those that had no end, as text.
        self.hung = []

    async def talk(self, address, data):
        """Say `data` in pieces; return once the server has ended the connection."""
        reader, writer = await asyncio.open_connection('127.0.0.1', self.port, local_addr=(address, 0))
        try:
            if self.first:
                writer.write(self.first)
                await reader.readuntil(b'\r\n\r\n')
            start = 0
            while start < len(data):
                size = self.chance.choice((1, 10, 100, 1000, 10000))
                writer.write(data[start:start + size])
                start += size
                await writer.drain()
            writer.write_eof()
            while await reader.read(65536):
                pass
        finally:
            writer.transport.abort()

    async def some(self, address):
        while self.left > 0:
            data = mutated(self.chance, self.chance.choice(self.corpus))
            self.left -= len(data)
            began = time.monotonic()
            try:
                await asyncio.wait_for(self.talk(address, data), PATIENCE)
            except asyncio.TimeoutError:
                self.hung.append(repr(data[:3000]))
            except (OSError, EOFError):
                # It was refused amid what it said.
                self.reset += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.sent += len(data)
            self.connections += 1

    async def run(self):
        # From several addresses, as if they were many.
        await asyncio.gather(*[self.some('127.0.1.%d' % (number + 1)) for number in range(CONNECTIONS)])
        return {
            'sent': self.sent, 'connections': self.connections, 'reset': self.reset, 'slowest': self.slowest,
            'hung': self.hung[:3],
        }


if __name__ == '__main__':
    os.nice(5)
    fuzzer = Fuzzer(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    sys.stdout.write(json.dumps(asyncio.run(fuzzer.run())) + '\n')
