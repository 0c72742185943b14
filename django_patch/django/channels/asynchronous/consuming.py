"""
An async consumer's message, from its first line to what became of it.
"""
import asyncio

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async
from django.db import connections

from .. import outbox
from ..exceptions import ChannelSocketException, ConsumeLater, MalformedFrame
from ..mounts import set_script_prefix
from ..signals import consumer_finished, consumer_started
from .interruption import is_end_of_worker, meaning_of, note_running
from .loop import in_thread


async def consume(dispatcher, task, coroutine):
    """
    Run the `coroutine` that the consumer of `task`, a Consumption, has made.

    Return what became of the message, as `dispatcher.handle()` does; as
    there, whatever is raised ends it and nothing else.
    """
    if task.span is not None:
        task.span.activate()
    current = asyncio.current_task()
    note_running(task, dispatcher.async_tasks)
    dispatcher.in_progress.tasks[current] = task
    try:
        outcome = await _consume(dispatcher, task, coroutine)
    finally:
        del dispatcher.in_progress.tasks[current], dispatcher.in_progress.submitted[task]
        dispatcher.in_flight.remove(task.slot)
    dispatcher.count(task, outcome)
    return outcome


async def _consume(dispatcher, task, coroutine):
    try:
        async with ThreadSensitiveContext():
            try:
                await _signal(consumer_started, sender=dispatcher.sender, environ={})
                outcome = await _run(dispatcher, task, coroutine)
            finally:
                await _signal(consumer_finished, sender=dispatcher.sender)
                if _has_thread():
                    # It ends with this context, and its connections with it.
                    await sync_to_async(connections.close_all)()
    except BaseException as error:
        # A CancelledError as well: the worker ends, or the consumer let one
        # out. Nothing waits for the task itself.
        if task.receipt is not None and is_end_of_worker(error):
            return await in_thread(dispatcher.requeue, task)
        error = meaning_of(error)
        outcome = await in_thread(dispatcher.fail, task, (type(error), error, error.__traceback__))
    return outcome


def consume_here(dispatcher, task, coroutine):
    """As consume(), in the calling thread, which waits; raise what the consumer raises."""
    return async_to_sync(_run)(dispatcher, task, coroutine)


def run_here(coroutine):
    """Run `coroutine` in the calling thread, and return its result."""
    async def run():
        return await coroutine
    return async_to_sync(run)()


async def _run(dispatcher, task, coroutine):
    set_script_prefix(task.content)
    try:
        with outbox.collected() as held:
            await coroutine
        if task.receipt is not None:
            await in_thread(dispatcher.finish, task, held)
        elif held.has_sends:
            await in_thread(held.deliver)
        return dispatcher.HANDLED
    except ConsumeLater as later:
        return await in_thread(dispatcher.defer, task, later)
    except ChannelSocketException as request:
        return await in_thread(dispatcher.obey, task, request)
    except MalformedFrame as error:
        return await in_thread(dispatcher.refuse_frame, task, error)


async def _signal(signal, **kwargs):
    # Its own receivers look after connections to databases, which the task
    # has only in a thread of sync_to_async(), if there is one yet.
    if len(signal.receivers) > 1 or _has_thread():
        await sync_to_async(signal.send)(**kwargs)


def _has_thread():
    context = SyncToAsync.thread_sensitive_context.get(None)
    return context is not None and context in SyncToAsync.context_to_thread_executor
