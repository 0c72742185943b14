"""Send numbered jobs to an acknowledged channel."""
import django

django.setup()

from django.channels import Channel  # noqa: E402: settings come first

CHANNEL = Channel('bench.numbered')


def send(number):
    CHANNEL.send({'number': number})
