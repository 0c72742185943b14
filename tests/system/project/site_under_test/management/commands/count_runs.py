"""Tells how many runs of schedules are over."""
from __future__ import unicode_literals

from django.channels import channel_layers
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = 'Writes the number of runs of schedules whose ticks were received.'

    def handle(self, *args, **options):
        numbers = channel_layers['default'].acknowledged_statistics()
        runs, ticks = numbers['channels.schedules'], numbers['ticks']
        self.stdout.write('%d' % (runs['sent'] - runs['later'] - runs['waiting'] - ticks['waiting']))
