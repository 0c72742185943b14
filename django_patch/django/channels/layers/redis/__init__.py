"""
The channel layer on Redis: `RedisChannelLayer`.

It needs redis-py, and only then can be imported; a layer loads it.
"""
from __future__ import absolute_import

from .layer import RedisChannelLayer

__all__ = ['RedisChannelLayer']
