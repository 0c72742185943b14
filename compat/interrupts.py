"""
Signals that interrupt what a thread waits for, and that come through a pipe.

Delete the Python 2 half when Python 2.7 support ends.
"""
from __future__ import absolute_import

import os
import signal
import sys
import threading

__all__ = ['WAKEUP_TELLS_SIGNAL', 'interrupt_wait']

#: Whether the descriptor of signal.set_wakeup_fd() gets the signal's number,
#: and not only a sign that there was one.
WAKEUP_TELLS_SIGNAL = sys.version_info[0] >= 3

if hasattr(signal, 'pthread_kill'):
    def interrupt_wait(ident, number):
        """Interrupt what the thread `ident` waits for by the signal `number`, if it is the main thread."""
        if ident == threading.main_thread().ident:
            signal.pthread_kill(ident, number)
else:
    def interrupt_wait(ident, number):
        """The same; Python 2 can't say which thread is the main one, and gives it the signal anyway."""
        os.kill(os.getpid(), number)
