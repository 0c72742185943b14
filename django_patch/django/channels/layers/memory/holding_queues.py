"""
Acknowledged channels of the in-memory layer.

Its readers are the threads of one process and die together, so nobody gives
back what they held: recover() has nothing to do.
"""
from __future__ import absolute_import

import time

from ..acknowledgement import (
    BURY, DEAD, DEFERRED, GONE, LATER, REFUSE, RELEASE, RELEASED, RETRIED, RETRY, AcknowledgementMixin, ChannelOptions,
    HeldMessage, receipt_of, valid_job_channel,
)
from ..job_options import checked_id, checked_priority, checked_times, checked_unique
from ..validation import copy_message
from .expiries import NEVER
from .job_queues import AcknowledgedQueue
from .records import JobRecord


class MemoryAcknowledgementMixin(AcknowledgementMixin):
    """The part `supports_acknowledgement` of InMemoryChannelLayer."""
    supports_acknowledgement = True
    # Channel -> its AcknowledgedQueue.
    _acknowledged_queues = ()

    def declare(self, channels):
        super(MemoryAcknowledgementMixin, self).declare(channels)
        with self._lock:
            self._channels.known.clear()
            for channel in channels:
                self.acknowledged_queue(channel)

    def acknowledged_queue(self, channel, default=None):
        """Return the queue of an acknowledged channel; None if it isn't one, and there is no `default` of options."""
        options = self.options_of(channel) or default
        queue = self._acknowledged_queues.get(channel)
        if queue is None and options is not None:
            queue = self._acknowledged_queues[channel] = AcknowledgedQueue(channel, options, self._waiters.wake)
        elif queue is not None and options is not None:
            queue.options = options
        return queue

    def _take_held(self, channel):
        """Return the next message on `channel`, held if this process has a name, or None."""
        queue = self._acknowledged_queues[channel]
        taken = queue.take(self._clock())
        if taken is None:
            return None
        receipt, message = taken
        if self.reader is None:
            queue.finish(queue.let_go(receipt.token))
            return message
        return HeldMessage(message, receipt)

    def _next_due(self, channels):
        """Return when the first is due of what waits for its time on `channels`."""
        queues = self._acknowledged_queues
        return min([queues[channel].next_due for channel in channels if channel in queues] or [NEVER])

    def send_job(self, channel, message, id=None, delay=None, at=None, priority=0, unique=None, conflict=REFUSE):
        self.check_message(message)
        delay, at = checked_times(delay, at)
        channel, now = valid_job_channel(channel), self._clock()
        delay = at - time.time() if at is not None else delay or 0
        record = JobRecord(
            checked_id(id), copy_message(message), checked_priority(priority), time.time(), now + max(0, delay),
            checked_unique(unique, conflict),
        )
        with self._lock:
            queue = self.acknowledged_queue(channel, ChannelOptions())
            self._channels.known.pop(channel, None)
            return queue.send(record, now + delay, now, conflict)

    def acknowledge(self, finished):
        failed = []
        for receipt, pairs in finished:
            with self._lock:
                queue = self._acknowledged_queues.get(receipt.channel)
                is_held = queue is not None and queue.holds(receipt.token)
            if not is_held:
                failed.append((receipt, GONE))
                continue
            try:
                for channel, message in pairs:
                    self.send(channel, message)
            except Exception as error:
                # Whatever is wrong with it, the others are not to blame.
                failed.append((receipt, error))
                continue
            with self._lock:
                record = queue.let_go(receipt.token)
                if record is not None:
                    queue.finish(record)
        return failed

    def postpone(self, receipt, action, delay=0, deliveries=0, story=''):
        with self._lock:
            queue = self._acknowledged_queues.get(receipt.channel)
            record = queue.let_go(receipt.token) if queue is not None else None
            if record is None:
                return GONE
            now, record.story = self._clock(), ''
            if action == RELEASE:
                return RELEASED if queue.put(record, now, now) else GONE
            record.deliveries += 1
            if action == BURY or record.deliveries >= (deliveries or queue.options.deliveries):
                queue.bury(record, story)
                return DEAD
            if action == RETRY:
                record.story = story
            if not queue.put(record, now + delay, now):
                return GONE
            queue.counts['deferred' if action == LATER else 'retried'] += 1
            return DEFERRED if action == LATER else RETRIED

    def release(self, messages):
        """Requeue what is held of `messages`, [(channel, message), ...]; return the others, as such a list."""
        for channel, message in messages:
            if receipt_of(message):
                self.postpone(receipt_of(message), RELEASE)
        return [pair for pair in messages if not receipt_of(pair[1])]
