"""
A message that waits in the database for its time.
"""
from __future__ import absolute_import, unicode_literals

import logging
from datetime import timedelta

from django.db import models
from django.utils import timezone

from ..channel import Channel
from ..layers import DEFAULT_CHANNEL_LAYER, channel_layers
from ..layers.codec import from_json

logger = logging.getLogger('django.channels')

#: For how long a process that is about to send a message has it to itself.
CLAIM = timedelta(minutes=1)


class DelayedMessageQuerySet(models.QuerySet):

    def is_due(self):
        """Return the messages whose time has come."""
        return self.filter(due_date__lte=timezone.now())


class DelayedMessage(models.Model):
    """
    The message `content` (JSON) for the channel `channel_name`.

    It may be made with `delay`, in milliseconds, instead of `due_date`.
    """
    due_date = models.DateTimeField(db_index=True)
    channel_name = models.CharField(max_length=512)
    content = models.TextField()

    objects = DelayedMessageQuerySet.as_manager()

    @property
    def delay(self):
        """The milliseconds from now until it is due."""
        return int((self.due_date - timezone.now()).total_seconds() * 1000)

    @delay.setter
    def delay(self, milliseconds):
        self.due_date = timezone.now() + timedelta(milliseconds=milliseconds)

    def send(self, channel_layer=None, requeue_delay=1000):
        """
        Send the message and delete it here.

        Where its channel is full, try again in `requeue_delay`
        milliseconds. What can't be sent at all is deleted, with an error in
        the log. If the layer fails, raise what it raises, and keep it.
        """
        if not self._claim():
            return
        layer = channel_layers[DEFAULT_CHANNEL_LAYER] if channel_layer is None else channel_layer
        try:
            Channel(self.channel_name, channel_layer=layer).send(from_json(self.content), immediately=True)
        except layer.ChannelFull:
            self._postpone(requeue_delay)
            return
        except (TypeError, ValueError, layer.MessageTooLarge) as error:
            logger.error('A delayed message to %s was dropped: %s', self.channel_name, error)
        except Exception:
            self._postpone(requeue_delay)
            raise
        self.delete()

    def _claim(self):
        """Return whether this process is the one that sends it now."""
        claimed_until = timezone.now() + CLAIM
        claimed = type(self).objects.filter(pk=self.pk, due_date=self.due_date).update(due_date=claimed_until)
        self.due_date = claimed_until
        return bool(claimed)

    def _postpone(self, milliseconds):
        self.delay = milliseconds
        self.save(update_fields=['due_date'])
