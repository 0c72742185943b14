"""
Functions that are called first in a process that was forked.

Delete all but the first half when Python < 3.7 support ends.
"""
from __future__ import absolute_import

import os

__all__ = ['call_in_forked']

if hasattr(os, 'register_at_fork'):
    def call_in_forked(function):
        """Call `function` in each process that this one forks, without an exec behind it."""
        os.register_at_fork(after_in_child=function)
else:
    from multiprocessing.util import register_after_fork

    def call_in_forked(function):
        """The same, for the processes of multiprocessing; nobody tells of others."""
        register_after_fork(function, lambda function: function())
