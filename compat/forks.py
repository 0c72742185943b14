"""
Forked processes: what they call first, what they share, and which have ended.

Delete all but the first halves when Python < 3.7 support ends.
"""
from __future__ import absolute_import

import gc
import os

__all__ = ['call_in_forked', 'ended_child', 'freeze_loaded', 'getpid', 'hears_of_all_forks']

#: Does call_in_forked() hear of each os.fork()?
hears_of_all_forks = hasattr(os, 'register_at_fork')

if hears_of_all_forks:
    def call_in_forked(function):
        """Call `function` in each process that this one forks, without an exec behind it."""
        os.register_at_fork(after_in_child=function)

    _pid = os.getpid()

    def _have_forked():
        global _pid
        _pid = os.getpid()

    call_in_forked(_have_forked)

    def getpid():
        """As os.getpid(), without a call of the system."""
        return _pid
else:
    from multiprocessing.util import register_after_fork

    def call_in_forked(function):
        """The same, for the processes of multiprocessing; nobody tells of others."""
        register_after_fork(function, lambda function: function())

    getpid = os.getpid

if hasattr(os, 'waitid'):
    def ended_child():
        """Return the id of a child that has ended, and leave that to be collected; None if there is none."""
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return ended and ended.si_pid
else:
    def ended_child():
        """Return None: Python 2, and macOS before Python 3.13, can't look without collecting."""

if hasattr(gc, 'freeze'):
    def freeze_loaded():
        """
        Leave what has been loaded out of garbage collections from now on.

        Full ones looked through all of it, and wrote to the memory that
        forked processes share.
        """
        gc.collect()
        gc.freeze()
else:
    def freeze_loaded():
        """Do nothing."""
