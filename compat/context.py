"""
Context variables: a value for each thread and the tasks that it waits for.

An async view runs in a thread of its own, with the context of the thread that
waits for it. Python has had contexts since 3.7; before, there are no async
views either, and a thread will do. Delete the other half when Python 3.6
support ends.
"""
from __future__ import absolute_import

import sys
import threading

__all__ = ['ContextVar']

if sys.version_info >= (3, 7):
    from contextvars import ContextVar
else:
    class ContextVar(threading.local):
        """As much of Python's own as is used: get() and set()."""

        def __init__(self, name, default):
            self.value = default

        def get(self):
            return self.value

        def set(self, value):
            self.value = value
