"""
The finder that mounts ``django.channels``, and the folders it looks in.
"""
from __future__ import absolute_import

import os

try:
    from importlib.machinery import PathFinder
except ImportError:  # Python 2
    from pkgutil import get_importer

HERE = os.path.dirname(os.path.abspath(__file__))

#: The repository, when this file lies in a checkout.
CHECKOUT = os.path.dirname(os.path.dirname(HERE))

#: Mounted name -> folders that may hold a package with its last part as name.
#: The first that has one answers: no test for "wheel or checkout" is needed,
#: and both may lie in a zip file, where os.path.isdir() knows nothing.
ROOTS = {
    'django.channels': [
        os.path.join(HERE, '_bundle'),
        os.path.join(CHECKOUT, 'django_patch', 'django'),
    ],
    # Only a checkout needs this row: wherever compat lies inside the package,
    # the standard finders are asked first.
    'django.channels.compat': [CHECKOUT],
}


class MountFinder(object):
    """
    Find the packages of ``ROOTS`` with the standard machinery.

    It has no loader of its own, so files, tracebacks, reloading and zip files
    work as for any other package; submodules never come here, because the
    package's ``__path__`` is an ordinary one.

    It imports nothing: Python may hold the global import lock while it asks a
    finder, and an import at that moment deadlocks with other threads.
    """
    root = 'django.channels'

    def __init__(self, roots=None):
        """Mount ``roots``, a dictionary like ``ROOTS``, which is the default."""
        self.roots = ROOTS if roots is None else roots

    def find_spec(self, name, path=None, target=None):
        """Return the spec of the mounted package ``name``, or None."""
        if name in self.roots:
            spec = PathFinder.find_spec(name, self.roots[name])
            # A folder without __init__.py would be a namespace package.
            if spec is not None and spec.loader is not None:
                return spec

    def find_module(self, name, path=None):
        """Return a loader for the mounted package ``name``, or None (Python 2)."""
        if name in self.roots:
            # Python 2 asks meta_path before it looks at __path__ itself, so
            # that Django's own package has to be looked for here.
            return find_loader(name, list(path or ()) + self.roots[name])


def find_loader(name, folders):
    """
    Return the loader of the first of ``folders`` that has ``name`` (Python 2).

    pkgutil.find_loader() cannot be used: it skips meta_path for dotted names
    and imports parents.
    """
    for folder in folders:
        importer = get_importer(folder)
        loader = importer and importer.find_module(name)
        if loader:
            return loader
