"""
SIGTERM and SIGINT: the first asks a process to finish, the second ends it.
"""
from __future__ import absolute_import

import errno
import os
import signal
import threading

try:
    import fcntl
except ImportError:
    # Windows, where a second signal waits for the main thread, too.
    fcntl = None


class StopSignals(object):
    """
    Calls `stop()` at the first SIGTERM or SIGINT; the second ends the process.

    Python runs handlers of signals in the main thread only, once it is back
    from whatever C code it is in, which may be never. So a thread of its own
    reads from a pipe what Python's C code writes there as soon as a signal
    comes in. (Python 2 writes nothing there for a second one that comes
    before the handler of the first has run.) `stop` is called in that thread,
    and must not mind being called again. Use it in the main thread, as a
    context manager.
    """
    NUMBERS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self, stop):
        self._stop = stop
        self._handlers = {}
        self._is_over = False

    def __enter__(self):
        if fcntl is not None:
            self._reader, self._writer = os.pipe()
            # Python insists, lest a handler of signals waits.
            fcntl.fcntl(self._writer, fcntl.F_SETFL, fcntl.fcntl(self._writer, fcntl.F_GETFL) | os.O_NONBLOCK)
            self._other_fd = signal.set_wakeup_fd(self._writer)
        for number in self.NUMBERS:
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

    def _handle(self, number, frame):
        if fcntl is None and not self._thread.is_alive():
            # Locks may be held where the signal came in.
            self._thread.start()

    def _watch(self):
        received = 0
        while True:
            received += sum(self._is_ours(number) for number in self._read())
            if self._is_over:
                return
            if received > 1:
                # As a shell says that a process was ended by SIGTERM.
                os._exit(128 + signal.SIGTERM)
            if received:
                self._stop()

    def _read(self):
        try:
            return bytearray(os.read(self._reader, 16))
        except EnvironmentError as error:
            # Python 2 doesn't go on by itself after a signal.
            if error.errno != errno.EINTR:
                raise
            return b''

    def _is_ours(self, number):
        """Return whether a signal that came in is one of NUMBERS."""
        # Python 2 writes 0 for any that has a handler.
        return number in self.NUMBERS or number == 0 and not any(
            callable(signal.getsignal(other)) for other in range(1, signal.NSIG) if other not in self.NUMBERS
        )
