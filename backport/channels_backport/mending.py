"""
Has a Django that is older than this Python mended, once it is imported.

What mends is compat/old_django.py; for a Django that needs no mending it is
not even loaded.
"""
from __future__ import absolute_import

import sys
from importlib.machinery import PathFinder

from .mount import ROOTS


def is_needed(version):
    """Return whether Django `version`, a tuple, can't start on this Python."""
    if version < (1, 11):
        return sys.version_info >= (3, 8)
    return version < (2, 0) and sys.version_info >= (3, 10)


def mend(django):
    """Load compat/old_django.py for the bare package `django`, if needed."""
    if is_needed(django.VERSION):
        # Not at start-up: most processes never come here.
        from importlib.util import module_from_spec
        folders = [folder + '/channels/compat' for folder in ROOTS['django.channels']]
        spec = PathFinder.find_spec('channels_backport.old_django', folders + [
            folder + '/compat' for folder in ROOTS['django.channels.compat']
        ])
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        module.install(django.VERSION)


class DjangoFinder(object):
    """Finds the package `django` as usual, to have it mended afterwards."""
    root = 'django'

    def find_spec(self, name, path=None, target=None):
        """Return the spec of `django`, or None for any other name."""
        if name != 'django':
            return None
        # Not PathFinder alone: an editable install has a finder of its own.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1:]:
            find = getattr(finder, 'find_spec', None)
            spec = find(name, path, target) if find else None
            if spec is not None:
                return mended(spec)


def mended(spec):
    """Return `spec`, a ModuleSpec, with a loader that mends what it has executed."""
    # Up to Python 3.9 what loads from a zip file has no exec_module().
    if hasattr(spec.loader, 'exec_module'):
        # Not at start-up either. Modules in one zip file share a loader.
        import copy
        loader = spec.loader = copy.copy(spec.loader)
        execute = loader.exec_module

        def execute_and_mend(module):
            del loader.exec_module
            execute(module)
            mend(module)

        loader.exec_module = execute_and_mend
    return spec
