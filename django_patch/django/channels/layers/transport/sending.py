"""
Plans that send to a channel.
"""
from __future__ import absolute_import, unicode_literals

import collections
import functools
import itertools

from ...exceptions import ChannelFull, LayerUnavailable
from .. import codec
from . import scripts
from .confirmation import confirming
from .destinations import Destinations
from .keeping import LEAST_SIZE, TransactionMixin
from .large import LargeSendMixin, check_size, full_error
from .operations import DONE, Exchange, ExchangeAll, Result, checked, flatten
from .options import INLINE_SIZE
from .resp import ReplyError, pack
from .send_calls import SendCalls
from .server_clock import know_time, know_times

#: Messages that one call of the script puts; Redis does nothing else then.
_BATCH = 500

# As Exchange(shard, commands) of a tuple, without a call of Python's.
_exchange = functools.partial(tuple.__new__, Exchange)


class _QueueBatch(object):
    """What send_many() has for one queue."""

    def __init__(self, destination, shards):
        self.destination = destination
        self.shards = shards
        self.waiting = collections.deque()
        self.size = 0
        #: Whether it has a message that is better kept out of the scripts.
        self.has_large = False
        #: Whether a shard had no room; one that is away is no failure then.
        self.is_full = False

    def went(self, number):
        """Note that `number` messages of `size` were put."""
        for _ in range(number):
            self.waiting.popleft()
        if number < self.size:
            # Another shard may have room.
            self.is_full, self.shards = True, self.shards[1:]

    def failed(self, sent):
        """Note that the shard is away, and may have got the messages if `sent`."""
        self.shards = () if sent else self.shards[1:]
        for _ in range(self.size if sent else 0):
            self.waiting.popleft()


class SendOperations(TransactionMixin, LargeSendMixin):
    """
    Sends to channels; any number of threads may share it.

    `clocks` is a list of each shard's ServerClock, and ask_time(shard) a plan
    that sets one.
    """

    def __init__(self, options, clocks, ask_time=None):
        self._options = options
        self._clocks = clocks
        self._ask_time = ask_time
        self.destinations = self._destinations = Destinations(options, clocks)

    # Plans

    def send(self, channel, message):
        """
        Put `message`, a dict, on `channel`.

        Raise TypeError or ValueError for what is not valid.
        """
        queue, label, destination = self._destinations.find(channel)
        body = codec.encode(message)
        if len(body) > self._options.string_size:
            plan = flatten(self._send_large(destination, label, body))
        elif len(body) > LEAST_SIZE:
            plan = flatten(self._send_put(destination, label, body))
        elif self._options.sealer.flags:
            plan = flatten(self._send_small(destination, label, body))
        else:
            plan = self._send_small(destination, label, body)
        return plan if self._options.confirmation is None else self._confirmed(plan, (destination,))

    def _confirmed(self, plan, destinations):
        """Return `plan`, with what it sends to acknowledged ones of `destinations` confirmed."""
        return confirming(plan, self._options.confirmation, lambda: any(
            destination.acknowledged is not None for destination in destinations
        ))

    def _send_small(self, destination, label, body):
        sealer, is_full, shards = self._options.sealer, False, destination.shards
        if len(shards) > 1:
            shards = self._destinations.order(destination)
        for shard in shards:
            try:
                if sealer.is_bound:
                    yield know_time(self._clocks, shard, self._ask_time)
                sealed = self._destinations.seal(destination, shard, label, body) if sealer.flags else body
                command = self._destinations.command(destination, shard, sealer.flags, label, sealed)
                reply = (yield _exchange((shard, (command,))))[0]
                if reply == -1:
                    destination.went(reply)
                    command = self._destinations.command(destination, shard, sealer.flags, label, sealed)
                    reply = (yield Exchange(shard, (command,)))[0]
            except LayerUnavailable as error:
                if error.sent or shard == shards[-1] and not is_full:
                    raise
                continue
            if reply == 1:
                yield DONE
            is_full = checked(reply) == 0
        raise full_error(self._options, destination, label)

    def send_many(self, pairs):
        """
        Send all `pairs` of (channel, message); one call takes many messages.

        The Result is the list of the pairs that were refused as full. Once a
        queue has refused a message, it gets none of those after it. Raise
        MessageTooLarge before anything is sent; the `refused` of a
        LayerUnavailable has the pairs that surely weren't.
        """
        batches = self._batches(pairs)
        plan = flatten(self._send_many(batches))
        if self._options.confirmation is None:
            return plan
        return self._confirmed(plan, [batch.destination for batch in batches])

    def prepare(self, pairs, on_sent):
        """
        Return SendCalls for `pairs`; None if they can't go along with a wait.

        They can where there is one server only, and nothing has to come
        before them or after them. Raise TypeError or ValueError for what is
        not valid.
        """
        options = self._options
        if options.keys.shards > 1 or options.confirmation is not None or options.sealer.flags:
            return None
        batches = self._batches(pairs)
        for batch in batches:
            if batch.has_large or len(batch.waiting) > _BATCH:
                return None
        return SendCalls(batches[0].shards[0], [(batch, self._batch_command(batch)) for batch in batches], on_sent)

    def _send_many(self, batches):
        failure = None
        while True:
            for batch in batches:
                while batch.waiting and batch.shards and len(batch.waiting[0][2]) > INLINE_SIZE:
                    # Its turn has come; what is behind it waits.
                    failure = (yield self._send_first(batch)) or failure
            busy = [batch for batch in batches if batch.waiting and batch.shards]
            if not busy:
                break
            failure = (yield self._send_batches(busy)) or failure
        refused = [pair for batch in batches for pair, label, body in batch.waiting]
        if failure is not None:
            failure.refused = refused
            raise failure
        yield Result(refused)

    def _batches(self, pairs):
        """Return a list that has a _QueueBatch for each queue of `pairs`."""
        batches = collections.OrderedDict()
        for pair in pairs:
            queue, label, destination = self._destinations.find(pair[0])
            try:
                batch = batches[queue]
            except KeyError:
                batch = batches[queue] = _QueueBatch(destination, self._destinations.order(destination))
            body = codec.encode(pair[1])
            if len(body) > INLINE_SIZE:
                batch.has_large = True
                check_size(body)
            batch.waiting.append((pair, label, body))
        return list(batches.values())

    def _send_first(self, batch):
        """Send the first message of `batch`, a large one; the Result is a LayerUnavailable or None."""
        pair, label, body = batch.waiting.popleft()
        send = self._send_large if len(body) > self._options.string_size else self._send_beside
        try:
            yield send(batch.destination, label, body)
        except (ChannelFull, LayerUnavailable) as error:
            batch.shards = ()
            if not getattr(error, 'sent', False):
                batch.waiting.appendleft((pair, label, body))
            yield Result(error if isinstance(error, LayerUnavailable) else None)
        yield DONE

    def _send_batches(self, batches):
        """Send what one call for each of `batches` takes; the Result is a LayerUnavailable or None."""
        requests = {}
        for batch in batches:
            requests.setdefault(batch.shards[0], []).append(batch)
        shards = sorted(requests)
        if self._options.sealer.is_bound:
            yield know_times(self._clocks, shards, self._ask_time)
        answers = yield ExchangeAll([
            (shard, [self._batch_command(batch) for batch in requests[shard]]) for shard in shards
        ])
        failure = None
        for shard, replies in zip(shards, answers):
            for index, batch in enumerate(requests[shard]):
                try:
                    if isinstance(replies, LayerUnavailable):
                        raise replies
                    reply = checked(replies[index])
                    # Else it is sent in the next round, by another call.
                    if batch.destination.went(reply):
                        batch.went(reply)
                except LayerUnavailable as error:
                    if error.sent or len(batch.shards) == 1 and not batch.is_full:
                        failure = error
                    batch.failed(error.sent)
        yield Result(failure)

    def _batch_command(self, batch):
        shard, waiting, destinations = batch.shards[0], batch.waiting, self._destinations
        if len(waiting) > _BATCH or batch.has_large:
            waiting = itertools.takewhile(lambda item: len(item[2]) <= INLINE_SIZE, itertools.islice(waiting, _BATCH))
        entries = destinations.entries(batch.destination, shard, waiting)
        batch.size = len(entries)
        return self._destinations.head(batch.destination, shard, len(entries)) + b''.join(entries)

    def requeue(self, channel, messages):
        """
        Put `messages` that were taken from `channel` back before all others.

        They get a new lifetime, and there is always room for them. The
        Result is the list of those that the caller has to keep: it can't be
        known whether a ``!`` channel's reader is there, large ones have left
        their pieces, and servers may be away. The `refused` of a
        LayerUnavailable has those that surely didn't go back.
        """
        return flatten(self._requeue(channel, messages))

    def _requeue(self, channel, messages):
        queue, label, destination = self._destinations.find(channel)
        kept, entries = [], []
        for index, message in enumerate(messages):
            entries.append(codec.whole(codec.encode(message)))
            if '!' in queue or len(entries[-1]) > self._options.piece_size:
                # With all before it, or those would come after it.
                kept, entries = messages[:index + 1], []
        for shard in self._destinations.order(destination):
            if not entries:
                break
            key = self._options.keys.queue(shard, queue)
            try:
                yield know_time(self._clocks, shard, self._ask_time)
                sealed = [
                    b''.join(self._destinations.entry(destination, shard, label, body)) for body in reversed(entries)
                ]
                requeue = scripts.REQUEUE.call([key], [self._options.queue_lifetime(queue)] + sealed)
                reply = (yield Exchange(shard, (requeue,)))[0]
                if type(reply) is not ReplyError:
                    entries = []
                # Else its first LPUSH was refused, and nothing went back.
            except LayerUnavailable as error:
                if error.sent:
                    error.refused = kept
                    raise
        yield Result(messages if entries else kept)

    def throttle(self, channel):
        """
        Have sends to one client of a ``!`` channel refused until unthrottle().

        Its server says so while the client takes what it has got too slowly:
        it makes the client's count of waiting messages look full.
        """
        queue, label, destination = self._destinations.find(channel)
        shard, = destination.shards
        key = self._options.keys.pending(shard, queue)
        capacity = self._options.get_capacity(queue)
        commands = pack('HINCRBY', key, label, capacity), pack('PEXPIRE', key, self._options.lifetime)
        checked((yield Exchange(shard, commands))[0])
        yield DONE

    def unthrottle(self, channel):
        """End a throttle() of `channel`."""
        queue, label, destination = self._destinations.find(channel)
        shard, = destination.shards
        key = self._options.keys.pending(shard, queue)
        command = scripts.RECEIVED.call([key], [label, self._options.get_capacity(queue)])
        checked((yield Exchange(shard, (command,)))[0])
        yield DONE
