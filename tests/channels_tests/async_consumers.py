"""
Async consumers and views, for the Djangos that have them.

Python 2 can't read this file; only test_asynchronous imports it.
"""
import asyncio
import functools
import threading

from asgiref.sync import sync_to_async
from django.channels import Channel, Group
from django.channels.auth import channel_session_user
from django.channels.exceptions import DenyConnection, MalformedFrame
from django.channels.generic.websockets import JsonWebsocketConsumer, WebsocketConsumer, WebsocketDemultiplexer
from django.channels.http.handler import ChannelHandler
from django.channels.security.websockets import allowed_hosts_only
from django.channels.sessions import channel_session, enforce_ordering
from django.contrib.auth import get_user_model
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import re_path

#: What consumers saw, and what generators did at their end.
seen = []
#: Set by what waits for a test.
waits = threading.Event()
#: Set by a test for what waits.
goes_on = threading.Event()


async def echo(message):
    await asyncio.sleep(0)
    message.reply_channel.send({'text': message['text']})


async def fail(message):
    await message.reply_channel.asend({'text': 'never sent'})
    raise ValueError('of the consumer')


async def cancelled(message):
    raise asyncio.CancelledError()


async def leave_in_a_task(message):
    async def leave():
        raise SystemExit(1)
    # Its exception is looked at, so that asyncio has nothing to say.
    asyncio.get_running_loop().create_task(leave()).add_done_callback(lambda task: task.exception())


async def where(message):
    seen.append(threading.current_thread().name)


async def respond_in_a_thread(message):
    """Has a handler answer in a thread that knows nothing of the message's."""
    def respond():
        return list(ChannelHandler()(message))
    for reply in await asyncio.get_running_loop().run_in_executor(None, respond):
        await message.reply_channel.asend(reply)


async def meet(message):
    """Waits until as many run as the message says."""
    seen.append(message['number'])
    while len(seen) < message['number']:
        await asyncio.sleep(0.001)
    await Channel('done', channel_layer=message.channel_layer).asend({})


async def endless(message):
    waits.set()
    try:
        await asyncio.Event().wait()
    finally:
        seen.append('closed')


async def yields(message):
    yield


def promises(message):
    loop = asyncio.new_event_loop()
    loop.close()
    return loop.create_future()


async def block(message):
    """Waits without giving the event loop back."""
    waits.set()
    goes_on.wait(30)


async def ignore(message):
    """Waits, whether it is cancelled or not."""
    waits.set()
    while not goes_on.is_set():
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            pass


async def join(message):
    group = Group('g', channel_layer=message.channel_layer)
    await group.aadd(message.reply_channel)
    await group.aadd('p!other')
    await group.adiscard('p!other')
    await group.asend({'text': 'hello'}, immediately=True)


@channel_session
async def count(message):
    message.channel_session['n'] = message.channel_session.get('n', 0) + 1
    seen.append(message.channel_session['n'])


@channel_session_user
async def who(message):
    seen.append(message.user.is_authenticated)


@enforce_ordering
async def ordered(message):
    await asyncio.sleep(0)
    seen.append(message['order'])
    if message.get('fails'):
        raise ValueError('on purpose')


def loud(func):
    """A decorator of a project, which knows nothing of coroutines."""
    @functools.wraps(func)
    def inner(message):
        seen.append('called')
        return func(message)
    return inner


#: `count` and `ordered`, with a decorator in between that isn't async.
loud_count = channel_session(loud(count.__wrapped__))
loud_ordered = enforce_ordering(loud(ordered.__wrapped__.__wrapped__))
checked_ordered = enforce_ordering(allowed_hosts_only(ordered.__wrapped__.__wrapped__))


async def users(message):
    seen.append(await sync_to_async(get_user_model().objects.count)())


class Echo(WebsocketConsumer):
    groups = ['g']

    async def connect(self, message, **kwargs):
        await message.reply_channel.asend({'accept': True})

    async def receive(self, text=None, bytes=None, **kwargs):
        await asyncio.sleep(0)
        self.send(text=text, bytes=bytes)

    async def disconnect(self, message, **kwargs):
        seen.append(('disconnect', kwargs))


class Picky(JsonWebsocketConsumer):
    #: How often malformed() was called.
    asked = 0

    async def receive(self, content, **kwargs):
        await asyncio.sleep(0)
        raise MalformedFrame('Not %r.' % content)

    async def malformed(self, error, **kwargs):
        type(self).asked += 1
        raise error


class AsyncStream(JsonWebsocketConsumer):

    async def connect(self, message, multiplexer, **kwargs):
        await asyncio.sleep(0)
        seen.append(('connect', multiplexer.stream, threading.current_thread().name))

    async def receive(self, content, multiplexer, **kwargs):
        await asyncio.sleep(0)
        if content.get('bad'):
            raise MalformedFrame('bad')
        multiplexer.send({'got': content})


class SyncStream(JsonWebsocketConsumer):

    def connect(self, message, multiplexer, **kwargs):
        seen.append(('connect', multiplexer.stream, threading.current_thread().name))

    def receive(self, content, multiplexer, **kwargs):
        multiplexer.send({'sync': content})


async def stream(message, multiplexer):
    await asyncio.sleep(0)
    seen.append((message.channel.name, multiplexer.stream, threading.current_thread().name))


class Streams(WebsocketDemultiplexer):
    consumers = {'async': AsyncStream, 'sync': SyncStream, 'function': stream}

    def connect(self, message, **kwargs):
        # As many do it: the result is dropped.
        super().connect(message, **kwargs)


class Checking:
    """A mixin of before there was async code, with methods around those of the class."""

    def raw_connect(self, message, **kwargs):
        if message['path'] == '/no/':
            raise DenyConnection()
        seen.append('connects')
        super().raw_connect(message, **kwargs)

    def raw_receive(self, message, **kwargs):
        if message['text'] != 'no':
            super().raw_receive(message, **kwargs)

    def raw_disconnect(self, message, **kwargs):
        seen.append('disconnects')
        super().raw_disconnect(message, **kwargs)


class Checked(Checking, Echo):
    pass


class AwaitedBase(Echo):

    async def raw_connect(self, message, **kwargs):
        await super().raw_connect(message, **kwargs)
        self.send(text='welcome')


class Failing(WebsocketConsumer):
    groups = ['g']

    async def connect(self, message, **kwargs):
        raise ValueError('on purpose')


class Json(JsonWebsocketConsumer):
    channel_session = True

    async def receive(self, content, **kwargs):
        self.send({'got': content})


async def hello(request):
    seen.append(threading.current_thread().name)
    return HttpResponse('hello', content_type='text/plain')


async def read(request):
    return HttpResponse(request.body, content_type='text/plain')


def plain(request):
    seen.append(threading.current_thread().name)
    return HttpResponse('plain', content_type='text/plain')


async def leave(request):
    raise SystemExit(1)


async def ticks():
    try:
        number = 0
        while True:
            yield b'tick %d' % number
            number += 1
            await asyncio.sleep(0.01)
    finally:
        seen.append('closed')


async def silence():
    try:
        yield b'first'
        await asyncio.Event().wait()
    finally:
        seen.append('closed')


async def breaks():
    yield b'first'
    raise ValueError('of the stream')


async def stream(request, parts):
    return StreamingHttpResponse({'ticks': ticks, 'silence': silence, 'breaks': breaks}[parts]())


def stream_of_a_plain_view(request):
    return StreamingHttpResponse(silence())


urlpatterns = [
    re_path(r'^hello/$', hello),
    re_path(r'^read/$', read),
    re_path(r'^plain/$', plain),
    re_path(r'^leave/$', leave),
    re_path(r'^stream/(?P<parts>\w+)/$', stream),
    re_path(r'^plain-stream/$', stream_of_a_plain_view),
]


async def send_or_fail(message):
    """Fail with what the message has as "error", or send to the channel that is its "out"."""
    if 'error' in message:
        raise ValueError(message['error'])
    Channel(message['out'], channel_layer=message.channel_layer).send({})
