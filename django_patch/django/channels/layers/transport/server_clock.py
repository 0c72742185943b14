"""
The clock of a Redis server, as a client knows it without asking each time.
"""
from __future__ import absolute_import

from ...exceptions import LayerUnavailable
from .envelope import NEWEST, deadline_of
from .operations import DONE, Exchange

#: Seconds after which a server is asked again.
_MAX_AGE = 60.0
#: The same after a connection that wasn't the first. Others come back later
#: than this process, at most after the last of readers' pauses, and may know
#: what the server lost.
_MAX_AGE_ANEW = 3.0
#: Seconds between two marks of one process for what it took.
_MARK_EVERY = 0.1
#: Queues that were taken from lately and are looked through no more often than
#: that they have doubled.
_FEW_QUEUES = 1000
#: Seconds per second that two clocks may drift apart.
_DRIFT = 0.001


class ServerClock(object):
    """
    The server's time by this process's `monotonic` clock (seconds).

    Also what else the server said when it was asked: see hello.lua.
    """

    def __init__(self, monotonic):
        self._monotonic = monotonic
        self._offset = None
        self._error = 0.0
        self._asked = 0.0
        # When the answer came that the offset is by.
        self._learnt = 0.0
        self._max_age = _MAX_AGE
        self._marked = None
        # Whether something was received that no mark covers yet.
        self._unmarked = False
        #: The latest mark (see mark.lua) that the server was seen to have, and
        #: the latest of a change of groups.
        self.mark = self.groups_mark = 0
        #: The server's process, b'' if it may not be asked for.
        self.run = b''
        #: Whether what was received may be in the queues again.
        self.went_back = False
        # Queue -> deadline (ms) of what was taken from it last.
        self._taken = {}
        self._many_queues = _FEW_QUEUES
        #: How often the server turned out to have lost something.
        self.generation = 0
        #: What stands for the data that the server holds; None: not known.
        self.epoch = None
        #: Does the server have LMPOP and BLMPOP?
        self.pops_many = True
        #: Does the server let us use transactions? None: it wasn't asked.
        self.transacts = None
        #: Does the server take the longest strings? None: it wasn't asked.
        self.takes_strings = None
        #: The newest version of entries that all on this server read.
        self.lowest_version = NEWEST

    def is_known(self):
        """Return whether the server ever told its time."""
        return self._offset is not None

    def is_fresh(self):
        """Return whether the server told its time, and not too long ago."""
        return self._offset is not None and self._monotonic() - self._asked <= self._max_age

    def now(self):
        """Return the server's time in ms."""
        return (self._monotonic() + self._offset) * 1000

    def after(self, lifetime):
        """Return the time (ms) in `lifetime` ms; 0 if it is not known."""
        return 0 if self._offset is None else int((self._monotonic() + self._offset) * 1000) + lifetime

    def update(self, reply, asked):
        """
        Take the reply of hello.lua, which was asked for at `asked`.

        Return whether the server has lost what it held before, or at least
        who is in which groups; `went_back` says whether it has older data.
        """
        now = self._monotonic()
        seconds, microseconds, epoch, pops_many, self.lowest_version = reply[:5]
        self._learn(int(seconds) + int(microseconds) / 1000000.0 - asked, now - asked, now)
        self._asked = now
        self._max_age = _MAX_AGE
        self.pops_many = bool(pops_many)
        lost = self.epoch is not None and self.epoch != epoch
        self.epoch = epoch
        if lost:
            self.mark = self.groups_mark = 0
        self.went_back = lost
        if len(reply) > 5:
            self.see_mark(reply[5])
        if len(reply) > 6:
            self.run, went_back = reply[6:8]
            self.went_back = lost or bool(went_back)
        self.generation += self.went_back
        return lost

    def _learn(self, offset, error, now):
        """Take an answer that came `now`: the server's time less ours is `offset`, or up to `error` less."""
        if self._offset is not None:
            drift = (now - self._learnt) * _DRIFT
            # A quicker answer is the better one, until it gets old; if the two
            # can't both be true, the clock has been set, or is another one.
            if error > self._error + drift and (
                    offset >= self._offset - self._error - drift and offset - error <= self._offset + drift):
                return
        # By the time of asking: what has expired is never taken for good.
        self._offset, self._error, self._learnt = offset, error, now

    def ask_soon(self):
        """Be stale soon: the server may turn out to be another one."""
        self._max_age = _MAX_AGE_ANEW
        self.takes_strings = self.transacts = None

    def see_mark(self, mark, of_groups=False):
        """Remember the `mark` that a script returned: bytes, or None."""
        if mark is not None:
            self.mark = max(self.mark, int(mark))
            if of_groups:
                self.groups_mark = self.mark

    def held(self):
        """Note that messages were taken which the server knows this process to hold."""
        self._unmarked = True

    def took(self, queue, entries):
        """Note that `entries` were taken from `queue`, which must not come again."""
        self._unmarked = True
        taken = self._taken
        deadline = deadline_of(entries[-1])
        if deadline:
            taken[queue] = deadline
        if len(taken) > self._many_queues:
            self._taken = self.taken()
            self._many_queues = max(_FEW_QUEUES, 2 * len(self._taken))

    def taken(self):
        """Return {queue: deadline (ms) of what was taken last}, without what has expired since."""
        now = self.now()
        return {queue: deadline for queue, deadline in list(self._taken.items()) if deadline > now}

    def is_to_mark(self):
        """Return whether a mark is due; the caller makes it then."""
        if not self._unmarked:
            return False
        now = self._monotonic()
        if self._marked is not None and now - self._marked < _MARK_EVERY:
            return False
        self._unmarked, self._marked = False, now
        return True


def know_time(clocks, shard, ask_time):
    """
    A plan after which the time of `shard` is known, within the error of its
    clock; `ask_time(shard)` is a plan that asks. Raise LayerUnavailable.
    """
    try:
        if not clocks[shard].is_known():
            # Connecting asks for it.
            yield Exchange(shard, ())
        elif ask_time is not None and not clocks[shard].is_fresh():
            yield ask_time(shard)
    except LayerUnavailable as error:
        # The command that comes next was not.
        error.sent = False
        raise
    yield DONE


def know_times(clocks, shards, ask_time):
    """
    A plan that runs know_time() for several shards, and skips those that are
    away: the next command to one of them raises the error again.
    """
    for shard in shards:
        try:
            yield know_time(clocks, shard, ask_time)
        except LayerUnavailable:
            continue
    yield DONE
