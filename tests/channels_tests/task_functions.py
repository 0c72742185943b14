"""Tasks of Django, for test_tasks; only where Django or its backport has them."""
from __future__ import absolute_import, unicode_literals

import asyncio
import threading

from django.channels.compat.django_tasks import task

#: What tasks saw, and what is to go wrong.
seen, errors = [], []
#: Set by `endless`.
started = threading.Event()


@task
def add(a, b):
    """Return the sum."""
    seen.append((a, b))
    if errors:
        raise errors.pop()
    return a + b


@task(takes_context=True)
def tell(context):
    """Return what the context knows."""
    return [context.attempt, context.task_result.status.value]


@task
async def wait(a):
    """Return it in a list, after a moment."""
    await asyncio.sleep(0)
    return [a]


@task
async def meet(number):
    """Return the thread's name, once so many run at once; raise what is in `errors`."""
    seen.append(threading.current_thread().name)
    for _ in range(1000):
        if len(seen) >= number:
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError('Only %d were there at once.' % len(seen))
    if errors:
        raise errors.pop()
    return seen[-1]


@task
async def endless():
    """Note that it runs, and never return."""
    seen.append('runs')
    started.set()
    await asyncio.sleep(3600)


@task
def shapeless():
    """Return what JSON can't hold."""
    return object()
