"""
Decorators for consumers, made from context managers.
"""
from __future__ import absolute_import

import functools
import sys

from .compat import six
from .compat.coroutines import SUPPORTS_ASYNC, is_coroutine, is_coroutine_function
from .exceptions import NotAMessageError


def decorator_from_context(manager):
    """
    Return a decorator that runs consumers inside of `manager(message)`.

    It takes functions and methods: the message is the first argument that
    isn't `self`.
    """
    def decorator(func):
        # Python 2 insists on all of these, and a callable may lack some.
        present = [name for name in functools.WRAPPER_ASSIGNMENTS if hasattr(func, name)]

        if SUPPORTS_ASYNC and is_coroutine_function(func):
            from .asynchronous.decorating import decorate
            return decorate(manager, func, find_message, present)

        @functools.wraps(func, assigned=present)
        def inner(*args, **kwargs):
            context = manager(find_message(args, kwargs))
            context.__enter__()
            try:
                result = func(*args, **kwargs)
            except BaseException:
                if not context.__exit__(*sys.exc_info()):
                    raise
                return None
            if SUPPORTS_ASYNC and is_coroutine(result):
                # Of a coroutine function inside of a decorator that isn't
                # ours: it has only begun.
                from .asynchronous.decorating import leave_after
                return leave_after(context, result)
            context.__exit__(None, None, None)
            return result
        return inner
    return decorator


def find_message(args, kwargs):
    """
    Return the message a consumer was called with.

    Raise NotAMessageError if there is none.
    """
    for value in args[:2] + tuple(six.itervalues(kwargs)):
        if hasattr(value, 'reply_channel') and hasattr(value, 'content'):
            return value
    raise NotAMessageError('A decorated consumer must be called with a message as its first argument.')
