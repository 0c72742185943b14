"""
The steps of a WebsocketConsumer around its methods, where those are async.
"""
from ..compat.coroutines import is_coroutine
from ..exceptions import MalformedFrame


def connect_of(consumer):
    """Return the coroutine function for "websocket.connect"."""
    async def raw_connect(message, **kwargs):
        groups = consumer.groups_of(message, kwargs)
        for group in groups:
            await group.aadd(message.reply_channel)
        try:
            await consumer.connect(message, **kwargs)
        except BaseException:
            for group in groups:
                await group.adiscard(message.reply_channel)
            raise
    return raw_connect


def receive_of(consumer):
    """Return the coroutine function for "websocket.receive"."""
    async def raw_receive(message, **kwargs):
        result = consumer.raw_receive(message, **kwargs)
        if not is_coroutine(result):
            return
        try:
            await result
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
        for group in consumer.groups_of(message, kwargs):
            await group.adiscard(message.reply_channel)
        await consumer.disconnect(message, **kwargs)
    return raw_disconnect


#: Method of method_mapping -> (what a project overrides, what runs that).
METHODS = {
    'raw_connect': ('connect', connect_of),
    'raw_receive': ('receive', receive_of),
    'raw_disconnect': ('disconnect', disconnect_of),
}
