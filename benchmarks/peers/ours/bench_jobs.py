"""Jobs on acknowledged channels, or with the variant 'plain' on a channel that isn't."""
import django

django.setup()

from django.channels import Channel  # noqa: E402: settings come first

CHANNELS = {'': Channel('bench.job'), 'plain': Channel('bench.plain')}
LATER = Channel('bench.later')


def send(total, payload, variant):
    CHANNELS[variant].send({'total': total, 'payload': payload})


def send_at(total, due):
    LATER.send({'total': total, 'due': due}, at=due)
