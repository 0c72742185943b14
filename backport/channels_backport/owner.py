"""
Whose package ``channels`` is.

The distribution ``channels`` on PyPI (1.x, and the later ASGI lines) installs
a package of that name too. In one environment both write into one folder, and
the ``__init__.py`` that came last stays. Nothing good can come of that, in
either order, so ``channels`` refuses to be imported and says what to do.
"""
from __future__ import absolute_import

import os

from .mount import HERE

parent = os.path.dirname

MESSAGE = (
    "The distribution 'channels' %(version)s is installed in %(folder)s. It has a package 'channels' of its own and "
    "cannot be used together with 'django-channels-backport'. Uninstall it, and put back the file that both have "
    "in common: \"pip uninstall channels\", then "
    "\"pip install --force-reinstall --no-deps django-channels-backport\"."
)


def is_ours(folder):
    """Return whether the ``channels`` in ``folder`` is the one beside us."""
    return os.path.realpath(folder) == os.path.realpath(parent(HERE))


def check(folder):
    """Raise ImportError if ``folder`` has the distribution ``channels``."""
    refusal = find_refusal(folder)
    if refusal is not None:
        refusal.refuse()


def find_refusal(folder):
    """
    Return a Refusal if ``folder`` has the distribution ``channels``, or None.

    The files tell, not importlib.metadata: Python 2 has none, and a finder
    must not import. Zip files have no such folders beside the package.
    """
    if os.path.isdir(folder):
        for entry in os.listdir(folder):
            # channels-4.3.2.dist-info, channels-1.1.8-py2.7.egg-info
            stem, suffix = os.path.splitext(entry.lower())
            name, _, version = stem.partition('-')
            if name == 'channels' and version and suffix in ('.dist-info', '.egg-info'):
                return Refusal(MESSAGE % {'version': version.split('-')[0], 'folder': folder})


class Refusal(object):
    """
    A loader that tells why there is nothing to load.

    It is the loader that raises, not the finder, so that merely looking for
    ``channels`` (importlib.util.find_spec, pkgutil) does no harm.
    """

    def __init__(self, reason):
        """Refuse for ``reason``, a text that says what to do."""
        self.reason = reason

    def refuse(self, spec_or_name=None):
        """Raise ImportError."""
        raise ImportError(self.reason)

    create_module = exec_module = refuse
    is_package = load_module = refuse  # Python 2
