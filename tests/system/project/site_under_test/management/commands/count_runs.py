"""Tells how many runs of schedules are over."""
from __future__ import unicode_literals

from django.channels import channel_layers
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = 'Writes the number of runs of schedules whose ticks were received.'

    def handle(self, *args, **options):
        numbers = channel_layers['default'].acknowledged_statistics()
        # What a worker held that was killed may not be back by now.
        unfinished = sum(
            numbers[channel][state] for channel in ('channels.schedules', 'ticks')
            for state in ('later', 'waiting', 'held'))
        self.stdout.write('%d' % (numbers['channels.schedules']['sent'] - unfinished))
