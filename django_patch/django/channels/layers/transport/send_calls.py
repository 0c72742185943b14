"""
The calls that send what consumers have replied, on their way.
"""
from __future__ import absolute_import, unicode_literals

from .resp import ReplyError, pack


class SendCalls(object):
    """
    Calls of send.lua for one shard: to be written, then answered.

    They go along with what receives, as AcknowledgementCalls do. `batches`
    has (_QueueBatch, its packed call) for each queue. As soon as it is known
    what became of all, `on_sent` is called with the pairs that surely were
    not sent, a list, and the LayerUnavailable that they met, or None.
    """

    def __init__(self, shard, batches, on_sent):
        #: The number of the shard.
        self.shard = shard
        self._batches = batches
        # The command that counts, and what takes the answer.
        self._counting, self._on_counted = (), None
        # None once it is told.
        self._on_sent = on_sent
        self._is_written = False
        self._error = None
        #: Whether some of it is known not to have been sent.
        self.failed = False

    def count(self, key, on_counted):
        """Have `on_counted` called with the number of entries of the queue `key`, by the time that they are sent."""
        self._counting, self._on_counted = (pack('LLEN', key),), on_counted

    def shards(self):
        """Return the numbers of shards for which something is to be written, as a list."""
        return [] if self._is_written else [self.shard]

    def commands(self, shard):
        """Return the packed calls for `shard` that nobody has written, a tuple; the caller is about to."""
        if self._is_written:
            return ()
        self._is_written = True
        return tuple([command for batch, command in self._batches]) + self._counting

    def read(self, shard, replies):
        """Take in the first of `replies`, which answer commands(), and return the others."""
        if self._on_sent is not None:
            for (batch, command), reply in zip(self._batches, replies):
                # An error is that of one queue, such as a key of another type.
                if type(reply) is not ReplyError and batch.destination.went(reply):
                    batch.went(reply)
                self.failed = self.failed or bool(batch.waiting)
            self.finish()
        sent = len(self._batches)
        if self._counting and type(replies[sent]) is not ReplyError:
            # An error is that of a key of another type, which the wait
            # meets, too.
            self._on_counted(replies[sent])
        return replies[sent + len(self._counting):]

    def are_done(self, replies):
        """Return whether `replies`, which answer commands(), say that all is done."""
        for (batch, command), reply in zip(self._batches, replies):
            if reply != batch.size:
                return False
        # Before the wait for what comes next is over.
        self._tell([])
        return True

    def unavailable(self, shard, error, is_last=False):
        """Take in the LayerUnavailable `error`; unless `is_last`, what can't have arrived may be written again."""
        if not error.sent and not is_last:
            self._is_written = False
            return
        self._error, self.failed = error, True
        for batch, command in self._batches:
            batch.failed(error.sent)

    def finish(self):
        """Tell what became of all, unless that has been told."""
        if self._on_sent is not None:
            self._tell([pair for batch, command in self._batches for pair, label, body in batch.waiting])

    def _tell(self, refused):
        on_sent, self._on_sent = self._on_sent, None
        on_sent(refused, self._error)
