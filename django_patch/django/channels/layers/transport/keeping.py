"""
Sends of bodies that a command of their own puts on the queue.

A script reads every byte of its arguments. So RPUSH has the entry, and a
script in the same transaction counts it and keeps it, or takes it back. From
some size on, a body that lies beside its entry costs Redis less; but its
reader has to ask twice.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import LayerUnavailable
from .. import codec
from .envelope import MESSAGE, pack_header
from .large import full_error
from .operations import DONE, Exchange, Result, checked
from .options import INLINE_SIZE
from .resp import LargeCommand, ReplyError, append, argument, pack
from .server_clock import know_time

#: Bytes of a body above which that costs Redis less than the script alone.
LEAST_SIZE = 24 << 10
#: The same up to which it costs less than what lies beside.
_MOST_SIZE = 192 << 10

_BEGIN, _END = pack('MULTI'), pack('EXEC')
#: As what a transaction begins with, but it is answered.
_ANSWER = pack('CLIENT', 'REPLY', 'ON')
#: Codes of errors that are there to stay.
_FORBIDDEN = {'NOPERM', 'ERR'}


class TransactionMixin(object):
    """What SendOperations does with bodies that are neither small nor large."""

    # complexity: what comes here goes one of three ways, on any of the shards.
    def _send_put(self, destination, label, body):
        """Put an entry by a transaction where that can be, and else as the others."""
        is_large = len(body) > INLINE_SIZE
        otherwise = self._send_beside if is_large else self._send_small
        # A group's message looks at the first entry for a process.
        if destination.acknowledged is not None or len(body) > (INLINE_SIZE if label else _MOST_SIZE):
            yield otherwise(destination, label, body)
            yield DONE
        shards, clocks, is_full = self._destinations.order(destination), self._clocks, False
        for shard in shards:
            try:
                if not clocks[shard].is_fresh():
                    yield know_time(clocks, shard, self._ask_time)
                if not clocks[shard].transacts and not (yield self._transacts(shard)):
                    yield otherwise(destination, label, body)
                    yield DONE
                if shard in destination.full and is_large and not (yield self._has_room(destination, shard, label)):
                    is_full = True
                    continue
                put = _outcome((yield Exchange(shard, self._transaction(destination, shard, label, body))))
            except LayerUnavailable as error:
                # Where it was refused, others may be from now on.
                self._clocks[shard].transacts = None
                if error.sent or shard == shards[-1] and not is_full:
                    raise
                continue
            if put < 0:
                yield otherwise(destination, label, body)
                yield DONE
            is_full = not put
            if is_large and (is_full or put >= destination.capacity):
                # Who fills a channel asks before it carries the next.
                destination.full.setdefault(shard, 0)
            if put:
                yield DONE
        raise full_error(self._options, destination, label)

    def _transacts(self, shard):
        """Have whether the server of `shard` lets us use transactions as Result."""
        clock = self._clocks[shard]
        if clock.transacts is None:
            # Without the first, the others would be carried out one by one;
            # without the last, what is answered would be more.
            replies = yield Exchange(shard, (_BEGIN, _END, _ANSWER))
            codes = {reply.code for reply in replies if type(reply) is ReplyError}
            if not codes or codes & _FORBIDDEN:
                clock.transacts = not codes
        yield Result(clock.transacts)

    def _transaction(self, destination, shard, label, body):
        """Return the packed commands; what begins the transaction is in the first, since it isn't answered."""
        options, sealer = self._options, self._options.sealer
        deadline = self._clocks[shard].after(options.lifetime)
        if sealer.flags:
            body = sealer.seal(shard, MESSAGE, destination.queue + label, deadline, codec.whole(body))
        header, mark = pack_header(MESSAGE | sealer.flags, deadline, label), argument(deadline)
        start, keep = self._destinations.transaction(destination, shard)
        if type(body) is codec.LargeBody:
            put = LargeCommand((), [header] + body.slice(0, len(body)), (deadline,), start)
        else:
            put = append(start, header, body) + mark
        return put, b''.join((keep, argument(label), mark)), _END


def _outcome(replies):
    """Return what keep.lua has returned; raise LayerUnavailable for an error."""
    for reply in replies:
        # The first says more than that of EXEC.
        checked(reply)
    for reply in replies[-1]:
        checked(reply)
    return replies[-1][-1]
