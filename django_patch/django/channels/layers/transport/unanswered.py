"""
Account of what a process holds, and of where it may hold more.
"""
from __future__ import absolute_import, unicode_literals

#: How often a shard is looked at after an answer of its was lost: what was
#: written to a connection that broke may be carried out a moment later.
_LOOKS = 3


class UnansweredTakes(object):
    """
    Tokens whose messages the process has, by shard and channel.

    If a connection breaks after take.lua was carried out and before its answer
    came, the server says that the process holds messages which it never got.
    It is alive, so nobody else would requeue them. Any number of threads may
    share it.
    """

    def __init__(self):
        # (shard, channel, token) -> when the message was sent (s).
        self._known = {}
        # Shard -> [looks that are left, channels, (channel, token) of the last
        # look that weren't known].
        self._shards = {}

    def took(self, shard, channel, token, sent):
        """Note that the process has what `token` stands for, a message that was `sent` (s) then."""
        self._known[shard, channel, token] = sent

    def is_older(self, receipt):
        """
        Return whether the token of `receipt` stands for a newer message now.

        A job whose id comes again may have it: the first was done, or was
        given to another process, and this one has got the second.
        """
        sent = self._known.get((receipt.shard, receipt.channel, receipt.token))
        return sent is not None and sent != receipt.sent

    def over(self, receipt):
        """Note that what `receipt` stands for is held no more."""
        self._known.pop((receipt.shard, receipt.channel, receipt.token), None)

    def all_over(self, receipts):
        """As over(), of several."""
        known = self._known
        for receipt in receipts:
            known.pop((receipt.shard, receipt.channel, receipt.token), None)

    def lost(self, shard, channels):
        """Note that it isn't known whether `shard` gave this process anything of `channels`."""
        seen = self._shards[shard][2] if shard in self._shards else frozenset()
        self._shards[shard] = [_LOOKS, tuple(channels), seen]

    def shards(self):
        """Return [(shard, channels), ...] to look at."""
        return [(shard, channels) for shard, (_, channels, _) in list(self._shards.items())]

    def look(self, shard, found):
        """
        Return those of `found`, (channel, token) pairs, to be requeued.

        These are what wasn't known at the look before, either: then it isn't
        an answer that a thread is about to read.
        """
        state = self._shards[shard]
        unknown = frozenset(pair for pair in found if (shard,) + pair not in self._known)
        again, state[2] = sorted(unknown & state[2]), unknown
        state[0] -= 1
        if state[0] <= 0 and unknown <= frozenset(again) and self._shards.get(shard) is state:
            del self._shards[shard]
        return again
