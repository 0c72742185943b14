"""
manage.py runserver for a Django that knows nothing of channels.

A patched Django has its own; there, this file is left out.
"""
from __future__ import absolute_import

from django.apps import apps

from ...conf import conf
from .. import runserver
from ..static_files import static_files_consumer

if apps.is_installed('django.contrib.staticfiles'):
    from django.contrib.staticfiles.management.commands.runserver import Command as BaseCommand
else:
    from django.core.management.commands.runserver import Command as BaseCommand


class Command(BaseCommand):
    # Django 1.8 has no such name.
    protocol = 'http'

    def add_arguments(self, parser):
        super(Command, self).add_arguments(parser)
        if conf.channel_layers:
            runserver.add_arguments(parser)

    def inner_run(self, *args, **options):
        if not conf.channel_layers or not runserver.serve(self, *args, **options):
            super(Command, self).inner_run(*args, **options)

    def get_consumer(self, *args, **options):
        """Return the consumer of http.request, or None for the usual one."""
        return static_files_consumer(options)

    def log_action(self, protocol, action, details):
        """Write a line about a request or a socket; override it to write another."""
        runserver.ActionLog.of(self)(protocol, action, details)
