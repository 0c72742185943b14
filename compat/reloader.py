"""
Django's reloader, around a function of a management command.

Delete the second halves when Django < 2.2 support ends.
"""
from __future__ import absolute_import

import os
import time

from django.utils import autoreload

__all__ = ['raise_last_exception', 'run_with_reloader']

#: What stopped the reloader's thread the last time; Django 1.9 and later.
raise_last_exception = getattr(autoreload, 'raise_last_exception', lambda: None)

#: The exit status of a process that couldn't load its code, and seconds
#: between two looks at the files.
_FAILED, _INTERVAL = 1, 1.0


def run_with_reloader(function, *args):
    """
    Call `function` with `args` in a process that is restarted upon changes.

    If models, or the settings, can't be loaded, that process ends before
    Django's reloader is there; the next change starts another.
    """
    while True:
        try:
            return _run_with_reloader(function, args)
        except SystemExit as ended:
            if ended.code != _FAILED or os.environ.get('RUN_MAIN') == 'true':
                raise
        try:
            _wait_for_change()
        except KeyboardInterrupt:
            return


if hasattr(autoreload, 'run_with_reloader'):
    def _run_with_reloader(function, args):
        autoreload.run_with_reloader(function, *args)

    def _wait_for_change():
        reloader = autoreload.StatReloader()
        # What came after the start of this process isn't among its modules.
        reloader.watch_dir(os.getcwd(), '**/*.py')
        before = dict(reloader.snapshot_files())
        while dict(reloader.snapshot_files()) == before:
            time.sleep(_INTERVAL)
else:
    def _run_with_reloader(function, args):
        autoreload.main(function, args)

    def _wait_for_change():
        # The first look remembers when the files were changed last.
        while not autoreload.code_changed():
            time.sleep(_INTERVAL)
