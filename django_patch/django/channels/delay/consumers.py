"""
Consumer of ``asgi.delay``, and the sending of delayed messages that are due.
"""
from __future__ import absolute_import, unicode_literals

import logging

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, close_old_connections

from ..compat import six
from ..exceptions import ConsumeLater
from ..layers.backoff import Backoff
from ..layers.clock import SYSTEM_CLOCK
from ..layers.codec import to_json
from ..names import validate_channel_name
from .models import DelayedMessage

logger = logging.getLogger('django.channels')

#: Where messages to delay are sent to.
CHANNEL = 'asgi.delay'
#: How many due messages are read at a time.
BATCH = 100
#: Seconds between two tries to keep a message while the database is away.
FIRST_PAUSE, LAST_PAUSE = 0.1, 2.0


def delay_message(message):
    """
    Keep what `message` asks to send later; log it if it makes no sense.

    Raise ConsumeLater while the database is away, so that the message waits.
    """
    try:
        keep(message)
    except (DataError, IntegrityError):
        # It is the message's fault, and would be so again.
        raise
    except (DatabaseError, InterfaceError) as error:
        logger.error('A message on %s can\'t be kept, and is put back: %s', CHANNEL, error)
        close_old_connections()
        raise ConsumeLater()


def keep(message):
    """As delay_message(), and let errors of the database through."""
    try:
        delayed = _delayed_message(message)
    except (TypeError, ValueError, OverflowError) as error:
        logger.error('A message on %s was dropped: %s', CHANNEL, error)
    else:
        delayed.save()


class PatientConsumer(object):
    """
    As delay_message(), and wait for a database that is away.

    Once `is_stopping()` says that the process ends, the message is put back.
    """

    def __init__(self, is_stopping, clock=SYSTEM_CLOCK):
        self._is_stopping = is_stopping
        self._clock = clock

    def __call__(self, message):
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        while True:
            try:
                keep(message)
                break
            except (DataError, IntegrityError):
                # It is the message's fault, and would be so again.
                raise
            except (DatabaseError, InterfaceError) as error:
                if not backoff.pauses:
                    logger.error('A message on %s can\'t be kept, and waits for the database: %s', CHANNEL, error)
                close_old_connections()
            if self._is_stopping():
                raise ConsumeLater()
            self._clock.sleep(backoff.next_pause())
        if backoff.pauses:
            logger.info('The database keeps messages again.')


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
