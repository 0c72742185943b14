"""
Abilities of Django 1.10, as constants.
"""
from __future__ import absolute_import

__all__ = ['HAS_COMMIT_HOOKS', 'KNOWS_MADE_CONNECTIONS', 'SUPPORTS_ASYNC']

#: Is there a transaction.on_commit()?
HAS_COMMIT_HOOKS = True
#: Does it tell connections to databases that a thread has made from others?
KNOWS_MADE_CONNECTIONS = False
#: Can async consumers and views run here?
SUPPORTS_ASYNC = False
