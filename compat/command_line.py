"""
The command that started a program; delete the second half when Python < 3.10
support ends.
"""
from __future__ import absolute_import

import os
import sys

__all__ = ['command_line']


def command_line():
    """Return the command that started this program, as a list of text."""
    original = getattr(sys, 'orig_argv', None)
    if original is not None:
        return [sys.executable] + list(original[1:])
    main = sys.modules['__main__']
    package = getattr(main, '__package__', None)
    if package and os.path.basename(sys.argv[0]) == '__main__.py':
        return [sys.executable, '-m', package] + sys.argv[1:]
    return [sys.executable] + sys.argv
