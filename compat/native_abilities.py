"""
Abilities of Django 1.10, as constants.
"""
from __future__ import absolute_import

__all__ = ['HAS_COMMIT_HOOKS', 'SUPPORTS_ASYNC']

#: Is there a transaction.on_commit()?
HAS_COMMIT_HOOKS = True
#: Can async consumers and views run here?
SUPPORTS_ASYNC = False
