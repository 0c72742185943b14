"""
Django's system check of its own commands, of Django 5.2 and later.

Delete it when that check no longer imports the commands.
"""
from __future__ import absolute_import

import contextlib

from django.core.checks import registry

__all__ = ['without_command_checks']

MODULE = 'django.core.checks.commands'


@contextlib.contextmanager
def without_command_checks():
    """
    Leave that check out in the block: it imports two commands.

    ``migrate`` and ``makemigrations`` load all of migrations, a megabyte that
    a process keeps which runs neither. When one is run, it is checked.
    """
    checks = registry.registry.registered_checks
    # A list up to Django 1.11.
    registry.registry.registered_checks = type(checks)(
        check for check in checks if getattr(check, '__module__', None) != MODULE)
    try:
        yield
    finally:
        registry.registry.registered_checks = checks
