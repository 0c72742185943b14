"""
Abilities of this Django and this Python, as constants.

Delete HAS_COMMIT_HOOKS when Django < 1.9 support ends, SUPPORTS_ASYNC when
Django < 3.1 support ends, and KNOWS_MADE_CONNECTIONS when Django < 4.2 support
ends.
"""
from __future__ import absolute_import

import sys

import django

__all__ = ['HAS_COMMIT_HOOKS', 'KNOWS_MADE_CONNECTIONS', 'SUPPORTS_ASYNC']

#: Is there a transaction.on_commit()?
HAS_COMMIT_HOOKS = django.VERSION >= (1, 9)
#: Does it tell connections to databases that a thread has made from others?
KNOWS_MADE_CONNECTIONS = django.VERSION >= (4, 2)
#: Can async consumers and views run here?
SUPPORTS_ASYNC = django.VERSION >= (3, 1) and sys.version_info >= (3, 7)
