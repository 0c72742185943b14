"""
Consumer of ``asgi.delay``, and the sending of delayed messages that are due.
"""
from __future__ import absolute_import, unicode_literals

import logging

from ..compat import six
from ..layers.codec import to_json
from ..names import validate_channel_name
from .models import DelayedMessage

logger = logging.getLogger('django.channels')

#: Where messages to delay are sent to.
CHANNEL = 'asgi.delay'
#: How many due messages are read at a time.
BATCH = 100


def delay_message(message):
    """Keep what `message` asks to send later; log it if it makes no sense."""
    try:
        delayed = _delayed_message(message)
    except (TypeError, ValueError, OverflowError) as error:
        logger.error('A message on %s was dropped: %s', CHANNEL, error)
    else:
        delayed.save()


def _delayed_message(message):
    missing = [key for key in ('channel', 'delay', 'content') if key not in message]
    if missing:
        raise ValueError('it has no %s.' % ' and no '.join(missing))
    delay, content = message['delay'], message['content']
    if isinstance(delay, bool) or not isinstance(delay, six.integer_types + (float,)) or not delay >= 0:
        raise ValueError('its delay must be a number of milliseconds, not %r.' % (delay,))
    if not isinstance(content, dict):
        raise TypeError('its content must be a dict, not %s.' % type(content).__name__)
    return DelayedMessage(
        channel_name=validate_channel_name(message['channel']), delay=delay, content=to_json(content),
    )


def send_due(channel_layer):
    """
    Send the messages that are due, the oldest first.

    Return their number, at most BATCH. Raise what the layer raises.
    """
    due = list(DelayedMessage.objects.is_due().order_by('due_date', 'pk')[:BATCH])
    for delayed in due:
        delayed.send(channel_layer=channel_layer)
    return len(due)
