"""
The signals of a worker: SIGTERM, SIGINT and SIGHUP ask it to finish, a second
one ends it; SIGUSR1 asks what it is doing.
"""
from __future__ import absolute_import

import errno
import logging
import os
import signal
import threading

from .compat import six
from .compat.interrupts import WAKEUP_TELLS_SIGNAL, handler_of, was_interrupted

try:
    import fcntl
except ImportError:
    # Windows, where a second signal waits for the main thread, too.
    fcntl = None

logger = logging.getLogger('django.channels')
get_ident = six.moves._thread.get_ident


class StopSignals(object):
    """
    Calls `stop()` at the first of NUMBERS; the second, but a second SIGHUP,
    ends the process.
    Calls `report()` at SIGUSR1. Without `second_ends`, any number of signals
    is as good as one.

    Python runs handlers of signals in the main thread only, once it is back
    from whatever C code it is in, which may be never. So a thread of its own
    reads from a pipe what Python's C code writes there as soon as a signal
    comes in. (Python 2 writes there that there was one, not which; so its
    handler, once it runs, writes the number.) `stop` and `report` are called
    in that thread, and must not mind being called again. SIGALRM is handled
    by doing nothing: limits interrupt the main thread with it. Use it in the
    main thread, as a context manager.

    Where something closes the pipe, it has closed what isn't its own, and the
    process ends at once: connections may be gone as well, and their numbers
    belong to others by now, who would be told each other's answers.
    """
    NUMBERS = tuple(getattr(signal, name) for name in ('SIGTERM', 'SIGINT', 'SIGHUP') if hasattr(signal, name))
    _HANGUP = getattr(signal, 'SIGHUP', None)
    REPORT = getattr(signal, 'SIGUSR1', None)
    OTHERS = tuple(getattr(signal, name) for name in ('SIGUSR1', 'SIGALRM') if hasattr(signal, name))
    #: Those whose handlers consumers may not change for others. One that has
    #: SIGPIPE end the process, or children vanish, is as bad.
    KEPT = NUMBERS + OTHERS + tuple(getattr(signal, name) for name in ('SIGPIPE', 'SIGCHLD') if hasattr(signal, name))

    def __init__(self, stop, report=None, second_ends=True):
        self._stop = stop
        self._second_ends = second_ends
        self._report = report
        self._handlers = {}
        self._is_over = False
        self._main = get_ident()
        # Of (signal, handler), and those that were put back.
        self._kept, self._told = None, set()

    def __enter__(self):
        if fcntl is not None:
            self._reader, self._writer = os.pipe()
            # Python insists on it, so that a signal handler never blocks.
            fcntl.fcntl(self._writer, fcntl.F_SETFL, fcntl.fcntl(self._writer, fcntl.F_GETFL) | os.O_NONBLOCK)
            self._pipe = os.fstat(self._reader)
            self._other_fd = signal.set_wakeup_fd(self._writer)
        for number in self.NUMBERS + self.OTHERS:
            self._handlers[number] = signal.signal(number, self._handle)
        self._thread = threading.Thread(target=self._watch if fcntl is not None else self._stop, name='worker-stop')
        self._thread.daemon = True
        if fcntl is not None:
            self._thread.start()
        return self

    def __exit__(self, *error):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if fcntl is not None:
            signal.set_wakeup_fd(self._other_fd)
            self._is_over = True
            os.write(self._writer, b'\0')
            self._thread.join()
            os.close(self._reader)
            os.close(self._writer)

    def keep(self):
        """
        Put back what consumers have changed since the first call.

        Only the main thread can, and only there can they: in another, do
        nothing. Some libraries leave a handler behind, without which the
        worker could not be told to stop, or would end in mid-message.
        """
        if self._main != get_ident():
            return
        if self._kept is None:
            handlers = [(number, handler_of(number)) for number in self.KEPT]
            # None is one of C code, which Python can't put back.
            self._kept = [(number, handler) for number, handler in handlers if handler is not None]
        for number, handler in self._kept:
            if handler_of(number) is not handler:
                self._put_back(number, handler)
        if fcntl is not None:
            try:
                signal.set_wakeup_fd(self._writer)
            except (EnvironmentError, ValueError):
                # Closed, which ends the process.
                pass

    def _put_back(self, number, handler):
        signal.signal(number, handler)
        if number not in self._told:
            self._told.add(number)
            logger.error('A consumer has changed what signal %d does, and left it so. It does again what it did. '
                         '(This is not logged again.)', number)

    def _handle(self, number, frame):
        if fcntl is not None:
            if not WAKEUP_TELLS_SIGNAL:
                os.write(self._writer, chr(number))
        elif number in self.NUMBERS and not self._thread.is_alive():
            # Locks may be held where the signal came in.
            self._thread.start()

    def _watch(self):
        received, is_hangup = 0, False
        while True:
            numbers = self._read()
            for number in numbers or ():
                # A terminal that is closed: a shell passes it on, and the
                # system sends another.
                received += number in self.NUMBERS and not (number == self._HANGUP and is_hangup)
                is_hangup = is_hangup or number == self._HANGUP
            if self._is_over:
                return
            if numbers is None:
                logger.critical(
                    'Something in the worker process %d has closed descriptors that are not its own, such as a '
                    'consumer with os.closerange(). It may have cut connections, so the process ends.', os.getpid(),
                )
                os._exit(1)
            if received > 1 and self._second_ends:
                # As a shell says that a process was ended by SIGTERM.
                os._exit(128 + signal.SIGTERM)
            if received:
                self._stop()
            if self.REPORT in numbers and self._report is not None:
                self._report()

    def _read(self):
        """Return the numbers that were written, or None if the pipe isn't there any more."""
        try:
            if not os.path.samestat(os.fstat(self._reader), self._pipe):
                return None
            return bytearray(os.read(self._reader, 16)) or None
        except EnvironmentError as error:
            if was_interrupted(error):
                return bytearray()
            if error.errno == errno.EBADF:
                return None
            raise
