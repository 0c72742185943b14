"""
The start-up hook that gives any Django the package ``django.channels``.

``install()`` puts two finders into ``sys.meta_path``: ``MountFinder``, which
finds ``django.channels`` where this distribution keeps it, and ``AliasFinder``,
which makes ``channels`` another name of the same module objects.

Python runs it at start-up (``zz_channels_backport.pth``, and from Python 3.15
on ``zz_channels_backport.start``), so this package imports neither Django nor
anything costly. It must not live inside ``channels``: importing that package
imports Django.
"""
from __future__ import absolute_import

import sys

from .alias import AliasFinder
from .mount import MountFinder

__all__ = ['AliasFinder', 'MountFinder', 'install']


def install():
    """
    Put the finders into ``sys.meta_path``, once however often it is called.

    A start-up file runs twice inside a virtual environment, and this package
    may itself have been imported twice (reloaded, or from two folders). So an
    earlier finder is recognized by its type's name, not by ``isinstance``.
    """
    if sys.version_info >= (3, 8):
        _watch_django()
    mount = MountFinder()
    if not _is_installed(mount):
        # Last: a Django that has django/channels of its own always wins.
        sys.meta_path.append(mount)
    alias = AliasFinder(mount)
    if not _is_installed(alias):
        # First: the standard finders would load the same file once more.
        sys.meta_path.insert(0, alias)


def _watch_django():
    """Have shims applied to a Django that is too old for this Python."""
    from .shims import DjangoFinder, apply_shims
    finder = DjangoFinder()
    if not _is_installed(finder):
        sys.meta_path.insert(0, finder)
        if 'django' in sys.modules:
            # A checkout's install() may be called late. That does no harm: the
            # modules that shims are for aren't loaded by `import django`.
            apply_shims(sys.modules['django'])


def _is_installed(finder):
    """Return whether ``sys.meta_path`` has a finder of this kind and root."""
    return any(
        type(other).__name__ == type(finder).__name__ and getattr(other, 'root', None) == finder.root
        for other in sys.meta_path
    )
