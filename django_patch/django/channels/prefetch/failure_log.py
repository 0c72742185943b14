"""
The log of sends that a layer was not there for: a line for each outage.

Every consumer that sends would write one, with what each server said; the
first says all that there is to say.
"""
from __future__ import absolute_import

import logging
import threading
import weakref

from ..compat.forks import call_in_forked
from ..layers.clock import SYSTEM_CLOCK

__all__ = ['FailureLog', 'failure_log']

logger = logging.getLogger('django.channels')

#: Seconds without a failure of a kind after which one is news again; and those
#: after which it is told again though they never ended.
QUIET, STILL = 60.0, 3600.0


class FailureLog(object):
    """Logs the first failure of each kind, and counts those that follow it."""

    def __init__(self, clock=SYSTEM_CLOCK):
        self._clock = clock
        self.forget()

    def forget(self):
        """Begin again, as in a process that was forked while a thread held the lock."""
        self._lock = threading.Lock()
        # Layer -> kind -> (when it was logged, when it was last seen, number
        # that wasn't logged).
        self._kinds = weakref.WeakKeyDictionary()

    def failed(self, layer, kind, number, message, *arguments):
        """
        Log `message` with `arguments`, about `number` sends to `layer`.

        If one of its `kind` was logged of late, count it instead.
        """
        now = self._clock.monotonic()
        with self._lock:
            kinds = self._kinds.setdefault(layer, {})
            logged, seen, more = kinds.get(kind, (now - STILL, now - QUIET, 0))
            if now - seen < QUIET and now - logged < STILL:
                kinds[kind] = logged, now, more + number
                return
            kinds[kind] = now, now, 0
        if more:
            message += ' (%d more since the last such line)'
            arguments += (more,)
        logger.error(message, *arguments)


#: That of this process.
failure_log = FailureLog()
call_in_forked(failure_log.forget)
