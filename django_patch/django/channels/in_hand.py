"""
The record of what a worker process has in hand, for other processes to read.

A message is in hand from the moment a worker has received it until its
replies have left. The records lie in memory that a process shares with those
that it forks, so they survive its death, SIGKILL included.
"""
from __future__ import absolute_import

import collections
import mmap
import struct
import time

__all__ = ['InHand', 'NothingRecorded', 'Record']

#: A message that some process has in hand: its channel, its reply channel or
#: '', and when it was received, by time.time().
Record = collections.namedtuple('Record', 'channel reply_channel since')

# Since when, and two names, which have fewer than 100 characters each; before
# that, a byte that tells whether the entry is in use.
_FIELDS = struct.Struct('=d100s100s')
_SINCE = struct.Struct('=d')
_ENTRY = 256


class InHand(object):
    """
    The records of up to `size` messages; there is no room for more.

    Make it before the fork. Only one of the two processes calls hold() and
    drop(), in any thread, the other reads records().
    """

    def __init__(self, size):
        # Pages that nobody writes to cost nothing.
        self._memory = mmap.mmap(-1, size * _ENTRY)
        self._size = size
        self._free = collections.deque(range(0, size * _ENTRY, _ENTRY))
        self._places = {}

    def hold(self, key, channel, content):
        """Record the message `content` of `channel`; `key` is what drop() will be called with."""
        try:
            place = self._free.pop()
        except IndexError:
            # Its client waits for as long as the interface server lets it.
            return
        try:
            _FIELDS.pack_into(
                self._memory, place + 1, time.time(), channel.encode('ascii'),
                (content.get('reply_channel') or '').encode('ascii'),
            )
        except (AttributeError, UnicodeError):
            # Not a name; nobody waits there.
            self._free.append(place)
            return
        self._places[key] = place
        # Last, lest a process that is killed leaves half of one.
        self._memory[place:place + 1] = b'\1'

    def drop(self, key):
        """Forget what was recorded as `key`, if it was."""
        place = self._places.pop(key, None)
        if place is not None:
            self._memory[place:place + 1] = b'\0'
            self._free.append(place)

    def exempt(self, key):
        """Record that there is no limit to how long the message of `key` is in hand."""
        place = self._places.get(key)
        if place is not None:
            self._memory[place + 1:place + 1 + _SINCE.size] = _SINCE.pack(float('inf'))

    def records(self):
        """Return what is in hand, as a list of Record, the oldest first."""
        found = []
        for place in range(0, self._size * _ENTRY, _ENTRY):
            if self._memory[place:place + 1] == b'\1':
                since, channel, reply_channel = _FIELDS.unpack_from(self._memory, place + 1)
                found.append(Record(_text(channel), _text(reply_channel), since))
        return sorted(found, key=lambda record: record.since)


def _text(field):
    return field.rstrip(b'\0').decode('ascii')


class NothingRecorded(object):
    """What takes the place of InHand where no other process would read it."""

    def hold(self, key, channel, content):
        """Record nothing."""

    def drop(self, key):
        """Forget nothing."""

    def exempt(self, key):
        """Do nothing."""
