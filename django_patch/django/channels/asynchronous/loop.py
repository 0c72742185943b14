"""
The event loop of a process, in a thread of its own.
"""
import asyncio
import contextvars
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger('django.channels')

#: Threads for calls of the layer, some of which wait for room in a channel.
LAYER_THREADS = 32

_lock = threading.Lock()
_loop = None
_pid = None
_executor = None


def event_loop():
    """Return this process's event loop; start it if it isn't running, after a fork, too."""
    global _loop, _pid, _executor
    if _pid != os.getpid():
        with _lock:
            if _pid != os.getpid():
                _loop = asyncio.new_event_loop()
                _executor = ThreadPoolExecutor(LAYER_THREADS, thread_name_prefix='async-layer')
                thread = threading.Thread(target=_run, args=(_loop,), name='async')
                # Nothing is lost with it: its users wait for their tasks.
                thread.daemon = True
                thread.start()
                _pid = os.getpid()
    return _loop


def _run(loop):
    while True:
        try:
            loop.run_forever()
        except BaseException:
            # asyncio lets the SystemExit of any task, such as one that a
            # consumer has started, end the loop of all.
            logger.critical('The event loop was ended by a task, and goes on.', exc_info=True)


def call_soon(function, *args):
    """Call `function` in the event loop, with none of the caller's context."""
    contextvars.Context().run(event_loop().call_soon_threadsafe, function, *args)


async def in_thread(function, *args):
    """Call `function`, which may wait for a layer, in a thread, in the caller's context; return its result."""
    context = contextvars.copy_context()
    event_loop()
    return await asyncio.get_running_loop().run_in_executor(_executor, context.run, function, *args)
