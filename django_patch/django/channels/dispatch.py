"""
One message: from its route through its consumer to what became of it.
"""
from __future__ import absolute_import

import logging

from . import outbox
from .exceptions import ChannelSocketException, ConsumeLater
from .layers.blocking import send_blocking
from .message import Message
from .signals import consumer_finished, consumer_started

logger = logging.getLogger('django.channels')

#: What became of a message, as handle() returns it.
HANDLED, FAILED, DEFERRED, DROPPED, UNROUTED = 'handled', 'failed', 'deferred', 'dropped', 'unrouted'


class Dispatcher(object):
    """
    Runs the consumers of messages of `channel_layer`, a ChannelLayerWrapper.

    `sender` is what the signals around consumers give as theirs;
    `callback(channel, message)` is called before each. `message_retries` is
    how often ConsumeLater may put a message back, and `requeue_timeout` for
    how many seconds that waits for room.
    """

    def __init__(self, channel_layer, sender, callback=None, message_retries=10, requeue_timeout=1.0):
        self.channel_layer = channel_layer
        self.sender = sender
        self.callback = callback
        self.message_retries = message_retries
        self.requeue_timeout = requeue_timeout

    def handle(self, channel, content):
        """
        Run the consumer of `content`, which came on `channel`.

        Return one of HANDLED, FAILED, DEFERRED, DROPPED and UNROUTED.
        """
        try:
            return self._handle(channel, content)
        except (Exception, SystemExit):
            # sys.exit() would end the one thread, without a word.
            logger.exception('Error processing a message on %s', channel)
            return FAILED

    def _handle(self, channel, content):
        retries = content.pop('__retries__', 0)
        message = Message(content, channel, self.channel_layer)
        match = self.channel_layer.router.match(message)
        if match is None:
            logger.error(
                'No route for a message on %s; it was dropped. Add a route for it, or keep this worker away from the '
                'channel with --exclude-channels.', channel,
            )
            return UNROUTED
        consumer, kwargs = match
        if self.callback:
            self.callback(channel, message)
        consumer_started.send(sender=self.sender, environ={})
        try:
            with outbox.buffered():
                consumer(message, **kwargs)
            return HANDLED
        except ConsumeLater as later:
            outcome = self._defer(message, retries + 1)
            if outcome == DROPPED and later.if_dropped is not None:
                later.if_dropped()
            return outcome
        except ChannelSocketException as request:
            request.run(message)
            return HANDLED
        finally:
            consumer_finished.send(sender=self.sender)

    def _defer(self, message, retries):
        channel = message.channel.name
        if retries > self.message_retries:
            logger.error('A message on %s was dropped: its consumer put it back %d times.', channel, retries - 1)
            return DROPPED
        try:
            send_blocking(self.channel_layer, channel, dict(message.content, __retries__=retries),
                          self.requeue_timeout)
        except self.channel_layer.ChannelFull:
            logger.error('A message on %s could not be put back and was dropped: the channel is full.', channel)
            return DROPPED
        return DEFERRED
