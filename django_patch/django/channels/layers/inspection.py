"""
Inspection of a layer: the part of the contract behind `supports_inspection`.

It is for people and monitors, never on the way of a message.
"""
from __future__ import absolute_import


class Found(dict):
    """What was found of all that there is."""

    def __init__(self, *args):
        super(Found, self).__init__(*args)
        #: Server that can't be asked -> why (text); what it holds is missing.
        self.absent = {}

    #: Was there time to look at all of it?
    is_complete = True
    #: How many there are at most, those included that were not looked at;
    #: None if that is not known.
    total = None


class InspectionMixin(object):
    """The part of BaseChannelLayer that lists, shows and removes what waits."""

    #: Can it list its channels and groups, and show and remove what waits?
    supports_inspection = False
    #: Does it call `on_received`?
    tells_waiting_time = False
    #: Called as on_received(channel, seconds) with how long a message has
    #: waited that is received; None if nobody wants to know. It must be quick.
    on_received = None

    def watch_waiting(self, callback):
        """Have `callback(channel, seconds)` called for each message received from now on; None ends that."""
        self.on_received = callback

    def add_sample(self, sample, interval, keep):
        """
        Keep what `sample()` returns, text, for all processes to read.

        Do nothing if a process has done so less than `interval` seconds ago.
        The newest `keep` samples are kept, each for keep * interval seconds.
        Return whether it was kept.
        """
        raise NotImplementedError(_missing('an add_sample'))

    def samples(self):
        """Return the samples that are kept as a list of text, the oldest first."""
        raise NotImplementedError(_missing('a samples'))

    def inspect_channels(self, budget=None):
        """
        Return {name: numbers} of all channels that were used or hold messages.

        Numbers are those of channel_statistics(). The channels of a ``!``
        name's processes, and those of a ``?`` pattern, come together, as
        "http.response!" and "body?". The dict is a Found. What takes longer
        than `budget` seconds (None: no limit) may be left out, but for normal
        channels to which something was sent. Where some of several servers
        can't be reached, they are `absent`, and it tells what the others hold;
        it raises LayerUnavailable if none can.
        """
        raise NotImplementedError(_missing('an inspect_channels'))

    def inspect_groups(self, budget=None):
        """
        Return {group: how many members it has}, for groups with members.

        As a Found, of which some may be left out as by inspect_channels();
        its `total` tells of how many, if there was no time for all.
        """
        raise NotImplementedError(_missing('an inspect_groups'))

    def inspect_servers(self):
        """
        Return a list of dicts, one for each server that holds the messages.

        Each has `server` (its address), `version`, `memory` and
        `memory_limit` (bytes; 0 is none), `policy` (what the server does at
        the limit) and `latency` (ms of a round trip). Empty if there are no
        servers. Where a server doesn't tell, the numbers of bytes are None,
        and texts have a "?". Those that can't be reached are left out, unless
        none can: then raise LayerUnavailable.
        """
        return []

    def looking(self, absent):
        """
        Return what looks into this layer, but for servers that are away.

        That is an object with the methods peek(), jobs(), dead_letters(),
        acknowledged_statistics(), channel_statistics() and group_channels().
        They put servers that can't be asked into `absent`, {server: why}, and
        tell what the others hold. Here it is the layer, which can only raise
        LayerUnavailable.
        """
        return self

    def check_servers(self):
        """
        Raise LayerUnavailable, saying which, if servers are away.

        It is for those who are about to change something in all of them, and
        don't wait as long as a sender does.
        """

    def peek(self, channel, limit):
        """
        Return the oldest `limit` messages of a channel, which stay there.

        As [(age in seconds, full names of the channels, message), ...]; the
        message is None if it can't be read without taking it. `channel` may
        end in ``!``. Raise ValueError for a `limit` that isn't a whole number
        above 0.
        """
        raise NotImplementedError(_missing('a peek'))

    def purge(self, channel):
        """
        Remove all messages that wait in `channel`; return how many.

        What is sent meanwhile stays. `channel` may end in ``!``.
        """
        raise NotImplementedError(_missing('a purge'))


def add_waiting(numbers, found):
    """Add to `numbers`, as a layer's statistics have them, what `found`, of an acknowledged channel, says."""
    numbers['messages_pending'] += found['waiting']
    numbers['messages_max_age'] = max(numbers['messages_max_age'], found['max_age'])
    if not numbers['messages_count']:
        numbers['messages_count'] = found['sent']
    for name in ('later', 'held', 'dead_letters', 'retried', 'given_back', 'dead'):
        numbers[name] = found[name]


def _missing(method):
    return 'subclasses of BaseChannelLayer with supports_inspection must provide %s() method' % method
