"""
Why an async consumer was cancelled: its time was over, or its worker ends.
"""
import asyncio
import contextvars

from ..exceptions import TimeLimitExceeded

# The Consumption whose consumer runs in this context, and the AsyncTasks.
_running = contextvars.ContextVar('running', default=None)


def note_running(consumption, async_tasks):
    """Note that the calling asyncio task, one of `async_tasks`, runs the consumer of `consumption`."""
    _running.set((consumption, async_tasks))


def is_end_of_worker(error):
    """Return whether `error`, which a consumer let out, means that its worker ends, and could not wait for it."""
    running = _running.get()
    if running is None or not isinstance(error, asyncio.CancelledError):
        return False
    consumption, async_tasks = running
    return async_tasks.is_cancelling and not consumption.is_overdue


def meaning_of(error):
    """Return `error`, or the TimeLimitExceeded that it stands for."""
    running = _running.get()
    if running is None or not isinstance(error, asyncio.CancelledError) or not running[0].is_overdue:
        return error
    return TimeLimitExceeded('The consumer took longer than the time limit.').with_traceback(error.__traceback__)
