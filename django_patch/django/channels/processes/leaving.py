"""
The end of a worker process, whatever its consumers have left behind.

Python ends a program once all of its threads have, but those that are daemons.
A thread that a consumer has started, or one that an async consumer waited for
when it was cancelled, may never.
"""
from __future__ import absolute_import

import logging
import os
import signal
import threading
import time

from . import standard_streams

__all__ = ['interrupt_itself', 'leave_within', 'wait_for_threads']

logger = logging.getLogger('django.channels')

#: Seconds that the end of a process may take in any case. That is less than it
#: takes to find that a Redis which is away can't be told of it.
LEAST = 5.0


def leave_within(seconds):
    """Have this process, which has done its work, end in `seconds` or LEAST, whatever goes on in it."""
    thread = threading.Thread(target=_leave_after, args=(max(seconds, LEAST),), name='worker-end')
    thread.daemon = True
    thread.start()


def interrupt_itself():
    """End this process by SIGINT, so that a shell knows, and ends the script or the loop as well."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def wait_for_threads():
    """Wait for this process's threads but daemons, as Python does at the end of a program."""
    # And multiprocessing at the end of its processes, which have no other.
    threading._shutdown()


def _leave_after(seconds):
    time.sleep(seconds)
    # Those of executors are daemons as well, or not, as their makers are.
    names = sorted(thread.name for thread in threading.enumerate() if thread is not threading.current_thread())
    logger.error(
        'The worker process %d has done its work, but does not come to its end, and is ended now. Its threads: %s.',
        os.getpid(), ', '.join(names),
    )
    standard_streams.flush()
    os._exit(0)
