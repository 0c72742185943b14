"""
The async work of a worker: started from its threads, run on the event loop.
"""
import asyncio
import concurrent.futures
import logging
import threading

from .loop import call_soon, event_loop

logger = logging.getLogger('django.channels')

#: Seconds between two looks whether a worker that waits has to end.
INTERVAL = 0.5
#: Seconds for cancelled tasks to end; what goes on after that is left behind.
CANCEL_TIMEOUT = 5.0


class AsyncTasks:
    """
    At most `concurrency` coroutines at once, on the process's event loop.

    `is_stopping()` says whether the worker is about to end.
    """

    def __init__(self, concurrency, is_stopping):
        self._slots = threading.Semaphore(concurrency)
        self._is_stopping = is_stopping
        # Only the event loop's thread changes it.
        self._tasks = set()
        self._is_used = False
        #: Whether the worker ends, and what still runs has been cancelled.
        self.is_cancelling = False

    def submit(self, function, *args):
        """Start the coroutine function with `args`; wait for one of the others to end if there are too many."""
        while not self._slots.acquire(timeout=INTERVAL):
            if self._is_stopping():
                # It was received, and has to be handled.
                break
        self._is_used = True
        call_soon(self._start, function, args)

    def cancel(self, task):
        """Cancel `task`, an asyncio.Task, in its event loop."""
        call_soon(task.cancel)

    def _start(self, function, args):
        task = asyncio.get_running_loop().create_task(function(*args))
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task):
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and task.exception() is not None:
            logger.error('An async task failed.', exc_info=task.exception())

    def finish(self, timeout):
        """Wait `timeout` seconds for the tasks, then cancel them; return once they have ended, or don't."""
        if not self._is_used:
            return
        finishing = asyncio.run_coroutine_threadsafe(self._finish(timeout), event_loop())
        # A loop that a consumer blocks finishes nothing.
        if finishing in concurrent.futures.wait([finishing], timeout + CANCEL_TIMEOUT + INTERVAL).not_done:
            logger.error('The event loop is blocked, by a consumer or view with code that is not async; its tasks are '
                         'left behind.')

    async def _finish(self, timeout):
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        left = set(self._tasks)
        if left:
            logger.warning('%d async consumers and streams had not ended within the shutdown timeout, and are '
                           'cancelled.', len(left))
            self.is_cancelling = True
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=CANCEL_TIMEOUT)
            if left:
                logger.error('%d of them did not end when they were cancelled, and are left behind.', len(left))
