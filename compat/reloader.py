"""
Django's reloader, around a function of a management command.

Delete the first half when Django < 2.2 support ends.
"""
from __future__ import absolute_import

from django.utils import autoreload

__all__ = ['raise_last_exception', 'run_with_reloader']

#: What stopped the reloader's thread the last time; Django 1.9 and later.
raise_last_exception = getattr(autoreload, 'raise_last_exception', lambda: None)

if hasattr(autoreload, 'run_with_reloader'):
    def run_with_reloader(function, *args):
        """Call `function` with `args` in a process of its own, which is restarted whenever the code changes."""
        autoreload.run_with_reloader(function, *args)
else:
    def run_with_reloader(function, *args):
        """Call `function` with `args` in a process of its own, which is restarted whenever the code changes."""
        autoreload.main(function, args)
