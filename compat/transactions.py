"""
Hooks on the commit of a database, without importing one to find out, and the
connections of a thread.

Django 1.8 has none; the system check channels.E013 refuses the setting that
needs them. Who only sends messages has no use for a database, and importing
Django's takes longer than the rest of a layer.
"""
from __future__ import absolute_import

from .abilities import HAS_COMMIT_HOOKS, KNOWS_MADE_CONNECTIONS

__all__ = ['connection_of', 'has_commit_hooks', 'made_connections', 'on_commit', 'share_with_threads']


def has_commit_hooks():
    """Return whether this Django has transaction.on_commit()."""
    return HAS_COMMIT_HOOKS


def on_commit(action, using):
    """Call `action`, without arguments, once the database `using` (an alias) has committed."""
    from django.db import transaction
    transaction.on_commit(action, using=using)


def connection_of(alias):
    """Return this thread's connection to the database `alias`."""
    from django.db import connections
    return connections[alias]


def made_connections():
    """Return the connections that this thread has made, a list; before Django 4.2, one to each database."""
    from django.db import connections
    return connections.all(initialized_only=True) if KNOWS_MADE_CONNECTIONS else connections.all()


def share_with_threads(connection):
    """Let all threads use a connection; return a function that ends that."""
    if hasattr(connection, 'inc_thread_sharing'):
        connection.inc_thread_sharing()
        return connection.dec_thread_sharing
    # Until Django 2.2.
    before = connection.allow_thread_sharing
    connection.allow_thread_sharing = True
    return lambda: setattr(connection, 'allow_thread_sharing', before)
