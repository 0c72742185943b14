"""
A response's async iterator in a thread that has to send it: piece by piece.
"""
import asyncio
import concurrent.futures

from .loop import event_loop

#: Seconds for an iterator to end once nobody wants more of it.
CLOSE_TIMEOUT = 2.0
#: Seconds between two looks whether anybody still waits.
LOOK_INTERVAL = 1.0
_END = object()


async def _next(iterator):
    try:
        return await iterator.__anext__()
    except StopAsyncIteration:
        return _END


async def close(response):
    """Close the async iterator that `response` was made with."""
    aclose = getattr(getattr(response, '_iterator', None), 'aclose', None)
    if aclose is not None:
        await aclose()


def iterate(response):
    """
    Yield the parts of a streaming `response` with an async iterator.

    It runs on the process's event loop. Yield None whenever nothing has come
    for `LOOK_INTERVAL`, for the caller to look whether anybody still waits.
    """
    loop = event_loop()
    iterator = response.__aiter__()
    future = None
    try:
        while True:
            future = asyncio.run_coroutine_threadsafe(_next(iterator), loop)
            part = None
            while part is None:
                try:
                    part = future.result(LOOK_INTERVAL)
                except (concurrent.futures.TimeoutError, TimeoutError):
                    if future.done():
                        # The iterator's own.
                        raise
                    yield None
            if part is _END:
                return
            yield part
    finally:
        if future is not None and not future.done():
            future.cancel()
        asyncio.run_coroutine_threadsafe(close(response), loop).result(CLOSE_TIMEOUT)
