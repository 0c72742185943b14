"""
Async code, where Python and Django have it.

Django runs async views from 3.1 on.
"""
from __future__ import absolute_import

import functools
import inspect

from .abilities import SUPPORTS_ASYNC

__all__ = [
    'SUPPORTS_ASYNC', 'WHAT_ASYNC_NEEDS', 'is_async_consumer', 'is_async_iterator', 'is_coroutine',
    'is_coroutine_function', 'is_unrun',
]

WHAT_ASYNC_NEEDS = 'Django 3.1 or later and Python 3.7 or later'

# Python 2 has no such functions, and none to tell.
_is_coroutine_function = getattr(inspect, 'iscoroutinefunction', lambda function: False)
is_coroutine = getattr(inspect, 'iscoroutine', lambda value: False)
_is_async_generator = getattr(inspect, 'isasyncgen', lambda value: False)
_is_awaitable = getattr(inspect, 'isawaitable', lambda value: False)


def is_coroutine_function(consumer):
    """Return whether calling `consumer`, a function or a callable object, makes a coroutine."""
    while isinstance(consumer, functools.partial):
        consumer = consumer.func
    return (
        _is_coroutine_function(consumer) or
        # What Django's as_view() of an async view, and asgiref, mark so.
        getattr(consumer, '_is_coroutine', None) is not None or
        not inspect.isclass(consumer) and _is_coroutine_function(getattr(consumer, '__call__', None))
    )


def is_async_consumer(consumer):
    """Return whether `consumer`, a function or a class, has async code to run."""
    # A class-based one by what it lets a project override.
    methods = [getattr(consumer, name, None) for name in ('connect', 'receive', 'disconnect')]
    mapping = getattr(consumer, 'method_mapping', None)
    if isinstance(mapping, dict):
        methods += [getattr(consumer, name, None) for name in mapping.values()]
    streams = getattr(consumer, 'consumers', None)
    return (
        is_coroutine_function(consumer) or any(is_coroutine_function(method) for method in methods) or
        isinstance(streams, dict) and any(is_async_consumer(stream) for stream in streams.values())
    )


def is_unrun(value):
    """Return whether `value`, which isn't None, is code that has not run: a generator, or something to await."""
    return inspect.isgenerator(value) or _is_async_generator(value) or _is_awaitable(value)


def is_async_iterator(response):
    """Return whether a streaming response has its content from an async iterator."""
    return getattr(response, 'is_async', False) is True
