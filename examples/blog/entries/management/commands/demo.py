"""Makes the editor and the first entry."""
from __future__ import unicode_literals

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from entries.models import Entry


class Command(BaseCommand):
    help = 'Creates the user "editor" (password = name), who may use the admin, and a first entry.'

    def handle(self, *args, **options):
        if not settings.DEBUG:
            raise CommandError('The demo user has a well-known password: it is for DEBUG = True only.')
        if not get_user_model().objects.filter(username='editor').exists():
            get_user_model().objects.create_superuser('editor', 'editor@example.com', 'editor')
        if not Entry.objects.exists():
            Entry.objects.create(text='We are live.')
