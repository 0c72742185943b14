"""
Async views and consumers, for the Djangos that have them.

Python 2 can't read this file; nobody there imports it.
"""
import asyncio
import resource
import time

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse

from .endings import WAYS

#: How many streams are open, and how many have ended.
streams = {'open': 0, 'ended': 0}
#: How many naps have begun, and how many weren't cut short.
naps = {'begun': 0, 'napped': 0}


async def end(how):
    """End in the way `how`."""
    if how == 'waits for ever':
        await asyncio.Event().wait()
    WAYS[how]()


async def ending(request):
    """End as the query string says."""
    if request.GET['how'] == 'a stream raises':
        return StreamingHttpResponse(broken())
    await end(request.GET['how'])
    return HttpResponse('It goes on.')


async def broken():
    yield b'a part'
    # Not in the same breath, lest the first part leaves with the end.
    await asyncio.sleep(0.1)
    raise ValueError('of a stream')


async def ending_frame(message):
    """End as the frame says."""
    await end(message['text'])


async def echo(message):
    """Send a frame back as it came."""
    await asyncio.sleep(0)
    await message.reply_channel.asend({'text': message['text']})


async def nap(request):
    """Take a second."""
    naps['begun'] += 1
    await asyncio.sleep(1)
    naps['napped'] += 1
    return HttpResponse('refreshed')


async def events(request):
    """Stream an event a second, for ever."""
    async def parts():
        streams['open'] += 1
        try:
            while True:
                yield 'data: %.3f\n\n' % time.time()
                await asyncio.sleep(1)
        finally:
            streams['open'] -= 1
            streams['ended'] += 1
    return StreamingHttpResponse(parts(), content_type='text/event-stream')


def counts(request):
    """Tell how many streams and naps there are in this process, and what it has held at most, in kB."""
    return JsonResponse(dict(streams, **naps, kilobytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
