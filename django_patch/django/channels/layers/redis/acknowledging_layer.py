"""
Acknowledged channels of the layer that speaks to Redis.
"""
from __future__ import absolute_import, unicode_literals

import collections
import logging

from ...exceptions import LayerUnavailable
from ...names import random_token
from ..acknowledgement import (
    GONE, REFUSE, RELEASE, AcknowledgementMixin, may_be_acknowledged, receipt_of, valid_job_channel,
)
from ..capacity import checked_number_of_messages
from ..inspection import add_waiting
from ..job_options import checked_id, checked_priority, checked_times, checked_unique
from ..promises import with_servers

logger = logging.getLogger('django.channels')


class RedisAcknowledgementMixin(AcknowledgementMixin):
    """The part `supports_acknowledgement` of RedisChannelLayer."""
    supports_acknowledgement = True

    def start_acknowledging(self, acknowledged):
        """Take the option of the configuration; called by the layer's constructor, once."""
        # What could not be said while a server was away: [(method, arguments),
        # ...].
        self._unsaid = collections.deque()
        self._nobody = 'nobody-' + random_token()
        self.configure_acknowledged(acknowledged)

    @property
    def confirmation(self):
        """The Confirmation that its option asks for, or None."""
        return self.transport_options.confirmation

    @property
    def holder(self):
        """The name that messages are held by: `reader`, or one for as long as receive() takes."""
        return self.reader or self._nobody

    def acknowledge_received(self, deliveries):
        """Acknowledge what nobody could acknowledge later; return `deliveries` with plain messages."""
        held = [(message.receipt, ()) for channels, message in deliveries if receipt_of(message)]
        if held:
            self.acknowledge(held)
        return [(channels, dict(message) if receipt_of(message) else message) for channels, message in deliveries]

    def declare(self, channels):
        super(RedisAcknowledgementMixin, self).declare(channels)
        if self._carriers:
            self._transport.sender.destinations.forget()
        self._readers = {}

    def hold_as(self, reader):
        super(RedisAcknowledgementMixin, self).hold_as(reader)
        self._readers = {}

    def send_job(self, channel, message, id=None, delay=None, at=None, priority=0, unique=None, conflict=REFUSE):
        self.check_message(message)
        delay, at = checked_times(delay, at)
        due = '@%d' % int(at * 1000) if at is not None else int((delay or 0) * 1000)
        return self._run(self._transport.acknowledged.send_job(
            valid_job_channel(channel), message, checked_id(id), due, checked_priority(priority),
            checked_unique(unique, conflict), conflict, id is not None,
        ))

    def time(self):
        return self._run(self._transport.acknowledged.time())

    def save_result(self, id, text, lifetime):
        self._run(self._transport.acknowledged.save_result(id, text, int(lifetime * 1000)))

    def load_result(self, id):
        return self._run(self._transport.acknowledged.load_result(id))

    def acknowledge(self, finished):
        return self.note_unsaid(finished, self._run(self._transport.acknowledged.acknowledge(finished)))

    def note_unsaid(self, finished, failed):
        """Note what of `failed` is to be said again, [(Receipt, reason), ...] of what has `finished`; return it."""
        for receipt, reason in failed:
            if isinstance(reason, LayerUnavailable):
                # Whether it was done is known once the server is back: it is
                # asked to again.
                pairs = [pairs for known, pairs in finished if known is receipt][0]
                self._unsaid.append((self.acknowledge, ([(receipt, pairs)],)))
        return failed

    def postpone(self, receipt, action, delay=0, deliveries=0, story=''):
        try:
            return self._run(self._transport.acknowledged.postpone(
                receipt, action, int(delay * 1000), deliveries, story,
            ))
        except LayerUnavailable:
            self._unsaid.append((self.postpone, (receipt, action, delay, deliveries, story)))
            raise

    def release(self, messages):
        """Requeue what is held of `messages`, [(channel, message), ...]; return the others, as such a list."""
        others = []
        for channel, message in messages:
            receipt = receipt_of(message)
            if receipt is None:
                others.append((channel, message))
                continue
            try:
                self.postpone(receipt, RELEASE)
            except LayerUnavailable as error:
                logger.warning('A message on %s is requeued later: %s', channel, error)
        return others

    def promises(self):
        absent = {}
        try:
            self._run(self._transport.absences.find(absent))
        except LayerUnavailable as error:
            # None is left.
            for shard in range(len(self.servers)):
                absent.setdefault(shard, '%s' % error)
        return with_servers(self._run(self._transport.durability.promises(absent)), self.servers)

    def recover(self):
        for _ in range(len(self._unsaid)):
            method, arguments = self._unsaid.popleft()
            try:
                said = method(*arguments)
            except LayerUnavailable:
                # It has put itself back.
                break
            if method == self.acknowledge:
                for receipt, reason in said:
                    self._said_late(receipt, reason, arguments)
            elif said == GONE:
                self._said_late(arguments[0], GONE, arguments)
        return self._run(self._transport.acknowledged.recover(self.holder))

    def _said_late(self, receipt, reason, arguments):
        """Say what became of what a server that was back did not do."""
        if isinstance(reason, self.ChannelFull):
            # There may be room at the next look.
            self._unsaid.append((self.acknowledge, arguments))
        elif reason == GONE:
            logger.warning(
                'A message on %s (%s, attempt %d) is not held here any more, now that Redis can be reached: that this '
                'worker is done with it was heard, or it was requeued, and what its consumer sent was dropped.',
                receipt.channel, receipt.id, receipt.attempt,
            )
        elif not isinstance(reason, LayerUnavailable):
            logger.error('A message on %s (%s, attempt %d) is held until this worker ends: what its consumer sent '
                         'can\'t be sent: %s', receipt.channel, receipt.id, receipt.attempt, reason)

    def jobs(self, channel, limit=100):
        checked_number_of_messages('limit', limit)
        return self._run(self._transport.acknowledged_inspection.jobs(valid_job_channel(channel), limit))

    def _change_by_ids(self, channel, action, ids):
        inspection = self._transport.acknowledged_inspection
        return self._run(inspection.cancel(valid_job_channel(channel), action, list(ids)))

    def cancel_jobs(self, channel, ids):
        return self._change_by_ids(channel, 'cancel', ids)

    def dead_letters(self, channel, limit=100, offset=0, id=None):
        checked_number_of_messages('limit', limit)
        checked_number_of_messages('offset', offset, lowest=0)
        inspection = self._transport.acknowledged_inspection
        return self._run(inspection.dead_letters(valid_job_channel(channel), limit, offset, id))

    def replay(self, channel, ids):
        return self._change_by_ids(channel, 'replay', ids)

    def delete_dead_letters(self, channel, ids):
        return self._change_by_ids(channel, 'delete', ids)

    def with_all_acknowledged(self, found):
        """Return `found`, a Found of all channels as a plan has it, with what waits on acknowledged ones."""
        from ..transport.queue_states import empty_numbers
        waiting = self._run(self._transport.acknowledged_inspection.statistics(None, found.absent))
        for name, numbers in waiting.items():
            add_waiting(found.setdefault(name, empty_numbers()), numbers)
        return found

    def acknowledged_statistics(self, channel=None):
        return self._run(self._transport.acknowledged_inspection.statistics(channel))

    def purge_acknowledged(self, channel):
        """Delete all that waits on `channel`, if it is acknowledged; return how many that were."""
        return self._run(self._transport.acknowledged_inspection.purge(channel)) if may_be_acknowledged(channel) else 0
