"""
Decorators for async consumers: their sync half runs in a thread.
"""
import functools
import sys

from asgiref.sync import sync_to_async

from ..exceptions import ConsumeLater


def decorate(manager, func, find_message, assigned):
    """As decorators.decorator_from_context(), for a coroutine function."""
    @functools.wraps(func, assigned=assigned)
    async def inner(*args, **kwargs):
        context = manager(find_message(args, kwargs))
        # Sessions are read and saved there.
        await sync_to_async(context.__enter__)()
        try:
            result = await func(*args, **kwargs)
        except BaseException:
            if not await sync_to_async(context.__exit__)(*sys.exc_info()):
                raise
            return None
        await sync_to_async(context.__exit__)(None, None, None)
        return result
    return inner


def in_order(func, find_message, is_early, wait, flush, give_up, pass_on):
    """As ordering.enforce_ordering(), of whose steps it is told, for a coroutine function."""
    @functools.wraps(func)
    async def inner(*args, **kwargs):
        message = find_message(args, kwargs)
        if is_early(message):
            await sync_to_async(wait)(message)
            return
        try:
            await func(*args, **kwargs)
            await sync_to_async(flush)()
        except ConsumeLater as later:
            later.if_dropped = functools.partial(give_up, message)
            raise
        except BaseException:
            await sync_to_async(give_up)(message)
            raise
        await sync_to_async(pass_on)(message, message.channel_session)
    return inner
