"""
All plans of one layer, for the driver that carries them out.

A driver keeps connections, each of which begins with the commands of
`greeting()`; their replies go to `greeted()`. It turns bytes into replies
with `resp.Parser`. The names it passes in have been validated.
"""
from __future__ import absolute_import

import collections
import logging
import threading
import time

from ... import names
from .. import codec
from . import scripts
from .absences import Absences
from .acknowledged_inspection import AcknowledgedInspection
from .acknowledging_operations import AcknowledgedOperations
from .decoding import EntryDecoder
from .durability import DurabilityOperations
from .envelope import NEWEST
from .groups import GroupOperations
from .inbox import Inbox
from .inspection import InspectionOperations
from .operations import DONE, Exchange, checked
from .presence import PresenceOperations
from .reader import Reader
from .resp import pack
from .samples import SampleOperations
from .sending import SendOperations
from .server_clock import ServerClock, know_time
from .statistics import StatisticsOperations
from .unanswered import UnansweredTakes

logger = logging.getLogger(__name__)


class _Releases(threading.local):
    """(Shard, command that frees the pieces of a message) of what each thread has received."""

    def __init__(self):
        super(_Releases, self).__init__()
        self.found = []


class Transport(object):
    """
    All plans of one layer.

    `options` is an `Options`; `monotonic` a clock in seconds that is never
    set back. `lost_state(shard)` is called when a server turns out to have
    lost what it held: the groups of the ``!`` queues there are gone.

    `sender`, `groups`, `statistics`, `inspection`, `samples` and `presence`
    have the plans; reader(channels) returns the one with those that receive.
    """

    def __init__(self, options, monotonic=time.time, lost_state=None):
        codec.require_msgpack()
        self.options = options
        self.monotonic = monotonic
        self.clocks = [ServerClock(monotonic) for _ in range(options.keys.shards)]
        self.sender = SendOperations(options, self.clocks, self.ask_time)
        self.groups = GroupOperations(options, self.clocks, self.ask_time)
        self.statistics = StatisticsOperations(self)
        self.decoder = EntryDecoder(self)
        self.absences = Absences(options.keys.shards, monotonic)
        self.inspection = InspectionOperations(self)
        self.samples = SampleOperations(options, self.absences)
        self.presence = PresenceOperations(options, self.clocks, self.absences)
        self.durability = DurabilityOperations(options)
        self.unanswered = UnansweredTakes()
        self.acknowledged = AcknowledgedOperations(self, self.sender.destinations)
        self.acknowledged_inspection = AcknowledgedInspection(self)
        self._lost_state = lost_state
        self._inboxes = {}
        #: What count() was told, and frees pieces, until a reader writes it.
        self.unwritten = collections.deque()
        #: What frees the pieces that were read; None: the reading itself does.
        self.releases = None

    def reader(self, channels, held=(), holder=None):
        """
        Return a Reader of `channels`, for as long as its caller lives.

        Names that end in ``!`` share what is known of their groups with all
        readers of the transport. What comes on those of `held` is held for
        the process named `holder`.
        """
        return Reader(self, channels, held, holder)

    def inbox(self, queue):
        """Return the Inbox of a queue whose name ends in ``!``."""
        try:
            return self._inboxes[queue]
        except KeyError:
            return self._inboxes.setdefault(queue, Inbox(queue, self.options.keys.shard_of(queue)))

    # Connections

    def greeting(self, shard):
        """Return the commands that a new connection to `shard` begins with."""
        return scripts.with_texts([self._hello(shard)])

    def greeted(self, shard, replies, asked):
        """
        Take the replies to greeting(), sent at the time `asked`.

        Return the commands that come next on the connection; their replies
        don't matter. Raise LayerUnavailable if the server can't be used: a
        replica, say.
        """
        for reply in replies:
            checked(reply)
        again = self.clocks[shard].is_known()
        commands = self._update_clock(shard, replies[-1], asked)
        if again:
            self.clocks[shard].ask_soon()
        return commands

    def know_time(self, shard):
        """A plan after which the clock of `shard` is good, if the server is there."""
        return know_time(self.clocks, shard, self.ask_time)

    def ask_time(self, shard):
        """A plan that sets the clock of `shard`."""
        asked = self.monotonic()
        reply = checked((yield Exchange(shard, (self._hello(shard),)))[0])
        commands = self._update_clock(shard, reply, asked)
        if commands:
            yield Exchange(shard, commands)
        yield DONE

    def _hello(self, shard):
        keys, clock = self.options.keys, self.clocks[shard]
        # A new proposal each time: a server that has lost everything must not
        # get its old epoch back from the first client that returns.
        return scripts.HELLO.call(
            [keys.statistics(shard), keys.wake(shard, '')],
            [
                names.random_token(16), self.options.statistics_lifetime, NEWEST,
                clock.mark, clock.epoch or b'', clock.groups_mark, clock.run,
            ],
        )

    def mark_command(self, shard, queue):
        """Return the command that marks that messages were taken from `queue`, no ``!`` queue."""
        keys = self.options.keys
        return scripts.RECEIVED.call([keys.pending(shard, queue), keys.statistics(shard)], [])

    def _update_clock(self, shard, reply, asked):
        """Take the reply of hello.lua; return the commands that have to follow."""
        clock = self.clocks[shard]
        before = clock.lowest_version
        lost = clock.update(reply, asked)
        if clock.lowest_version < min(before, NEWEST):
            logger.warning(
                'Somebody on shard %d reads entries of version %d at most; this process reads and writes %d.',
                shard, clock.lowest_version, NEWEST,
            )
        if lost:
            self._forget_groups(shard)
        elif clock.went_back:
            logger.warning(
                'Redis has lost what it held last (shard %d); what was received from it by then is dropped.', shard,
            )
        return self._forget_taken(shard) if clock.went_back else ()

    def _forget_groups(self, shard):
        logger.warning('Redis has lost what it held (shard %d): messages, and who is in which group.', shard)
        for inbox in list(self._inboxes.values()):
            if inbox.shard == shard:
                inbox.forget_groups()
        if self._lost_state is not None:
            self._lost_state(shard)

    def _forget_taken(self, shard):
        """Return the commands that drop what is in the queues again, though it was taken."""
        commands = ()
        for queue, deadline in self.clocks[shard].taken().items():
            commands += (scripts.FORGET.call([self.options.keys.queue(shard, queue)], [deadline]),)
            if queue in self._inboxes:
                # What is waiting for its clients is not what was counted.
                self._inboxes[queue].counts_dirty = True
        return commands

    # Counters of what readers found, written along with other commands

    def count(self, shard, field, number):
        """Add `number` to a counter with the next write of a reader."""
        self.unwritten.append((shard, field, number))

    def pop_unwritten(self, shard):
        """Return the commands that write what was counted for `shard`, and free what is to be freed there."""
        totals, freeing = collections.OrderedDict(), ()
        for _ in range(len(self.unwritten)):
            try:
                item = self.unwritten.popleft()
            except IndexError:
                # Another thread was faster.
                break
            if item[0] == shard and item[1] is None:
                freeing += (item[2],)
            elif item[0] == shard:
                totals[item[1]] = totals.get(item[1], 0) + item[2]
            else:
                self.unwritten.append(item)
        key = self.options.keys.statistics(shard)
        commands = tuple(pack('HINCRBY', key, field, number) for field, number in totals.items())
        for field, number in totals.items():
            if field.startswith('expired:'):
                self.decoder.drop_log.expired(field.partition(':')[2], number, self.options.lifetime / 1000.0)
        # The server may have lost the key, and no key is without an expiry.
        return freeing + (commands and commands + (pack('PEXPIRE', key, self.options.statistics_lifetime),))

    # Pieces of what a thread has received and not recorded

    def hold_pieces(self):
        """Have the pieces of what a thread receives stay until settle_pieces()."""
        self.releases = _Releases()

    def settle_pieces(self):
        """Free, with the next write of a reader, the pieces of what the calling thread has received."""
        if self.releases is not None and self.releases.found:
            self.unwritten.extend((shard, None, command) for shard, command in self.releases.found)
            del self.releases.found[:]
