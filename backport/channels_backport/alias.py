"""
The finder that makes ``channels`` another name of ``django.channels``.
"""
from __future__ import absolute_import

import importlib
import sys

from . import conflict

try:
    from importlib.machinery import ModuleSpec, PathFinder
except ImportError:  # Python 2
    from .mount import find_loader

ALIAS = 'channels'


class AliasFinder(object):
    """
    Answer for ``channels`` and ``channels.*`` with ``django.channels``' modules.

    ``channels`` is ours only if the first package of that name on ``sys.path``
    is that of the backport, and a submodule only while ``channels`` is ``django.channels``:
    a ``channels`` package of the user's own, earlier on the path, wins.

    Like MountFinder it imports nothing; the loader does, when it is used.
    """
    root = 'django.channels'

    def __init__(self, mount):
        """Look for mounted packages with ``mount``, a MountFinder."""
        self.mount = mount

    def find_spec(self, name, path=None, target=None):
        """Return a spec that loads the real module of ``name``, or None."""
        if name == ALIAS:
            return self.find_alias()
        if self.is_ours(name):
            real = self.root + name[len(ALIAS):]
            spec = PathFinder.find_spec(real, path) or self.mount.find_spec(real, path)
            if spec is not None:
                # is_package has to be right, or a module would get a __path__.
                is_package = spec.submodule_search_locations is not None
                return ModuleSpec(name, AliasLoader(real, spec), origin=spec.origin, is_package=is_package)

    def find_alias(self):
        """Return the spec for ``channels`` itself, or None if it isn't ours."""
        spec = PathFinder.find_spec(ALIAS)
        if spec is None or not spec.submodule_search_locations:
            return None
        folders = [conflict.parent(location) for location in spec.submodule_search_locations]
        if spec.loader is None:
            # No __init__.py: uninstalling the other distribution took ours,
            # if this is our folder.
            folders = [folder for folder in folders if conflict.is_ours(folder)]
            if not folders:
                return None
        folder = folders[0]
        loader = conflict.find_conflict(folder)
        if loader is not None:
            return ModuleSpec(ALIAS, loader, origin=spec.origin, is_package=True)
        if conflict.is_ours(folder):
            return ModuleSpec(ALIAS, AliasLoader(self.root), origin=spec.origin, is_package=True)

    def is_ours(self, name):
        """Return whether ``name`` is a submodule of our ``channels``."""
        if not name.startswith(ALIAS + '.'):
            return False
        package = sys.modules.get(ALIAS)
        return package is not None and package is sys.modules.get(self.root)

    # Python 2. The package itself serves the top name there, which is safe: the
    # import lock is a global one.

    def find_module(self, name, path=None):
        """Return a loader that hands out the real module of ``name``, or None."""
        if name == ALIAS:
            loader = find_loader(name, sys.path)
            if loader and loader.is_package(name):
                return conflict.find_conflict(conflict.parent(conflict.parent(loader.get_filename(name))))
            return None
        if self.is_ours(name):
            real = self.root + name[len(ALIAS):]
            if find_loader(real, path or ()) or self.mount.find_module(real, path):
                return AliasLoader(real)


class AliasLoader(object):
    """
    Load a module of one name by importing it under its real one.

    Errors of the real module come through unchanged; the import system then
    keeps nothing under the other name.
    """

    def __init__(self, real, spec=None):
        """Load the module ``real``, whose own ModuleSpec is ``spec``."""
        self.real = real
        self.spec = spec

    def create_module(self, spec):
        """Return the real module, to be filed under ``spec.name`` as well."""
        module = importlib.import_module(self.real)
        self.real_spec = module.__spec__
        return module

    def exec_module(self, module):
        """
        Give the module, which has been executed before, its own spec back.

        The import system has just replaced it by the alias' one. Left so, the
        module would be reloaded under the wrong name, and autoreloaders would
        no longer watch its file.
        """
        module.__spec__ = self.real_spec

    def get_code(self, name):
        """Return the code object that ``python -m channels.name`` runs."""
        return self.spec.loader.get_code(self.real)

    def load_module(self, name):
        """Return the real module, filed under ``name`` as well (Python 2)."""
        sys.modules[name] = importlib.import_module(self.real)
        return sys.modules[name]
