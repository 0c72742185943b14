"""Clients of event streams: many at once, in one thread."""
import asyncio
import time


class Stream:
    """A client that counts the events that it gets, until it leaves."""

    def __init__(self):
        self.events = 0
        #: The longest time in seconds from one event to the next.
        self.longest_gap = 0.0

    async def open(self, port, path):
        """Ask, and wait for the first event."""
        self._reader, self._writer = await asyncio.open_connection('127.0.0.1', port)
        self._writer.write(b'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' % path.encode('ascii'))
        head = await self._reader.readuntil(b'\r\n\r\n')
        if b' 200 ' not in head.partition(b'\r\n')[0]:
            raise ConnectionError(head.partition(b'\r\n')[0].decode('latin-1'))
        await self._next()
        self._task = asyncio.ensure_future(self._read())

    async def _next(self):
        while not (await self._reader.readuntil(b'\n')).startswith(b'data: '):
            pass
        self.events += 1

    async def _read(self):
        last = time.monotonic()
        while True:
            await self._next()
            now = time.monotonic()
            self.longest_gap, last = max(self.longest_gap, now - last), now

    def leave(self):
        """Go without a word; raise what ended the stream before that, if anything did."""
        if self._task.done():
            self._task.result()
        self._task.cancel()
        self._writer.transport.abort()


async def open_streams(port, path, number, at_once=50):
    """Return so many open Streams."""
    streams = [Stream() for _ in range(number)]
    for first in range(0, number, at_once):
        await asyncio.gather(*[stream.open(port, path) for stream in streams[first:first + at_once]])
    return streams


async def timed(port, path):
    """GET a path; return (status, seconds)."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(b'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' % path.encode('ascii'))
    answer = await reader.read()
    writer.close()
    return int(answer.split(b' ', 2)[1]), time.monotonic() - began
