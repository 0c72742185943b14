"""Puts numbered jobs on a channel, or tells how many of them are left."""
from __future__ import unicode_literals

from django.channels import Channel, channel_layers
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = 'Sends jobs to "jobs": put_jobs FILE NUMBER'

    def add_arguments(self, parser):
        parser.add_argument('file')
        parser.add_argument('number', type=int)

    def handle(self, *args, **options):
        # So that the channels are known to be acknowledged before a worker is there.
        channel_layers['default'].router
        for number in range(options['number']):
            Channel('jobs').send({'n': number, 'file': options['file']})
