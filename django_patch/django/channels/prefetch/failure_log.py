"""
The log of sends that a layer was not there for: a line for each outage.

Every consumer that sends would write one, with what each server said.
"""
from __future__ import absolute_import

import logging
import threading
import weakref

from ..compat.forks import call_in_forked
from ..layers.clock import SYSTEM_CLOCK
from ..layers.repeats import Repeats

__all__ = ['FailureLog', 'failure_log']

logger = logging.getLogger('django.channels')


class FailureLog(object):
    """Logs the first failure of each kind that each layer has, whichever thread meets it."""

    def __init__(self, clock=SYSTEM_CLOCK):
        self._clock = clock
        self.forget()

    def forget(self):
        """Begin again, as in a process that was forked while a thread held the lock."""
        self._lock = threading.Lock()
        self._repeats = weakref.WeakKeyDictionary()

    def failed(self, layer, kind, number, message, *arguments):
        """
        Log `message` with `arguments`, about `number` sends to `layer`.

        If one of its `kind` was logged of late, count it instead.
        """
        with self._lock:
            repeats = self._repeats.get(layer)
            if repeats is None:
                repeats = self._repeats[layer] = Repeats(self._clock.monotonic)
            repeats.log(logger, logging.ERROR, kind, number, message, *arguments)


#: That of this process.
failure_log = FailureLog()
call_in_forked(failure_log.forget)
