"""
Plans for acknowledged channels; transport standard, "Acknowledged channels".
"""
from __future__ import absolute_import, unicode_literals

import collections
import logging

from ...exceptions import ChannelFull, LayerUnavailable
from .. import codec
from ..acknowledgement import GONE, REFUSE, RELEASE, ChannelOptions, story_of
from . import scripts
from .acknowledgement_calls import AcknowledgementCalls
from .confirmation import confirming
from .held_reader import holder
from .large import check_size, full_error
from .operations import DONE, Exchange, ExchangeAll, Result, checked, flatten
from .options import INLINE_SIZE
from .resp import pack
from .server_clock import know_time

logger = logging.getLogger('django.channels')

#: Milliseconds after its last beat that what a process holds is requeued: a
#: beat may fail once. With a look every two seconds, that is within 15 s.
_DEAD_AFTER = 12000
#: Messages of dead readers that one call requeues; Redis does nothing else
#: then.
_RECOVERED_AT_ONCE = 1000

_DEFAULT = ChannelOptions().as_text()
_DIED_TOO_OFTEN = story_of(error='Its readers died each time.')


class AcknowledgedOperations(object):
    """What is done with acknowledged channels but for receiving, see `reader`; any number of threads may share it."""

    def __init__(self, transport, destinations):
        self._transport = transport
        self._options = transport.options
        self._destinations = destinations
        # Of calls; see AcknowledgementCalls.
        self._starts = {}

    # Sending

    def send_job(self, channel, message, id, due, priority, unique, conflict, may_be_there=False):
        """
        Put a job; the Result is the id of the one that is there then.

        `due` is ms from now, or '@' and ms of the server's clock. One with its
        id that `may_be_there` gives way to it, on whatever shard it waits.
        """
        return self._confirmed(flatten(self._send_job(
            channel, message, id, due, priority, unique, conflict, may_be_there and self._options.keys.shards > 1,
        )))

    def _confirmed(self, plan, applies=lambda: True):
        confirmation = self._options.confirmation
        return plan if confirmation is None else confirming(plan, confirmation, applies)

    def _send_job(self, channel, message, id, due, priority, unique, conflict, may_be_elsewhere):
        queue, label, destination = self._destinations.find(channel)
        body = codec.encode(message)
        check_size(body)
        # So that a later call finds out where it is.
        shard = self._options.keys.shard_of_job(unique or id)
        if self._options.sealer.is_bound:
            yield know_time(self._transport.clocks, shard, self._transport.ask_time)
        key = None
        if len(body) > INLINE_SIZE:
            key, commands, data = self._transport.sender.beside(shard, destination, body)
            for stored in commands:
                checked((yield Exchange(shard, stored))[0])
        else:
            data = b''.join(self._destinations.entry(destination, shard, '', body))
        # A channel that nobody has declared becomes one: a job waits for its
        # acknowledgement.
        options = _DEFAULT if destination.acknowledged is None else destination.acknowledged
        command = scripts.PUT.call([self._options.keys.statistics(shard)], [
            queue, options, self._options.statistics_lifetime, id, due, priority, unique or '', conflict or REFUSE,
        ] + [data])
        reply = checked((yield Exchange(shard, (command,)))[0])
        if reply == 1:
            if may_be_elsewhere:
                yield self._cancel_elsewhere(queue, id, shard)
            yield Result(id)
        if key is not None:
            yield Exchange(shard, (pack('UNLINK', key),))
        if type(reply) is bytes:
            yield Result(reply.decode('ascii'))
        raise full_error(self._options, destination, '')

    def _cancel_elsewhere(self, queue, id, shard):
        """Cancel the job with that `id` on all shards but its own: it had another unique key, or there were fewer."""
        others = [other for other in range(self._options.keys.shards) if other != shard]
        answers = yield ExchangeAll([
            (other, (scripts.CANCEL.call([self._options.keys.statistics(other)], [queue, 'cancel', id]),))
            for other in others
        ])
        for other, replies in zip(others, answers):
            if isinstance(replies, LayerUnavailable):
                logger.warning('Whether a job %s waits on %s as well is not known: shard %d can\'t be asked: %s',
                               id, queue, other, replies)
        yield DONE

    def time(self):
        """Have the servers' time as Result, in seconds since 1970: of several, of the one that is ahead."""
        return flatten(self._time())

    def _time(self):
        clocks, failure = self._transport.clocks, None
        for shard in range(len(clocks)):
            try:
                yield know_time(clocks, shard, self._transport.ask_time)
            except LayerUnavailable as error:
                failure = error
        known = [clock.now() for clock in clocks if clock.is_known()]
        if not known:
            raise failure
        yield Result(max(known) / 1000.0)

    def save_result(self, id, text, lifetime):
        """Keep `text` for `lifetime` ms."""
        shard = self._options.keys.shard_of_job(id)
        command = pack('SET', self._options.keys.result(shard, id), text.encode('utf-8'), 'PX', lifetime)
        checked((yield Exchange(shard, (command,)))[0])
        yield DONE

    def load_result(self, id):
        """Have what save_result() keeps as Result, or None."""
        shard = self._options.keys.shard_of_job(id)
        data = checked((yield Exchange(shard, (pack('GET', self._options.keys.result(shard, id)),)))[0])
        yield Result(None if data is None else data.decode('utf-8'))

    # What becomes of a message that was received

    def acknowledge(self, finished):
        """See AcknowledgementMixin.acknowledge(); the Result is its list."""
        # What is acknowledged comes again if that is lost; what is sent along
        # to channels whose messages must not be lost has to be confirmed.
        kept = []
        return self._confirmed(flatten(self._acknowledge(finished, kept)), lambda: kept)

    def _acknowledge(self, finished, kept):
        calls = yield self._prepare(finished, kept)
        yield self._write(calls)
        yield Result(calls.failed)

    def prepare(self, finished):
        """
        Have AcknowledgementCalls for `finished`, see acknowledge(), as Result.

        What can't go along with an acknowledgement is sent before.
        """
        return flatten(self._prepare(finished, []))

    def write(self, calls):
        """Write what nobody has written of `calls`, AcknowledgementCalls."""
        return flatten(self._write(calls))

    def _prepare(self, finished, kept):
        calls, together = AcknowledgementCalls(self._transport, self._starts), collections.OrderedDict()
        for receipt, pairs in finished:
            if self._transport.unanswered.is_older(receipt):
                calls.failed.append((receipt, GONE))
                continue
            if pairs:
                try:
                    along = yield self._along(receipt, pairs, kept)
                    if along is not None:
                        calls.add([receipt], along)
                        continue
                    refused = yield self._transport.sender.send_many(pairs)
                    if refused:
                        raise ChannelFull('The channel %s is full.' % refused[0][0])
                except Exception as error:
                    # Whatever is wrong with it, the others are not to blame.
                    calls.failed.append((receipt, error))
                    continue
            together.setdefault((receipt.shard, receipt.holder, receipt.channel), []).append(receipt)
        for receipts in together.values():
            calls.add(receipts, [])
        yield Result(calls)

    def _write(self, calls):
        shards = calls.shards()
        if shards:
            answers = yield ExchangeAll([(shard, calls.commands(shard)) for shard in shards])
            for shard, replies in zip(shards, answers):
                if isinstance(replies, LayerUnavailable):
                    calls.unavailable(shard, replies, is_last=True)
                else:
                    calls.read(shard, replies)
        yield DONE

    def _along(self, receipt, pairs, kept):
        """
        Have the arguments that send `pairs` in the call that acknowledges.

        The Result is None if that can't be. Append the names of acknowledged
        channels that they are for to `kept`.
        """
        arguments, keys = [], self._options.keys
        if self._options.sealer.is_bound:
            yield know_time(self._transport.clocks, receipt.shard, self._transport.ask_time)
        for channel, message in pairs:
            queue, label, destination = self._destinations.find(channel)
            body = codec.encode(message)
            if len(body) > INLINE_SIZE or receipt.shard not in keys.shards_to(queue):
                yield Result(None)
            entry = b''.join(self._destinations.entry(destination, receipt.shard, label, body))
            arguments += self._destinations.along(destination, receipt.shard, [entry])
            if destination.acknowledged is not None:
                kept.append(queue)
        yield Result(arguments)

    def postpone(self, receipt, action, delay, deliveries, story):
        """See AcknowledgementMixin.postpone()."""
        if self._transport.unanswered.is_older(receipt):
            yield Result(GONE)
        command = scripts.POSTPONE.call([self._options.keys.statistics(receipt.shard)], [
            receipt.holder, receipt.channel, receipt.token, action, delay, deliveries, story,
        ])
        reply = checked((yield Exchange(receipt.shard, (command,)))[0])
        self._transport.unanswered.over(receipt)
        yield Result(reply.decode('ascii'))

    def recover(self, reader):
        """
        Have [(channel, reader, requeued, dead), ...] as Result.

        Shards that can't be reached are left out.
        `reader` is this process's name. What it holds without having got it
        is requeued, too.
        """
        return flatten(self._recover(reader))

    def _recover(self, reader):
        for shard, channels in self._transport.unanswered.shards():
            try:
                yield self._release_unanswered(reader, shard, channels)
            except LayerUnavailable:
                # The next look finds it.
                pass
        keys, found = self._options.keys, []
        answers = yield ExchangeAll([
            (shard, (scripts.RECOVER.call([keys.statistics(shard), keys.processes(shard)], [
                _DEAD_AFTER, _RECOVERED_AT_ONCE, self._options.statistics_lifetime, _DIED_TOO_OFTEN,
                reader, self._transport.clocks[shard].generation,
            ]),)) for shard in range(keys.shards)
        ])
        for replies in answers:
            if isinstance(replies, LayerUnavailable):
                # Its own readers see it, too.
                continue
            report = checked(replies[0])
            for index in range(0, len(report), 4):
                channel, reader, returned, dead = report[index:index + 4]
                found.append((channel.decode('ascii'), reader.decode('ascii'), returned, dead))
        yield Result(found)

    def _release_unanswered(self, reader, shard, channels):
        held_by, base = holder(reader, self._transport.clocks[shard]), self._options.keys.base(shard)
        replies = yield Exchange(shard, [
            pack('HKEYS', '%st:%s:%s' % (base, channel, held_by)) for channel in channels
        ])
        found = [
            (channel, token.decode('ascii')) for channel, reply in zip(channels, replies) for token in checked(reply)
        ]
        lost = self._transport.unanswered.look(shard, found)
        if lost:
            yield Exchange(shard, [
                scripts.POSTPONE.call([self._options.keys.statistics(shard)], [
                    held_by, channel, token, RELEASE, 0, 0, '',
                ]) for channel, token in lost
            ])
        yield DONE
