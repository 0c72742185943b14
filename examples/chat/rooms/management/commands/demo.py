"""Makes the users and the room with which one can try the chat at once."""
from __future__ import unicode_literals

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from rooms.models import Room

USERS = ['alice', 'bob', 'carol']


class Command(BaseCommand):
    help = 'Creates the demo users %s (password = name) and a first room.' % ', '.join(USERS)

    def handle(self, *args, **options):
        if not settings.DEBUG:
            raise CommandError('Demo users have well-known passwords: they are for DEBUG = True only.')
        for name in USERS:
            if not get_user_model().objects.filter(username=name).exists():
                get_user_model().objects.create_user(name, password=name)
        if not Room.objects.exists():
            Room.objects.create(title='Lobby')
