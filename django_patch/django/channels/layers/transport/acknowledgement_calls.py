"""
The calls that acknowledge what consumers have finished, on their way.
"""
from __future__ import absolute_import, unicode_literals

import collections

from ...exceptions import ChannelFull, LayerUnavailable
from ..acknowledgement import GONE
from . import scripts
from .queue_keys import KEPT_COMMANDS
from .resp import ReplyError, argument, command, pack_texts


class AcknowledgementCalls(object):
    """
    Calls of acknowledge.lua by shard: to be written, then answered.

    `failed` is [(Receipt, reason), ...], as acknowledge() returns it. Each
    shard's are written once, in one write, by the first who asks for them.
    """

    def __init__(self, transport, starts):
        self._transport = transport
        # How calls begin, packed, by shard, holder and channel: for all that
        # are made.
        self._starts = starts
        # Shard -> [(receipts, arguments that send along), ...].
        self._unwritten, self._unanswered = collections.OrderedDict(), {}
        self.failed = []

    def add(self, receipts, along):
        """Acknowledge `receipts` of one shard, channel and holder in one call, with the arguments `along`."""
        self._unwritten.setdefault(receipts[0].shard, []).append((receipts, along))

    def shards(self):
        """Return the numbers of shards for which something is to be written, as a list."""
        return list(self._unwritten)

    def commands(self, shard):
        """Return the packed calls for `shard` that nobody has written, a tuple; the caller is about to."""
        calls = self._unwritten.pop(shard, ())
        if not calls:
            return ()
        self._unanswered[shard] = calls
        return tuple([
            # Those in one piece of bytes: there may be many.
            command(
                self._start(receipts[0]) +
                [argument(len(receipts)), pack_texts([receipt.token for receipt in receipts])] +
                [argument(value) for value in along], len(receipts) - 1,
            )
            for receipts, along in calls
        ])

    def _start(self, receipt):
        known = receipt.shard, receipt.holder, receipt.channel
        try:
            return self._starts[known]
        except KeyError:
            pass
        if len(self._starts) >= KEPT_COMMANDS:
            self._starts.clear()
        statistics = self._transport.options.keys.statistics(receipt.shard)
        start = self._starts[known] = scripts.ACKNOWLEDGE.start + [
            argument(value) for value in (1, statistics, receipt.holder, receipt.channel)
        ]
        return start

    def read(self, shard, replies):
        """Take in the first of `replies`, which answer commands(), and return the others."""
        calls = self._unanswered.pop(shard, ())
        for (receipts, along), reply in zip(calls, replies):
            if type(reply) is list and 0 not in reply:
                self._transport.unanswered.all_over(receipts)
                continue
            refused = _refused(receipts, reply)
            self.failed += refused
            held = {receipt for receipt, reason in refused if reason is not GONE}
            for receipt in receipts:
                if receipt not in held:
                    self._transport.unanswered.over(receipt)
        return replies[len(calls):]

    def are_done(self, replies):
        """Return whether `replies`, which answer commands(), say that all is done."""
        return all(type(reply) is list and 0 not in reply for reply in replies)

    def unavailable(self, shard, error, is_last=False):
        """Take in the LayerUnavailable `error`; unless `is_last`, what can't have arrived may be written again."""
        calls = self._unanswered.pop(shard, ())
        if calls and not error.sent and not is_last:
            self._unwritten[shard] = calls
        else:
            self.failed += [(receipt, error) for receipts, along in calls for receipt in receipts]


def _refused(receipts, reply):
    """Return [(Receipt, reason), ...] of those that `reply` doesn't acknowledge."""
    if type(reply) is ReplyError:
        error = LayerUnavailable('Redis refused an acknowledgement: %s' % reply)
        error.sent = True
        return [(receipt, error) for receipt in receipts]
    if type(reply) is bytes:
        error = ChannelFull('The channel %s is full.' % reply.decode('ascii'))
        return [(receipt, error) for receipt in receipts]
    return [(receipt, GONE) for receipt, done in zip(receipts, reply) if not done]
