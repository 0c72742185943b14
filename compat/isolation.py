"""
Isolation of a call from the state of its thread: context variables, language,
time zone, script prefix and URLconf are restored after it.

From Python 3.7 on a call gets a copy of the context, which Django's newer
versions keep all of that in (by asgiref.local). What older ones keep in
thread-locals is put back by hand; delete that when Django < 3.0 and Python
3.7 support end.
"""
from __future__ import absolute_import

import sys
import threading

try:
    from contextvars import copy_context
except ImportError:
    copy_context = None

__all__ = ['run_isolated']

#: Where Django keeps what it keeps for a thread: (module, its local). Those of
#: modules that nobody has imported hold nothing. A version has one of the last
#: two modules.
_LOCALS = (
    ('django.utils.translation.trans_real', '_active'), ('django.utils.timezone', '_active'),
    ('django.urls.base', '_prefixes'), ('django.urls.base', '_urlconfs'),
    ('django.core.urlresolvers', '_prefixes'), ('django.core.urlresolvers', '_urlconfs'),
)
_HELD_BY_A_VERSION = 4
_MISSING = object()
_found = set()
#: The locals that no context has.
_thread_locals = []


def _look_for_locals():
    for name in _LOCALS:
        module = sys.modules.get(name[0])
        if name not in _found and hasattr(module, name[1]):
            _found.add(name)
            local = getattr(module, name[1])
            if isinstance(local, threading.local) or not _uses_contexts(local):
                _thread_locals.append(local)


def _uses_contexts(local):
    # asgiref's Local does from 3.7 on, under Python 3.7 and later.
    return copy_context is not None and type(getattr(local, '_storage', None)).__name__ == '_CVar'


def run_isolated(function, *args):
    """Call `function` with `args` and return its result; put back what it changed for this thread."""
    if len(_found) < _HELD_BY_A_VERSION:
        _look_for_locals()
    before = [(local, getattr(local, 'value', _MISSING)) for local in _thread_locals] if _thread_locals else ()
    try:
        if copy_context is None:
            return function(*args)
        return copy_context().run(function, *args)
    finally:
        for local, value in before:
            if value is not _MISSING:
                local.value = value
            elif hasattr(local, 'value'):
                del local.value
