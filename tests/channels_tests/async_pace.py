"""What the test of an async view's pace awaits; imported where Python and Django have async code."""
import asyncio

from django.channels.asynchronous.views import AsyncClient

from .http_tools import make_message


async def most_that_waited(layer, process, piece):
    """Send 50 times `piece` to a server that takes one now and then; return how many waited for it at most."""
    client = AsyncClient(make_message(channel_layer=layer, reply_channel=process + 'client'), timeout=300)
    waiting = []

    async def send():
        for _ in range(50):
            await client.send(piece)
            waiting.append(layer.count_waiting(process + 'client'))

    task = asyncio.ensure_future(send())
    while not task.done():
        await asyncio.sleep(0.003)
        layer.receive([process])
    await task
    return max(waiting)
