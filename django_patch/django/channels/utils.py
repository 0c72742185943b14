"""
A helper that applications of the 1.x family import; nothing here needs it.
"""
from __future__ import absolute_import

__all__ = ['name_that_thing']


def name_that_thing(thing):
    """
    Return the dotted name of a function, method or class as text.

    For any other object it is that of its class, and for what has neither
    its repr().
    """
    owner = getattr(thing, '__self__', None)
    if owner is not None and hasattr(thing, '__func__'):
        return '%s.%s' % (name_that_thing(owner), thing.__name__)
    name = getattr(thing, '__name__', None)
    if name is None or not hasattr(thing, '__module__'):
        return name_that_thing(type(thing)) if name is None else repr(thing)
    return '%s.%s' % (thing.__module__, name)
