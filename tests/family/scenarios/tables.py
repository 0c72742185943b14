"""What a case leaves in the database."""
from __future__ import absolute_import

from django.apps import apps
from django.db import connection


def forget_sends():
    """Drop what a consumer on Channels 1.1.8 has not got rid of; it would hold back the sends of the next case."""
    from channels import message
    store = getattr(message, 'pending_message_store', None)
    if store is not None:
        store.threadlocal.__dict__.pop('messages', None)


def empty_tables():
    """Delete all rows that cases make, and end a transaction that one has left open."""
    if connection.in_atomic_block:
        connection.in_atomic_block = connection.needs_rollback = False
        connection.savepoint_ids = []
        connection.rollback()
        connection.set_autocommit(True)
    for model in apps.get_models():
        if model._meta.app_label in ('auth', 'sessions', 'family_app') or model.__name__ == 'DelayedMessage':
            if model.__name__ != 'Permission':
                model._default_manager.all().delete()
