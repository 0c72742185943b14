"""
Messages in progress, by thread and by async task.
"""
from __future__ import absolute_import

import ctypes
import signal
import sys
import threading
import traceback

from .compat.clock import monotonic
from .compat.interrupts import interrupt_wait

__all__ = ['InProgress', 'raise_in_thread']


class InProgress(object):
    """
    The messages whose consumers run in this process, by thread and by task.

    What is kept of one has a `channel`, a `describe()`, and `since`, by
    monotonic(): see dispatch.Consumption.
    """

    def __init__(self):
        #: Thread identifier -> Consumption. Each thread changes its own entry.
        self.threads = {}
        #: asyncio.Task -> Consumption. Only the event loop changes it.
        self.tasks = {}
        #: Consumption -> identifier of the thread that received it, of those
        #: whose async consumers have yet to end, or to begin.
        self.submitted = {}
        # Held while a thread is interrupted, so that it can't have begun its
        # next message.
        self._lock = threading.Lock()

    def all(self):
        """Return [(thread identifier, Consumption)] of all that is in progress."""
        # Copies in one step: other threads go on. What a thread has just
        # handed on is in both.
        tasks = {task: ident for ident, task in list(self.threads.items())}
        tasks.update(list(self.submitted.items()))
        return [(ident, task) for task, ident in tasks.items()]

    def interrupt(self, ident, task, interrupt):
        """Call `interrupt(ident)` if the thread `ident` is still working on `task`."""
        with self._lock:
            if self.threads.get(ident) is task:
                task.is_overdue = True
                interrupt(ident)

    def end(self, ident, task):
        """Note that the thread `ident`, the calling one, is done with `task`."""
        with self._lock:
            self.threads.pop(ident, None)
            if task.is_overdue:
                # It may not have come up yet.
                raise_in_thread(ident, None)

    def report(self):
        """Return a text of many lines that shows why a worker makes no progress."""
        now = monotonic()
        lines = []
        frames = sys._current_frames()
        for thread in threading.enumerate():
            lines.append('Thread %s: %s' % (thread.name, _line(self.threads.get(thread.ident), now)))
            if thread.ident in frames:
                lines += _stack(traceback.format_stack(frames[thread.ident]))
        for task, kept in list(self.tasks.items()):
            lines.append('Async task: %s' % _line(kept, now))
            for frame in task.get_stack():
                lines += _stack(traceback.format_stack(frame, 1))
        return '\n'.join(lines)


def _line(kept, now):
    if kept is None:
        return 'no message'
    described = kept.describe()
    return '%s, by %s, for %.1f s, reply channel %s, path %s' % (
        described['channel'], described['consumer'] or 'no consumer yet', now - kept.since,
        described['reply_channel'] or 'none', kept.content.get('path') or 'none',
    )


def _stack(entries):
    return [line for entry in entries for line in entry.rstrip('\n').split('\n')]


def raise_in_thread(ident, error):
    """
    Have the thread `ident` raise `error`, a class; None takes that back.

    It does so once it runs Python code again. What the main thread waits for
    is interrupted, if SIGALRM has a handler; what another thread waits for in
    C is not.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), None if error is None else ctypes.py_object(error)
    )
    if error is None or not callable(signal.getsignal(signal.SIGALRM) if hasattr(signal, 'SIGALRM') else None):
        return
    # The handler need not do anything: the error comes up where that runs.
    interrupt_wait(ident, signal.SIGALRM)
