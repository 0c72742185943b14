"""
Decorators for async consumers: their sync half runs in a thread.
"""
import functools
import sys

from asgiref.sync import sync_to_async

from ..exceptions import ConsumeLater


async def _call(func, args, kwargs):
    return await func(*args, **kwargs)


def decorate(manager, func, find_message, assigned):
    """As decorators.decorator_from_context(), for a coroutine function."""
    @functools.wraps(func, assigned=assigned)
    async def inner(*args, **kwargs):
        context = manager(find_message(args, kwargs))
        # Sessions are read and saved there.
        await sync_to_async(context.__enter__)()
        return await leave_after(context, _call(func, args, kwargs))
    return inner


async def leave_after(context, coroutine):
    """Return the result of `coroutine`, and leave the context manager `context`, which was entered, then."""
    try:
        result = await coroutine
    except BaseException:
        if not await sync_to_async(context.__exit__)(*sys.exc_info()):
            raise
        return None
    await sync_to_async(context.__exit__)(None, None, None)
    return result


def in_order(func, find_message, is_early, wait, *steps):
    """As ordering.enforce_ordering(), of whose steps it is told, for a coroutine function."""
    @functools.wraps(func)
    async def inner(*args, **kwargs):
        message = find_message(args, kwargs)
        if is_early(message):
            await sync_to_async(wait)(message)
            return
        await finish_in_order(message, _call(func, args, kwargs), *steps)
    return inner


async def finish_in_order(message, coroutine, flush, give_up, pass_on):
    """Run `coroutine`, a consumer's for `message`, whose turn it is, and then the steps of enforce_ordering()."""
    try:
        await coroutine
        await sync_to_async(flush)()
    except ConsumeLater as later:
        later.if_dropped = functools.partial(give_up, message)
        raise
    except BaseException:
        await sync_to_async(give_up)(message)
        raise
    await sync_to_async(pass_on)(message, message.channel_session)
