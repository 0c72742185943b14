"""Puts a message on a channel, as a cron job would."""
from __future__ import unicode_literals

import json

from django.channels import Channel
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = 'Sends a message: put CHANNEL JSON [--delay SECONDS]'

    def add_arguments(self, parser):
        parser.add_argument('channel')
        parser.add_argument('content')
        parser.add_argument('--delay', dest='delay', type=int)

    def handle(self, *args, **options):
        job = {} if options['delay'] is None else {'delay': options['delay']}
        Channel(options['channel']).send(json.loads(options['content']), **job)
