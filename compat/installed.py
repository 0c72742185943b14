"""
Whether a package is installed, found out without importing it.

Delete the half of Python 2 when Python 2.7 support ends.
"""
from __future__ import absolute_import

import sys

from . import six

__all__ = ['is_installed']

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
