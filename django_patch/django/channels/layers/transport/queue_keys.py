"""
The keys that a reader takes entries from.
"""
from __future__ import absolute_import, unicode_literals

import logging
import random

from . import scripts
from .operations import DONE, Exchange, checked
from .resp import argument, command, pack

logger = logging.getLogger('django.channels')

#: Packed commands that are kept.
KEPT_COMMANDS = 256
#: Milliseconds until a wake-up that nobody saw is gone.
_WAKE_LIFETIME = 2000
#: Milliseconds until a key that holds something else than a list is tried
#: again.
_SET_ASIDE_FOR = 5000


class QueueKeys(object):
    """
    The keys of a reader's queues on `shard`, whose ServerClock is `clock`.

    What something else has written below the prefix costs its channel only:
    such a key is named once, set aside, and tried again from time to time.
    """

    def __init__(self, shard, clock):
        self._shard = shard
        self._clock = clock
        self._keys = []
        #: The keys that entries are taken from, text.
        self.there = ()
        # Those that entries are taken from, and those that ring; packed.
        self._packed, self._bells = [], []
        # Which is first next time: they take turns, so that a busy queue can't
        # starve the rest. Not all processes begin with the same.
        self._first = random.randrange(1000)
        self._commands = {}
        # When what was set aside is tried again (ms); None: nothing was.
        self._until = None
        self._named = set()

    def add(self, key):
        """Add the key of a queue, text."""
        self._keys.append(key)
        self.there += (key,)
        self._packed.append(argument(key))

    def __len__(self):
        return len(self._packed)

    def add_bell(self, key):
        """Add a key, text, that rings when something is to be held."""
        self._bells.append(argument(key))

    def are_there(self):
        """Return whether there are any to take from."""
        self._take_back()
        return bool(self._packed)

    def _take_back(self):
        """Try again what was set aside, if it is time to."""
        if self._until is not None and self._clock.now() >= self._until:
            self._until = None
            self.there = tuple(self._keys)
            self._packed = [argument(key) for key in self._keys]
            self._commands.clear()

    def command(self, count, timeout, wake, bells_last=False):
        """
        Return the packed command that takes up to `count` entries.

        It blocks for `timeout` seconds, if that isn't None; `wake` is the key
        that ends that. With `bells_last`, an entry comes before what rings.
        """
        if self._until is not None:
            self._take_back()
        keys = self._packed
        start = 0
        if len(keys) > 1:
            start = self._first = (self._first + 1) % len(keys)
        known = start, count, timeout, wake, bells_last, self._clock.pops_many
        try:
            return self._commands[known]
        except KeyError:
            pass
        if len(self._commands) >= KEPT_COMMANDS:
            self._commands.clear()
        keys = keys[start:] + keys[:start]
        if wake is not None:
            keys = [argument(wake)] + (keys + self._bells if bells_last else self._bells + keys)
        packed = self._commands[known] = _pack(keys, count, timeout, known[-1])
        return packed

    def set_aside(self):
        """A plan that sets aside what holds no list, after a command that said that there is something."""
        replies = yield Exchange(self._shard, tuple(pack('TYPE', key) for key in self._keys))
        kinds = [checked(reply) for reply in replies]
        self.there = tuple(key for key, kind in zip(self._keys, kinds) if kind in (b'list', b'none'))
        self._packed = [argument(key) for key in self.there]
        for key, kind in zip(self._keys, kinds):
            if key in self.there:
                self._named.discard(key)
            elif key not in self._named:
                self._named.add(key)
                logger.error(
                    'The key %s in Redis is a %s and not a list, so something else writes below the prefix. Its '
                    'channel is not read until it is deleted.', key, kind.decode('ascii'),
                )
        self._commands.clear()
        self._until = self._clock.now() + _SET_ASIDE_FOR
        yield DONE


class WakingKeys(object):
    """What wakes waits; `keys` makes names of keys."""

    def __init__(self, keys):
        self._keys = keys
        self._known = {}

    def get(self, shard, token):
        """Return the key that wakes the wait of `token`, and the commands that do it."""
        try:
            return self._known[shard, token]
        except KeyError:
            pass
        if len(self._known) >= KEPT_COMMANDS:
            self._known.clear()
        key = self._keys.wake(shard, token)
        wake = self._known[shard, token] = key, (pack('RPUSH', key, 1), pack('PEXPIRE', key, _WAKE_LIFETIME))
        return wake


def _pack(keys, count, timeout, pops_many):
    number = argument(len(keys))
    if pops_many:
        start = [argument('LMPOP')] if timeout is None else [argument('BLMPOP'), argument(timeout)]
        return command(start + [number] + keys + [argument('LEFT'), argument('COUNT'), argument(count)])
    if timeout is None:
        return command(scripts.POP.start + [number] + keys + [argument(count)])
    return command([argument('BLPOP')] + keys + [argument(timeout)])
