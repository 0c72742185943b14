"""What tests of gathered pieces await; imported where Python and Django have async code."""
import asyncio

from django.channels.asynchronous.pieces import AsyncGatherer
from django.channels.http.gathering import QUICK
from django.channels.http.response import CHUNK_SIZE


class Layer:
    def __init__(self, spans_processes):
        self.spans_processes = spans_processes


class Client:
    """A client to which the second reply takes until `free` is set."""

    def __init__(self, spans_processes=True):
        self.channel_layer = Layer(spans_processes)
        self.sent = []
        self.is_busy, self.free = asyncio.Event(), asyncio.Event()
        self.error = None

    async def send(self, reply):
        self.sent.append(reply)
        if len(self.sent) == 2:
            self.is_busy.set()
            await self.free.wait()
        if self.error is not None and len(self.sent) > 1:
            raise self.error

    def contents(self):
        return [reply['content'] for reply in self.sent]


async def begin(gatherer, client):
    """Send a first piece, and a second that is on its way."""
    await gatherer.send(b'1', {'status': 200})
    await gatherer.send(b'2', {})
    await client.is_busy.wait()


async def meanwhile():
    client = Client()
    async with AsyncGatherer(client, CHUNK_SIZE, QUICK, lambda: 0) as gatherer:
        await begin(gatherer, client)
        for content in (b'3', b'4', b'5'):
            await gatherer.send(content, {})
        client.free.set()
        await gatherer.finish()
    return client.sent


async def full(size):
    """Return whether a piece behind `size` bytes has to wait, and what was sent in the end."""
    client = Client()
    async with AsyncGatherer(client, CHUNK_SIZE, QUICK, lambda: 0) as gatherer:
        await begin(gatherer, client)
        sending = asyncio.ensure_future(gatherer.send(b'x' * size, {}))
        await asyncio.wait([sending], timeout=0.1)
        waits = not sending.done()
        client.free.set()
        await sending
        await gatherer.finish()
    return waits, client.contents()


async def one_by_one(spans_processes, step):
    client, times = Client(spans_processes), [0.0]
    client.free.set()

    def clock():
        times.append(times[-1] + step)
        return times[-1]

    async with AsyncGatherer(client, CHUNK_SIZE, QUICK, clock) as gatherer:
        for content in (b'1', b'2', b'3'):
            await gatherer.send(content, {})
            assert client.contents()[-1] == content
        await gatherer.finish()
    return client.contents()


async def failing(error):
    client = Client()
    async with AsyncGatherer(client, CHUNK_SIZE, QUICK, lambda: 0) as gatherer:
        await begin(gatherer, client)
        client.error = error
        client.free.set()
        await gatherer.finish()


async def left():
    """Return what was sent where the response is broken off while a piece is on its way."""
    client = Client()
    async with AsyncGatherer(client, CHUNK_SIZE, QUICK, lambda: 0) as gatherer:
        await begin(gatherer, client)
        await gatherer.send(b'3', {})
        task = gatherer._task
    return task.cancelled(), client.contents()
