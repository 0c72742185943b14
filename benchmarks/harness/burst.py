"""
Clients that all ask in one moment, each once, over a connection of its own.
"""
import asyncio
import dataclasses
import resource
import time
from typing import Optional


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a client got: the status, how many seconds after it asked, and the Retry-After."""
    status: int
    seconds: float
    retry_after: Optional[str]


class _Client(asyncio.Protocol):
    """A connection that asks once and reads to the end."""

    def __init__(self):
        self.data, self.ended = b'', asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data

    def connection_lost(self, error):
        if error is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(time.monotonic())

    def ask(self, path):
        self.asked = time.monotonic()
        self.transport.write(b'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' % path.encode())

    async def answer(self):
        # First the end of the data, then the data.
        ended = await self.ended
        return parse(self.data, ended - self.asked)


def parse(data, seconds):
    """Return the Answer that the bytes of a response are; ValueError if they are none."""
    head = data.partition(b'\r\n\r\n')[0].decode('latin-1').split('\r\n')
    if not head[0].startswith('HTTP/1.1 '):
        raise ValueError('%r is not a response' % data[:100])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(':') for line in head[1:])}
    return Answer(int(head[0].split()[1]), seconds, headers.get('retry-after'))


def burst(port, path, clients, timeout=60):
    """Have so many clients ask, in the order in which they are numbered; return the Answer of each."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))

    async def run():
        loop, asking = asyncio.get_running_loop(), []
        for _ in range(clients):
            asking.append((await loop.create_connection(_Client, '127.0.0.1', port))[1])
        for client in asking:
            client.ask(path)
        return await asyncio.wait_for(asyncio.gather(*[client.answer() for client in asking]), timeout)

    try:
        return asyncio.run(run())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
