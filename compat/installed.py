"""
Whether a package is installed, found out without importing it.

Distributions are known by the names of the folders that installers write,
since Python has had importlib.metadata from 3.8 on only.

Delete the half of Python 2 when Python 2.7 support ends.
"""
from __future__ import absolute_import

import os
import sys

from . import six

__all__ = ['find_distribution', 'is_installed']

if six.PY2:
    import pkgutil

    def _find(name):
        return pkgutil.find_loader(name)
else:
    from importlib.util import find_spec as _find


def is_installed(name):
    """Return whether the top-level module `name` can be found; it isn't loaded."""
    if name in sys.modules:
        # None there says that it must not be imported.
        return sys.modules[name] is not None
    return _find(name) is not None


def find_distribution(name):
    """Return (version, folder) of the first distribution of that name on the path, or None."""
    for folder in sys.path:
        if not os.path.isdir(folder):
            # A zip file, or nothing at all.
            continue
        for entry in os.listdir(folder):
            if not entry.lower().startswith(name):
                # Nearly all: a folder of packages has hundreds.
                continue
            # channels-4.3.2.dist-info, channels-1.1.8-py2.7.egg-info
            stem, suffix = os.path.splitext(entry.lower())
            found, _, version = stem.partition('-')
            if found == name and version[:1].isdigit() and suffix in ('.dist-info', '.egg-info'):
                return version.split('-')[0], folder
