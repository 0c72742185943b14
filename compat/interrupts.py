"""
Signals that interrupt what a thread waits for, that come through a pipe, or
that wait for the program that replaces this one.

Delete the Python 2 half when Python 2.7 support ends.
"""
from __future__ import absolute_import

import errno
import os
import signal
import sys
import threading

__all__ = [
    'WAKEUP_TELLS_SIGNAL', 'accept_signals', 'again', 'handler_of', 'interrupt_wait', 'keep_signals',
    'was_interrupted',
]

#: Whether the descriptor of signal.set_wakeup_fd() gets the signal's number,
#: and not only a sign that there was one.
WAKEUP_TELLS_SIGNAL = sys.version_info[0] >= 3

if sys.version_info[0] >= 3:
    def was_interrupted(error):
        """
        Return whether `error` is that of a call that a signal has ended.

        From Python 3.5 on each goes on by itself (PEP 475).
        """
        return False

    def again(function, *args):
        """Return function(*args), which is called again where a signal's handler has ended it."""
        return function(*args)
else:
    def was_interrupted(error):
        """The same; error of a socket, of select() or of any other call."""
        return error.args[:1] == (errno.EINTR,)

    def again(function, *args):
        """The same."""
        while True:
            try:
                return function(*args)
            except EnvironmentError as error:
                if not was_interrupted(error):
                    raise

try:
    # signal.getsignal() looks for a name as well, and takes 60 times as long.
    from _signal import getsignal as handler_of
except ImportError:
    handler_of = signal.getsignal

if hasattr(signal, 'pthread_kill'):
    def interrupt_wait(ident, number):
        """Interrupt what the thread `ident` waits for by the signal `number`, if it is the main thread."""
        if ident == threading.main_thread().ident:
            signal.pthread_kill(ident, number)
else:
    def interrupt_wait(ident, number):
        """The same; Python 2 can't say which thread is the main one, and gives it the signal anyway."""
        os.kill(os.getpid(), number)

if hasattr(signal, 'pthread_sigmask'):
    def keep_signals(numbers):
        """Have signals wait, across an exec too, until accept_signals() is called."""
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def accept_signals(numbers):
        """Have the handlers called of signals that wait, and of those to come."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
else:
    def keep_signals(numbers):
        """Have signals wait, across an exec too, until accept_signals() is called."""
        _change_mask(_SIG_BLOCK, numbers)

    def accept_signals(numbers):
        """Have the handlers called of signals that wait, and of those to come."""
        _change_mask(_SIG_UNBLOCK, numbers)

    #: As <signal.h> has them, for which Python 2 has no names.
    _SIG_BLOCK, _SIG_UNBLOCK = (1, 2) if sys.platform == 'darwin' else (0, 1)

    def _change_mask(how, numbers):
        # Loaded here, since few programs need it.
        import ctypes
        library = ctypes.CDLL(None)
        signals = ctypes.create_string_buffer(128)
        library.sigemptyset(signals)
        for number in numbers:
            library.sigaddset(signals, number)
        library.pthread_sigmask(how, signals, None)
