"""
Async views and middleware, for the Djangos that have them.

Python 2 can't read this file; only test_http_async imports it.
"""
import asyncio

from asgiref.sync import sync_to_async
from django.channels import Channel
from django.channels.exceptions import ResponseLater
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import re_path


async def hello(request):
    await asyncio.sleep(0)
    return HttpResponse('hello', content_type='text/plain')


async def fail(request):
    raise ValueError('the view failed')


async def announce(request):
    Channel('news', channel_layer=request.message.channel_layer).send({'by': 'the view'})
    await sync_to_async(Channel('news', channel_layer=request.message.channel_layer).send)({'by': 'a function'})
    if request.GET:
        raise ValueError('the view failed')
    return HttpResponse('announced', content_type='text/plain')


async def later(request):
    raise ResponseLater()


async def stream(request):
    async def parts():
        for number in range(3):
            await asyncio.sleep(0)
            yield b'part %d' % number
    return StreamingHttpResponse(parts(), content_type='text/plain')


urlpatterns = [
    re_path(r'^$', hello),
    re_path(r'^fail/$', fail),
    re_path(r'^announce/$', announce),
    re_path(r'^later/$', later),
    re_path(r'^stream/$', stream),
]


def async_only(get_response):
    """Middleware that can't be called synchronously."""
    async def middleware(request):
        response = await get_response(request)
        response['X-Async'] = '1'
        return response
    return middleware


async_only.sync_capable = False
async_only.async_capable = True
