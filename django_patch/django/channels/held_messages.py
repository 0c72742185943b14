"""
Held messages after their consumers: acknowledged, retried, deferred, buried.
"""
from __future__ import absolute_import

import logging

from .acknowledged_options import MAX_DELIVERIES
from .conf import conf
from .exceptions import LayerUnavailable
from .failures import described, formatted
from .layers.acknowledgement import BURY, DEAD, LATER, RETRIED, RETRY, story_of
from .layers.endings import Ending, end_all
from .prefetch.coalescer import END, active_coalescer
from .retries import Acknowledged

logger = logging.getLogger('django.channels')

#: For a channel that only the layer's configuration calls acknowledged.
_DEFAULT = Acknowledged()


class HeldMessagesMixin(object):
    """The part of the Dispatcher for messages with a receipt."""

    def finish(self, task, held):
        """Send what the consumer of `task` has sent, in the Outbox `held`, and acknowledge the message with it."""
        ending = Ending(
            self.channel_layer, task.receipt, held.take(), lambda exc_info: self._fail_at_the_end(task, exc_info),
        )
        coalescer = active_coalescer.get()
        if coalescer is not None:
            coalescer.add([(self.channel_layer, END, task.channel, ending, None)])
        else:
            end_all(self.channel_layer, [ending], conf.send_timeout)

    def _fail_at_the_end(self, task, exc_info):
        # It was counted as handled: its consumer has done its part.
        self.fail(task, exc_info)
        self.outcomes['failed'] += 1

    def retry(self, task, exc_info):
        """Retry the held message of `task` after an error, or make it a dead letter, as its route's Retry says."""
        error = exc_info[1]
        retry = (self.channel_layer.router.acknowledgement(task.message) or _DEFAULT).retry
        story = story_of(
            error=described(error), traceback=formatted(exc_info), consumer=task.consumer_name,
            reader=self.channel_layer.reader,
        )
        action = RETRY if retry.applies_to(error) else BURY
        pause = retry.pause(task.attempt)
        if self._postpone(task, action, pause, retry.attempts or 0, story) == RETRIED:
            logger.warning('A message on %s (%s) comes again in %.1f s, for attempt %d.',
                           task.channel, task.receipt.id, pause, task.attempt + 1)

    def _postpone(self, task, action, delay, attempts, story):
        """Give up the held message of `task`; return what the layer says, or None if it can't be reached now."""
        try:
            said = self.channel_layer.postpone(task.receipt, action, delay, attempts, story)
        except LayerUnavailable as error:
            logger.error('A message on %s (%s) is requeued once the layer can be reached: %s',
                         task.channel, task.receipt.id, error)
            return None
        if said == DEAD:
            logger.error(
                'A message on %s (%s) is a dead letter now, after %d attempts: see "manage.py channels dead %s".',
                task.channel, task.receipt.id, task.attempt, task.channel,
            )
        return said

    def bury(self, task, reason):
        """Make the held message of `task` a dead letter, for `reason` (text)."""
        self._postpone(task, BURY, 0, 0, story_of(error=reason))

    def requeue(self, task):
        """Have another worker receive the held message of `task`, since this one ends; return the outcome, text."""
        logger.warning('A message on %s (%s) is requeued: this worker ends, and its consumer, %s, was cancelled.',
                       task.channel, task.receipt.id, task.consumer_name)
        story = story_of(
            error='Its worker ended.', consumer=task.consumer_name, reader=self.channel_layer.reader,
        )
        said = self._postpone(task, RETRY, 0, 0, story)
        return 'dropped' if said == DEAD else 'deferred'

    def defer_held(self, task, later):
        """Defer the held message of `task` as the ConsumeLater `later` asks; return the outcome, text."""
        story = story_of(error='Its consumer put it back each time.', consumer=task.consumer_name)
        # As often as the channel's options say. The delay server has no limit,
        # and those count to no more than this.
        most = 0 if self.message_retries < MAX_DELIVERIES else self.message_retries + 1
        said = self._postpone(task, LATER, later.delay, most, story)
        return 'dropped' if said == DEAD else 'deferred'
