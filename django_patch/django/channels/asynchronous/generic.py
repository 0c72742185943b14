"""
The steps of a WebsocketConsumer around its methods, where those are async.
"""
from asgiref.sync import sync_to_async

from ..compat.coroutines import is_async_consumer, is_coroutine, is_coroutine_function
from ..exceptions import MalformedFrame


async def call(function, *args, **kwargs):
    """Call a function or coroutine function, the former in a thread; return its result."""
    if is_coroutine_function(function):
        return await function(*args, **kwargs)
    return await sync_to_async(function)(*args, **kwargs)


async def run_deferred(consumer):
    """Call what the method of `consumer` has left to be called; see WebsocketDemultiplexer."""
    for function in consumer.deferred:
        result = function() if is_async_consumer(function.func) else await sync_to_async(function)()
        # An instance, where it is a class.
        result = getattr(result, 'outcome', result)
        if is_coroutine(result):
            await result


async def call_own(consumer, raw, name, message, kwargs):
    """
    Call the method `raw` that a project has of its own, and then `name`, which the one that it overrides calls.

    It may be of before there was async code: what it does first, or refuses,
    holds for the async method, too.
    """
    method = getattr(consumer, raw)
    if is_coroutine_function(method):
        # It awaits the one that it overrides.
        await method(message, **kwargs)
        return
    calls = []
    setattr(consumer, name, lambda *args, **kwargs: calls.append((args, kwargs)))
    try:
        await sync_to_async(method)(message, **kwargs)
    finally:
        delattr(consumer, name)
    for args, named in calls:
        await call(getattr(consumer, name), *args, **named)


def connect_of(consumer):
    """Return the coroutine function for "websocket.connect"."""
    async def raw_connect(message, **kwargs):
        groups = consumer.groups_of(message, kwargs)
        try:
            if consumer.has_own('raw_connect'):
                await call_own(consumer, 'raw_connect', 'connect', message, kwargs)
            else:
                for group in groups:
                    await group.aadd(message.reply_channel)
                await call(consumer.connect, message, **kwargs)
            await run_deferred(consumer)
        except BaseException:
            for group in groups:
                await group.adiscard(message.reply_channel)
            raise
    return raw_connect


def receive_of(consumer):
    """Return the coroutine function for "websocket.receive"."""
    async def raw_receive(message, **kwargs):
        if consumer.has_own('raw_receive'):
            result = call_own(consumer, 'raw_receive', 'receive', message, kwargs)
        elif is_coroutine_function(consumer.receive):
            result = consumer.raw_receive(message, **kwargs)
        else:
            result = await sync_to_async(consumer.raw_receive)(message, **kwargs)
        try:
            if is_coroutine(result):
                await result
            await run_deferred(consumer)
        except MalformedFrame as error:
            # Of receive(), or let through by an async malformed().
            if error is consumer.malformed_error:
                raise
            result = consumer.malformed(error, **kwargs)
            if is_coroutine(result):
                await result
    return raw_receive


def disconnect_of(consumer):
    """Return the coroutine function for "websocket.disconnect"."""
    async def raw_disconnect(message, **kwargs):
        if consumer.has_own('raw_disconnect'):
            await call_own(consumer, 'raw_disconnect', 'disconnect', message, kwargs)
        else:
            for group in consumer.groups_of(message, kwargs):
                await group.adiscard(message.reply_channel)
            await call(consumer.disconnect, message, **kwargs)
        await run_deferred(consumer)
    return raw_disconnect


#: Method of method_mapping -> (what a project overrides, what runs that).
METHODS = {
    'raw_connect': ('connect', connect_of),
    'raw_receive': ('receive', receive_of),
    'raw_disconnect': ('disconnect', disconnect_of),
}
