"""
Files where Pythons differ; delete when Python 2.7 support ends.
"""
from __future__ import absolute_import

__all__ = ['replace']

try:
    from os import replace
except ImportError:
    # On Windows it fails where the target is there already.
    from os import rename as replace
