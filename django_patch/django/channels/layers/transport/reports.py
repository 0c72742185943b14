"""
Reports of a reader: what it received, what was lost, and what it requeues.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import LayerUnavailable
from . import scripts
from .operations import DONE, Exchange, Result, checked, flatten
from .resp import ReplyError, command, pack, pack_counts


class ReportsMixin(object):
    """The part of a Reader that reports; `_inboxes` are those of each shard."""

    def _reports(self, shard):
        if self._transport.releases is not None:
            # Who asks for more has done with what came before.
            self._transport.settle_pieces()
        commands = self._transport.pop_unwritten(shard) if self._transport.unwritten else ()
        marks = False
        for inbox in self._inboxes.get(shard, ()):
            if not inbox.counts_dirty and not inbox.received:
                continue
            keys = self._options.keys
            if inbox.counts_dirty:
                commands += (pack('DEL', keys.pending(shard, inbox.queue)),)
            else:
                if inbox.report is None:
                    inbox.report = scripts.RECEIVED.start + scripts.packed(
                        [keys.pending(shard, inbox.queue), keys.statistics(shard)])
                call = command(inbox.report, 2 * len(inbox.received))
                commands += (call + pack_counts(inbox.received),)
                marks = True
            inbox.counts_dirty = False
            inbox.received = {}
        if self._transport.clocks[shard].is_to_mark() and not marks:
            commands += (self._transport.mark_command(shard, self.channels[0]),)
        return commands

    def _check_reports(self, shard, replies, reports):
        if any(type(reply) is ReplyError for reply in replies[:len(reports)]):
            self._forget_reports(shard)
        for reply in replies[:len(reports)]:
            if type(reply) is bytes:
                self._transport.clocks[shard].see_mark(reply)

    def _forget_reports(self, shard):
        for inbox in self._inboxes.get(shard, ()):
            inbox.counts_dirty = True

    def _forget(self, shard):
        """Forget what was asked of a shard that didn't answer."""
        self._forget_reports(shard)
        if self._held is not None:
            self._held.unanswered(shard)

    def _parse_pop(self, reply):
        """Return (shard, queue, inbox, entries) of a reply, or None."""
        if type(reply) is not list:
            return None
        key, entries = reply
        queue = self._queues.get(key)
        if queue is None:
            # The key that wakes.
            return None
        return queue + (entries if type(entries) is list else [entries],)

    def waking(self, tokens):
        """Return [(shard, the commands that wake waits of `tokens` there), ...]."""
        return [
            (shard, tuple(command for token in tokens for command in self._wakes.get(shard, token)[1]))
            for shard in self._shards
        ]

    def put_back(self, reply):
        """A plan that requeues what another process took by `reply`; the Result is how many messages that were."""
        return flatten(self._put_back(reply))

    def _put_back(self, reply):
        is_pop = type(reply) is list and len(reply) == 2 and type(reply[0]) is bytes
        taken = self._parse_pop(reply) if is_pop else None
        if taken is None or taken[2] is not None:
            yield Result(0)
        shard, queue, inbox, entries = taken
        yield self._requeue(shard, queue, entries)
        yield Result(len(entries))

    def _requeue(self, shard, queue, entries):
        key = self._options.keys.queue(shard, queue)
        requeue = scripts.REQUEUE.call([key], [self._options.queue_lifetime(queue)] + entries[::-1])
        try:
            checked((yield Exchange(shard, (requeue,)))[0])
        except LayerUnavailable as error:
            # The reader has other messages, which must not be lost, too.
            for _ in entries:
                self._transport.decoder.lost(shard, queue, error)
        yield DONE
