"""Tasks of Django, for test_tasks; only where Django or its backport has them."""
from __future__ import absolute_import, unicode_literals

import asyncio

from django.channels.compat.django_tasks import task

#: What tasks saw, and what is to go wrong.
seen, errors = [], []


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
def shapeless():
    """Return what JSON can't hold."""
    return object()
