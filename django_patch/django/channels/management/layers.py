"""
The --layer option of the commands that receive messages.
"""
from __future__ import absolute_import

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from ..compat import six
from ..exceptions import InvalidChannelLayerError
from ..layers import DEFAULT_CHANNEL_LAYER, channel_layers


def add_layer_argument(parser):
    """Add --layer, an alias, to a command's `parser`."""
    parser.add_argument(
        '--layer', dest='layer', default=DEFAULT_CHANNEL_LAYER,
        help='Alias of the channel layer in CHANNEL_LAYERS; default: %(default)s.',
    )


def get_shared_layer(alias, hint):
    """
    Return the channel layer of that alias, which other processes see as well.

    Raise CommandError if there is none; `hint` says what to do about a layer
    that lives inside one process.
    """
    try:
        layer = channel_layers[alias]
    except InvalidChannelLayerError as error:
        raise CommandError(str(error))
    if layer.local_only():
        raise CommandError(
            'The channel layer %s lives inside one process, so no message would ever reach this one. Use %s.' %
            (layer, hint)
        )
    return layer


def check_routing(layer):
    """Import the routing of `layer`; raise CommandError if it can't be used."""
    try:
        layer.router
    except ImproperlyConfigured as error:
        # A system check says so too, unless it was skipped.
        six.raise_from(CommandError("The ROUTING of CHANNEL_LAYERS['%s'] can't be used: %s" % (layer.alias, error)),
                       error)


def check_channels(worker):
    """Raise CommandError if there is no channel that `worker`, a Worker, receives from."""
    if not worker.channels:
        raise CommandError('No channel is left to receive from. The routing has: %s.' %
                           ', '.join(sorted(worker.channel_layer.router.channels)))
