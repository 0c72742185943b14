"""
Loader of compat/old_django.py, the shims for Djangos older than this Python.

The file holds the functions and the rule which of them apply. Other Djangos
never load it.
"""
from __future__ import absolute_import

import sys
from importlib.machinery import PathFinder

from .mount import ROOTS

#: The first Django that has no shims; the rest of the rule is in the file.
FIRST_WITHOUT = (2, 0)


def apply_shims(django):
    """
    Load compat/old_django.py for the bare package `django`, and let it decide.

    Do nothing for a Django that it has no shims for.
    """
    if django.VERSION < FIRST_WITHOUT:
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
    """Finds the package `django` as usual, and has shims applied to it."""
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
                return with_shims(spec)


def with_shims(spec):
    """
    Return `spec`, a ModuleSpec, with a loader that applies shims to the module.

    ShimFinder in compat/old_django.py does the same for other modules. It
    can't share this function: a patched Django has that file and not this one,
    and here that file isn't loaded yet.
    """
    # Up to Python 3.9 what loads from a zip file has no exec_module().
    if hasattr(spec.loader, 'exec_module'):
        # Not at start-up either. Modules in one zip file share a loader.
        import copy
        loader = spec.loader = copy.copy(spec.loader)
        execute = loader.exec_module

        def execute_and_apply(module):
            del loader.exec_module
            execute(module)
            apply_shims(module)

        loader.exec_module = execute_and_apply
    return spec
