"""
Async views and middleware, and responses that stream from async iterators.
"""
import asyncio
import functools
import logging
import sys
import time
from importlib import import_module

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.db import connections

from .. import outbox
from ..compat import URLS_MODULE
from ..compat.coroutines import is_async_iterator
from ..layers.backoff import Backoff
from ..layers.pace import LONGEST_PAUSE, pace
from ..names import disconnect_channel
from ..request_log import facts_of
from .bridging import close
from .loop import in_thread
from .pieces import AsyncGatherer
from .watch import watch

logger = logging.getLogger('django.request')
urls = import_module(URLS_MODULE)

#: Seconds between two tries to send to a client that reads slowly.
FIRST_PAUSE, LAST_PAUSE = 0.005, 1.0
_END = object()


class AsyncClient:
    """
    The recipient of the replies to `message`, while its task runs.

    `timeout` is how many seconds one reply may wait for room. When the client
    leaves, the task that entered it as a context manager is cancelled.
    """

    def __init__(self, message, timeout):
        self.channel_layer = message.channel_layer
        self.reply_channel = message.reply_channel.name
        self.timeout = timeout
        self.message = message
        self.has_left = False
        self.has_started = False
        self._disconnect_channel = disconnect_channel(self.reply_channel)

    def __enter__(self):
        self._task = asyncio.current_task()
        if self._disconnect_channel is not None:
            watch.add(self.channel_layer, self._disconnect_channel, self._leave)
        return self

    def __exit__(self, *error):
        watch.remove(self.channel_layer, self._disconnect_channel)

    def _leave(self):
        self.has_left = True
        self._task.cancel()

    async def _let_catch_up(self):
        """Pause while the server is behind."""
        backoff, until = pace.backoff(), time.monotonic() + LONGEST_PAUSE
        while await in_thread(pace.is_behind, self.channel_layer, self.reply_channel) and time.monotonic() < until:
            await asyncio.sleep(backoff.next_pause())

    async def send(self, reply):
        """Send `reply`; raise the layer's ChannelFull if there was no room in time."""
        if pace.has_to_look(self.reply_channel, len(reply.get('content', b''))):
            await self._let_catch_up()
        deadline, backoff = time.monotonic() + self.timeout, Backoff(FIRST_PAUSE, LAST_PAUSE)
        while True:
            try:
                await in_thread(self.channel_layer.send, self.reply_channel, reply)
            except self.channel_layer.ChannelFull:
                if time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(backoff.next_pause())
            else:
                self.has_started = True
                return


class _OwnThread(ThreadSensitiveContext):
    """
    A context with a thread of its own, also inside of another.

    That of asgiref has the thread of the one around it, that of the whole
    message, and would end nothing here.
    """

    async def __aenter__(self):
        self.token = SyncToAsync.thread_sensitive_context.set(self)
        return self


async def respond(handler, message, timeout):
    """
    Answer `message`, an "http.request" Message, by the async `handler`.

    As http.handler.ViewConsumer does with a sync one; `timeout` is its
    `send_timeout`.
    """
    prefix = urls.get_script_prefix()
    client = AsyncClient(message, timeout)
    try:
        # Left before a response streams, which may be for hours: it owns a
        # thread.
        async with _OwnThread():
            request, response = await _get_response(handler, message)
            if not response.streaming:
                await _finish(handler, client, request, response, sync_to_async)
            # Those of the thread that ends here.
            await sync_to_async(connections.close_all)()
            if not response.streaming:
                return
        await _finish(handler, client, request, response, _in_any_thread)
    finally:
        urls.set_script_prefix(prefix)


def _in_any_thread(function):
    return functools.partial(in_thread, function)


async def _finish(handler, client, request, response, to_thread):
    try:
        if not handler.is_answered_otherwise(request, response):
            await _send(handler, client, request, response)
    except client.channel_layer.channel_layer.ChannelFull:
        logger.warning(
            'Gave up on a response to %s: for %s seconds there was no room in %s.', request.path, client.timeout,
            client.reply_channel, extra=dict(facts_of(client.message), status_code=503)
        )
    finally:
        await to_thread(response.close)()


async def _get_response(handler, message):
    request = None
    try:
        handler.load_once()
        try:
            request = handler.request_class(message)
        except handler.bad_request_errors as error:
            await sync_to_async(signals.request_started.send)(sender=type(handler), message=message, environ={})
            response = handler.bad_request(error, message)
        else:
            urls.set_script_prefix(request.script_name)
            await sync_to_async(signals.request_started.send)(
                sender=type(handler), message=message, environ=request.META
            )
            # A view that reads it would hold up the event loop.
            await in_thread(request.receive_body)
            response = handler.end_request(request, await handler.get_response_async(request))
            held = outbox.current()
            if held is not None and held.has_jobs:
                response = await in_thread(handler.send_jobs, request, response, held)
    except BaseException as error:
        if not isinstance(error, Exception):
            handler.drop_sends()
        response = handler.uncaught_error(request, sys.exc_info())
    response._handler_class = type(handler)
    return request, response


async def _send(handler, client, request, response):
    if not response.streaming or not handler.has_body(request, response):
        for reply in handler.encode(request, response):
            await client.send(reply)
        return
    try:
        with client:
            await _stream(handler, client, response)
    except asyncio.CancelledError:
        if client.has_left:
            logger.info('Client went away: %s', request.path)
            if hasattr(client._task, 'uncancel'):
                client._task.uncancel()
        else:
            # The worker ends, or the iterator let one out.
            await _break_off(client)
    except client.channel_layer.ChannelFull:
        raise
    except BaseException:
        error = handler.uncaught_error(request, sys.exc_info())
        if client.has_started:
            await _break_off(client)
        else:
            for reply in handler.encode(request, error):
                await client.send(reply)
    finally:
        if is_async_iterator(response):
            await close(response)


async def _stream(handler, client, response):
    head = handler.head_of(response)
    client.message.is_streaming = True
    async with AsyncGatherer(client, handler.chunk_size, handler.quick) as gatherer:
        async for part in _parts(response):
            for piece in handler.split(part):
                if piece:
                    await gatherer.send(piece, head)
                    head = {}
        await gatherer.finish()
    await client.send(dict(head, content=b'', more_content=False))


async def _parts(response):
    if is_async_iterator(response):
        async for part in response:
            yield part
        return
    iterator = iter(response)
    while True:
        part = await sync_to_async(next)(iterator, _END)
        if part is _END:
            return
        yield part


async def _break_off(client):
    # What came so far must not look complete.
    if client.has_started:
        await client.send({'content': b'', 'more_content': False, 'closed': True})
    else:
        await client.send({'status': 503, 'headers': [], 'content': b'', 'more_content': False})
