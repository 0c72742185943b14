"""
The channel layer inside one process: `InMemoryChannelLayer`.
"""
from __future__ import absolute_import

from .layer import InMemoryChannelLayer

__all__ = ['InMemoryChannelLayer']
