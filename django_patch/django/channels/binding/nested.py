"""
Saves that are under way, of which one may be part of another.
"""
from __future__ import absolute_import

import collections
import threading
import weakref

#: In the place of whether an instance was new: its save was told of already.
_TOLD = object()


class Saves(threading.local):
    """
    The instances that a binding has seen pre_save of, and not yet post_save.

    A save that fails has no post_save, so they are held weakly, and have to be
    compared with the database before anything is told of them.
    """

    def __init__(self):
        #: id(instance) -> (reference, alias of database, whether it was new).
        self._running = collections.OrderedDict()

    def begin(self, instance, using):
        """Note that the save of `instance` to the database `using` begins."""
        for key in [key for key, (held, _, _) in self._running.items() if held() is None]:
            del self._running[key]
        self._running[id(instance)] = weakref.ref(instance), using, instance._state.adding

    def end(self, instance):
        """Note that the save of `instance` ends; return whether it is still to be told of."""
        return self._running.pop(id(instance), (None, None, None))[2] is not _TOLD

    def forget(self, instance, **kwargs):
        """Note that the save of `instance` is over, whatever a binding's own receiver of post_save has made of it."""
        self._running.pop(id(instance), None)

    def told(self, instance):
        """Note that the save of `instance`, which goes on, was told of."""
        held, using, _ = self._running[id(instance)]
        self._running[id(instance)] = held, using, _TOLD

    def around(self, instance, using):
        """Return [(another instance of the same object, whether it was new)], the outermost first."""
        running = [(held(), alias, new) for held, alias, new in list(self._running.values())]
        return [
            (other, new) for other, alias, new in running
            if new is not _TOLD and alias == using and other is not None and other is not instance
            and other.pk == instance.pk
        ]
