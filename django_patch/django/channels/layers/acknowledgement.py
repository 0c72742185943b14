"""
Acknowledged channels: messages are kept until their reader acknowledges them.

On any other channel a message is gone once it is received. On these it is held
by its reader until that acknowledges it; if the reader dies, the message is
received again. This is the part of a layer's contract behind
`supports_acknowledgement`.
"""
from __future__ import absolute_import, unicode_literals

import collections
import fnmatch
import json
import time

from ..acknowledged_options import ChannelOptions
from ..compat import six
from ..names import random_token, validate_channel_name
from .inspection import add_waiting

#: What send_job() does about a job with the same unique key.
REFUSE, REPLACE = 'refuse', 'replace'
#: What postpone() does.
RELEASE, RETRY, LATER, BURY = 'release', 'retry', 'later', 'bury'
#: What postpone() says was done; GONE if the reader holds the message no more.
RELEASED, RETRIED, DEFERRED, DEAD, GONE = 'released', 'retried', 'deferred', 'dead', 'gone'
#: The range of priorities, that of Django's tasks; the highest comes first.
LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100


#: What a reader acknowledges a message by. `channel` and `id` (text) are the
#: message's for as long as it lives; `attempt` is 1 for its first delivery;
#: `sent` is in seconds since 1970; `shard` (a number) is where it is held, and
#: `holder` (text) by which reader. `token` (text) is unique to this delivery:
#: it is the fence that keeps an earlier reader from acknowledging a later one.
Receipt = collections.namedtuple('Receipt', 'channel id attempt sent shard holder token')
#: A job that waits: `due` and `sent` are in seconds since 1970. `story` is, as
#: that of a DeadLetter, of its last attempt; empty unless that has failed.
Job = collections.namedtuple('Job', 'id channel attempts priority sent due message story')

#: A message that is not delivered any more. `story` is a dict of what went
#: wrong last, with those of `error`, `traceback`, `consumer` and `reader` that
#: are known; times are in seconds since 1970; `message` is None if it can't be
#: read.
DeadLetter = collections.namedtuple('DeadLetter', 'id channel attempts priority sent died story message')


#: What a server says of how it keeps messages: its `version`; `aof`, whether
#: it has an append-only file, and how often that is written to disk, `fsync`
#: ('' if it doesn't say); `snapshots`, whether it makes any (None: unknown),
#: and for how many seconds there was none, `snapshot_age`; the number of its
#: `replicas`; and `max_memory`, in bytes (0: no limit), and the `policy` once
#: that is reached. `server` is its address, '' where none is known;
#: `fsync_pauses` says that `fsync` isn't kept while it rewrites its files;
#: `refusal` why it refuses to confirm at all, '' if it doesn't.
Promise = collections.namedtuple(
    'Promise', 'version aof fsync snapshots snapshot_age replicas max_memory policy server fsync_pauses refusal')
Promise.__new__.__defaults__ = ('', False, '')


class HeldMessage(dict):
    """A message with the `receipt` that its reader acknowledges it by."""
    __slots__ = ('receipt',)

    def __init__(self, message, receipt):
        dict.__init__(self, message)
        self.receipt = receipt


def receipt_of(message):
    """Return the Receipt of a message that was received, or None."""
    return message.receipt if type(message) is HeldMessage else None


def new_job_id(wall=time.time):
    """Return an id for a job, which sorts behind those made before: 26 characters."""
    return '%014x' % int(wall() * 1000000) + random_token(12)


def story_of(**facts):
    """Return `facts`, without those that are None, as the text that is kept with a dead letter."""
    return json.dumps({name: value for name, value in facts.items() if value is not None}, sort_keys=True)


class AcknowledgementMixin(object):
    """The part of BaseChannelLayer that has acknowledged channels."""

    #: Has it acknowledged channels? Then everything here works.
    supports_acknowledgement = False

    #: The name by which this process holds messages; None: as long as it has
    #: none, its receive() takes and acknowledges at once.
    reader = None

    #: A Confirmation, if it waits for one after sending to acknowledged ones.
    confirmation = None

    # [(glob, ChannelOptions)] of the configuration, and {channel:
    # ChannelOptions} of routings.
    _acknowledged = ()
    _declared = {}

    def configure_acknowledged(self, acknowledged):
        """
        Take the option `acknowledged` of a layer's configuration.

        It is a list of globs of channels, or a dict of glob -> dict of what
        ChannelOptions takes. Raise TypeError or ValueError.
        """
        if not isinstance(acknowledged, dict):
            if isinstance(acknowledged, (six.text_type, bytes)) or not hasattr(acknowledged, '__iter__'):
                raise TypeError('acknowledged must be a list of globs of channels, or a dict, not %r.' %
                                (acknowledged,))
            acknowledged = collections.OrderedDict((glob, {}) for glob in acknowledged)
        for glob in acknowledged:
            if not isinstance(glob, (six.text_type, str)):
                raise TypeError('acknowledged names channels by globs, which are text, not %r.' % (glob,))
        self._acknowledged = [
            (glob, options if isinstance(options, ChannelOptions) else ChannelOptions(**options))
            for glob, options in acknowledged.items()
        ]
        self._declared = {}

    def declare(self, channels):
        """
        Make `channels`, {name: ChannelOptions}, acknowledged ones.

        Options that the configuration has for one of them win. Raise
        ValueError for a process channel or a single-reader channel.
        """
        for name in channels:
            if not may_be_acknowledged(name):
                raise ValueError('%s can\'t be an acknowledged channel: it is one process\'s.' % name)
        self._declared = dict(self._declared, **channels)

    def options_of(self, channel):
        """Return the ChannelOptions of `channel`, or None where neither configuration nor routing names it."""
        if not self._acknowledged and not self._declared or not may_be_acknowledged(channel):
            return None
        for glob, options in self._acknowledged:
            if fnmatch.fnmatchcase(channel, glob):
                return options
        return self._declared.get(channel)

    def hold_as(self, reader):
        """
        Hold what is received from acknowledged channels from now on.

        `reader` is the name of a Process that is announced; None ends it.
        """
        self.reader = reader

    def send_job(self, channel, message, id=None, delay=None, at=None, priority=0, unique=None, conflict=REFUSE):
        """
        Put a message on an acknowledged channel; return its id, text.

        It is received `delay` seconds from now, or `at` a time in seconds
        since 1970 by the store's clock; only one of the two may be given.
        `id` is text as a group's name is; None has one made up. `priority` is
        a whole number from -100 to 100, the highest is received first. At most
        one unfinished job of a channel has the text `unique`: if there is one
        already, REFUSE for `conflict` sends nothing and returns its id, and
        REPLACE cancels it if it still waits. Raise as send() does, and
        ValueError for other arguments than these.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer with acknowledged channels must provide send_job()')

    def put_job(self, channel, job):
        """
        Carry out send_job() with the arguments that `job` has, a dict.

        That is how an outbox holds it. Its `result`, if it has one, is kept
        before, for `result_lifetime` seconds.
        """
        job = dict(job)
        result, lifetime = job.pop('result', None), job.pop('result_lifetime', None)
        if result is not None:
            self.save_result(job['id'], result, lifetime)
        return self.send_job(channel, **job)

    def time(self):
        """
        Return the seconds since 1970 by the store's clock, which `at` is by.

        Raise LayerUnavailable where nobody knows them.
        """
        return time.time()

    def save_result(self, id, text, lifetime):
        """Keep `text` for `lifetime` seconds as the result of the job with that `id`."""
        raise NotImplementedError('subclasses of BaseChannelLayer with acknowledged channels must have save_result()')

    def load_result(self, id):
        """Return the text that save_result() keeps for a job's `id`, or None."""
        raise NotImplementedError('subclasses of BaseChannelLayer with acknowledged channels must have load_result()')

    def acknowledge(self, finished):
        """
        Acknowledge messages, and send the messages that their consumers sent.

        `finished` is [(Receipt, [(channel, message), ...]), ...]. The sends
        come first, or in the same call where the layer can. Return
        [(Receipt, reason), ...] of the messages that were not acknowledged:
        reason is GONE (another reader has it: nothing was sent), or an
        exception, after which some sends may have been made.
        """
        raise NotImplementedError(
            'subclasses of BaseChannelLayer with acknowledged channels must provide an acknowledge() method'
        )

    def postpone(self, receipt, action, delay=0, deliveries=0, story=''):
        """
        Return a held message to its channel, or make it a dead letter.

        `action` is RELEASE (as if it had never been received), RETRY (after
        `delay` seconds, or a dead letter once it was received `deliveries`
        times; 0: as the channel's options say), LATER (the same, counted as
        asked for by its consumer), or BURY (a dead letter). `story` is what
        story_of() returns. Return RELEASED, RETRIED, DEFERRED, DEAD or GONE;
        raise LayerUnavailable.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer with acknowledged channels must provide postpone()')

    def recover(self):
        """
        Requeue what dead readers held.

        Return [(channel, reader, requeued, dead), ...]: two names, how many
        messages were requeued, and how many became dead letters since they
        had been received too often. Readers are dead once presence lists them
        so. To be called by each process that reads, every few seconds. Raise
        LayerUnavailable.
        """
        return []

    def jobs(self, channel, limit=100):
        """Return a list of up to `limit` (1 or more) Jobs that wait on `channel`, the next first, the later last."""
        return []

    def cancel_jobs(self, channel, ids):
        """Delete jobs that wait, by their ids; return how many were there."""
        return 0

    def dead_letters(self, channel, limit=100, offset=0, id=None):
        """Return up to `limit` (1 or more) DeadLetters of `channel`, the oldest first; or only that with `id`."""
        return []

    def replay(self, channel, ids):
        """
        Requeue dead letters by their ids, in the order they were sent in.

        Return how many that were. One stays dead while a newer job with its
        id waits, or one with its unique key is there.
        """
        return 0

    def delete_dead_letters(self, channel, ids):
        """Delete dead letters by their ids; return how many were there."""
        return 0

    def acknowledged_statistics(self, channel=None):
        """
        Return {channel: {name: number}} of acknowledged channels, or of one.

        What is there: `waiting`, `later`, `held`, `dead_letters`, and the
        seconds that the oldest of those that wait has waited, `max_age`.
        What was counted: `sent`, `full` (refused), `expired`, `retried`,
        `deferred`, `given_back`, `dead`, `dead_dropped`, `cancelled`,
        `replayed`, `deleted`.
        """
        return {}

    def promises(self):
        """
        Return what the layer's servers promise of what waits there.

        It is a list that has for each a Promise, or the LayerUnavailable why
        it doesn't say; empty for a layer without servers.
        """
        return []

    def with_acknowledged(self, numbers, channel):
        """Return `numbers`, the statistics of `channel`, with what waits there if it is an acknowledged one."""
        if may_be_acknowledged(channel):
            for found in self.acknowledged_statistics(channel).values():
                add_waiting(numbers, found)
        return numbers


def may_be_acknowledged(channel):
    """Return whether a channel of that name can be an acknowledged one: it isn't one process's."""
    return '!' not in channel and '?' not in channel


def valid_job_channel(channel):
    """Return `channel` as text; raise TypeError or ValueError if it can't be an acknowledged channel."""
    channel = validate_channel_name(channel)
    if not may_be_acknowledged(channel):
        raise ValueError('%s is one process\'s, and can\'t be an acknowledged channel.' % channel)
    return channel
