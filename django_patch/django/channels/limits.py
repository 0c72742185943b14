"""
The limits of a worker process: messages, memory, and time for each message.
"""
from __future__ import absolute_import

import collections
import logging
import os
import sys

from .compat.clock import monotonic
from .exceptions import TimeLimitExceeded
from .in_flight import NothingRecorded
from .in_progress import raise_in_thread
from .periodic import PeriodicThread

__all__ = ['LimitWatch', 'Limits']

logger = logging.getLogger('django.channels')

#: Seconds between two looks.
INTERVAL = 0.25

#: How many messages a worker handles before it ends, how many megabytes it may
#: hold before it does, and seconds for each message until its consumer is
#: interrupted, and until its process is killed. None is no limit.
Limits = collections.namedtuple('Limits', 'messages memory seconds hard_seconds')
Limits.__new__.__defaults__ = (None, None, None, None)


class LimitWatch(object):
    """
    Looks, in a thread, whether a worker has come to its limits.

    `in_progress` is the worker's InProgress; `stop()` has the worker end;
    `cancel(task)` cancels an asyncio.Task, in its event loop; `in_flight` is
    the record that the watcher of the process looks at.
    """

    def __init__(self, limits, in_progress, stop, cancel=None, in_flight=None):
        self._limits = limits
        self._in_flight = in_flight or NothingRecorded()
        self._in_progress = in_progress
        self._stop = stop
        self._cancel = cancel
        self._thread = PeriodicThread('worker-limits', INTERVAL, self._look)

    def start(self):
        """Begin to look, if there is anything to look at."""
        if self._limits.memory is not None or self._limits.seconds is not None:
            self._thread.start()

    def finish(self):
        """End the thread."""
        self._thread.stop()

    def _look(self):
        try:
            self.look_once(monotonic())
        except Exception:
            logger.exception('Looking after the limits of a worker failed.')

    def look_once(self, now):
        """Look at each limit; `now` is of monotonic()."""
        limits = self._limits
        if limits.memory is not None:
            used = resident_megabytes()
            if used > limits.memory:
                logger.warning('The worker holds %d MB, more than its limit of %d MB, and ends.', used, limits.memory)
                self._limits = limits._replace(memory=None)
                self._stop()
        if limits.seconds is not None:
            self._look_at_threads(now)
            self._look_at_tasks(now)

    def _look_at_threads(self, now):
        for ident, task in list(self._in_progress.threads.items()):
            if self._is_overdue(task, now):
                self._in_progress.interrupt(ident, task, self._interrupt)
                self._log(task)

    def _look_at_tasks(self, now):
        for async_task, task in list(self._in_progress.tasks.items()):
            if task.is_streaming:
                # It may go on for ever, and holds nobody up.
                self._in_flight.exempt(task.slot)
            elif self._is_overdue(task, now):
                task.is_overdue = True
                self._cancel(async_task)
                self._log(task)

    def _is_overdue(self, task, now):
        return now - task.since > self._limits.seconds and not task.is_overdue

    def _interrupt(self, ident):
        raise_in_thread(ident, TimeLimitExceeded)

    def _log(self, task):
        logger.warning('A message on %s takes longer than %g s, the time limit; its consumer, %s, is interrupted.',
                       task.channel, self._limits.seconds, task.describe()['consumer'])


def resident_megabytes():
    """Return how much memory this process holds, in MB (2**20 bytes); 0 where the system doesn't say."""
    try:
        with open('/proc/self/statm') as file:
            return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') // 2 ** 20
    except EnvironmentError:
        # Not Linux: the most that it ever held.
        return _peak_megabytes()


def _peak_megabytes():
    try:
        import resource
    except ImportError:
        return 0
    # In bytes on macOS, in kB elsewhere (getrusage(2) of each).
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2 ** 20 if sys.platform == 'darwin' else 1024)
