"""
Detection of the unrelated distribution ``channels``.

PyPI's ``channels`` (1.x, and the later ASGI lines) installs a package of the
same name. In one environment both write into one folder, and the
``__init__.py`` that was installed last stays. Neither order works, so
``channels`` then can't be imported, and the error says what to do.
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
    loader = find_conflict(folder)
    if loader is not None:
        loader.refuse()


def find_conflict(folder):
    """
    Return a ConflictLoader if ``folder`` has that distribution, or None.

    It looks at file names instead of asking importlib.metadata, which Python 2
    doesn't have, and which a finder couldn't import. A zip file has no such
    folders beside the package.
    """
    if os.path.isdir(folder):
        for entry in os.listdir(folder):
            if not entry.lower().startswith('channels'):
                # Nearly all: a folder of packages has hundreds.
                continue
            # channels-4.3.2.dist-info, channels-1.1.8-py2.7.egg-info
            stem, suffix = os.path.splitext(entry.lower())
            name, _, version = stem.partition('-')
            if name == 'channels' and version[:1].isdigit() and suffix in ('.dist-info', '.egg-info'):
                return ConflictLoader(MESSAGE % {'version': version.split('-')[0], 'folder': folder})


class ConflictLoader(object):
    """
    A loader that raises ImportError with the reason of the conflict.

    The loader raises, not the finder, so that merely looking for ``channels``
    (importlib.util.find_spec, pkgutil) doesn't fail.
    """

    def __init__(self, reason):
        """Raise with ``reason``, a text that says what to do."""
        self.reason = reason

    def refuse(self, spec_or_name=None):
        """Raise ImportError."""
        raise ImportError(self.reason)

    create_module = exec_module = refuse
    is_package = load_module = refuse  # Python 2
