"""
Channel and Group for async code: what speaks to a layer does so in a thread.
"""
from asgiref.sync import sync_to_async


async def asend(send, is_held_back, content, immediately, job):
    """
    Return `send(content, immediately, **job)`.

    It is called here if `is_held_back()` says that it only goes into an
    outbox.
    """
    if not immediately and is_held_back():
        return send(content, **job)
    return await sync_to_async(send)(content, immediately, **job)


async def acall(method, *args):
    """Return what `method`, which speaks to the layer, returns."""
    return await sync_to_async(method)(*args)
