"""
The contract that every channel layer keeps, and what can be derived from it.

A layer of another's making needs send(), receive() and new_channel(), the
two exception classes, and what its `extensions` promise; everything else
here is written on top of those.
"""
from __future__ import absolute_import

import fnmatch
import re
import sys
import warnings

from .. import exceptions, names
from ..compat import RemovedAfterNextVersionWarning, six
from .blocking import send_blocking
from .validation import copy_message

__all__ = ['BaseChannelLayer', 'copy_message']


class BaseChannelLayer(object):
    """
    The template of a channel layer.

    `expiry` is the number of seconds after which an unread message may be
    dropped, `group_expiry` the seconds a group keeps a member. `capacity`
    is how many messages a channel holds, and for a ``!`` channel how many
    each of its clients may have pending. `channel_capacity` maps globs or
    compiled regular expressions of channel names to other capacities; the
    first that matches counts. `process_capacity` is how many messages all
    clients of one ``!`` channel may have waiting (default: a hundred
    clients' capacity).
    """
    ChannelFull = exceptions.ChannelFull
    MessageTooLarge = exceptions.MessageTooLarge

    #: Which of the optional parts ("groups", "flush", "statistics") are there?
    parts = ()
    #: Does send_many() cost less than one send() after the other, and send
    #: nothing if one of the messages can't be sent at all?
    sends_many_at_once = False
    #: Do other processes see the messages?
    spans_processes = False
    #: Does receive(block=True) wait without polling?
    supports_blocking_receive = False
    #: Seconds that receive(block=True) waits at most.
    receive_timeout = 5.0
    #: How many clients' full capacity does the queue of one ! channel hold?
    process_capacity_factor = 100

    def __init__(self, expiry=60, group_expiry=86400, capacity=100, channel_capacity=None, process_capacity=None):
        self.expiry = _seconds('expiry', expiry)
        self.group_expiry = _seconds('group_expiry', group_expiry)
        self.capacity = _capacity('capacity', capacity)
        self.process_capacity = None if process_capacity is None else _capacity('process_capacity', process_capacity)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        self._capacities = {}
        self._interrupted_by_reactor = False

    @property
    def extensions(self):
        """The names of the optional parts, as the layer API calls them."""
        # Who asks for "twisted" runs a reactor, and has imported it by then.
        return list(self.parts) + (['twisted'] if 'twisted.internet.reactor' in sys.modules else [])

    # Sending

    def send(self, channel, message):
        """
        Put `message` (a dict) on `channel`, without waiting for room.

        Raise ChannelFull if the channel is at its capacity, MessageTooLarge
        if the layer can't carry the message, LayerUnavailable if its store
        is gone, and TypeError or ValueError for a name or a message that
        breaks the standard. The message may be changed afterwards.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer must provide a send() method')

    def send_many(self, pairs):
        """
        Send each (channel, message) of `pairs`; return those refused as full.

        The order on each channel is kept: once a channel has refused a
        message, it gets none of the later ones.
        """
        refused, full = [], set()
        for channel, message in pairs:
            if channel not in full:
                try:
                    self.send(channel, message)
                    continue
                except self.ChannelFull:
                    full.add(channel)
            refused.append((channel, message))
        return refused

    def send_blocking(self, channel, message, timeout):
        """
        Send `message`, waiting up to `timeout` seconds for room.

        Raise ChannelFull once the time is over, else what send() raises.
        """
        send_blocking(self, channel, message, timeout)

    # Receiving

    def receive(self, channels, block=False):
        """
        Return (channel, message) from one of `channels`, or (None, None).

        With `block`, wait up to `receive_timeout` seconds for a message.
        A name that ends in ``!`` stands for all clients of that process;
        the channel returned is the full one.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer must provide a receive() method')

    def receive_many(self, channels, block=False):
        """Deprecated: what receive() was called in early layers."""
        warnings.warn('receive_many() is deprecated: use receive().', RemovedAfterNextVersionWarning, stacklevel=2)
        return self.receive(channels, block)

    def receive_batch(self, channels, limit, timeout=0):
        """
        Return up to `limit` messages as [(channel, message), ...].

        Wait up to `timeout` seconds for the first, and never for more. Where
        all there is to wait with is receive(), it waits as long as that does.
        """
        messages = []
        while len(messages) < limit:
            channel, message = self.receive(channels, block=timeout > 0 and not messages)
            if channel is None:
                break
            messages.append((channel, message))
        return messages

    def receive_deliveries(self, channels, limit, timeout=0):
        """
        Return up to `limit` messages as [(channels, message), ...].

        As receive_batch(), but what a group sent to several clients of one
        ``!`` channel comes once, with all their full names in a sequence.
        Treat the message as read-only: another reader may hold it, too.
        """
        return [((channel,), message) for channel, message in self.receive_batch(channels, limit, timeout)]

    def receive_twisted(self, channels):
        """
        Return a Deferred of (channel, message) or (None, None).

        A thread of the reactor's pool waits for it; daphne 1.x would poll
        otherwise.
        """
        from twisted.internet import reactor, threads
        if not self._interrupted_by_reactor:
            # The reactor waits for its threads before it ends.
            self._interrupted_by_reactor = True
            reactor.addSystemEventTrigger('before', 'shutdown', self.interrupt)
        return threads.deferToThread(self.receive, channels, True)

    def interrupt(self):
        """Have every receive that is waiting return at once, with nothing."""

    def new_channel(self, pattern):
        """
        Return a name for a channel of its own: `pattern`, which ends in
        ``?``, and what makes it unique.
        """
        if not isinstance(pattern, six.text_type):
            pattern = names.validate_channel_name(pattern)
        if not pattern.endswith('?'):
            raise ValueError('The pattern of a new channel must end in "?"; %r does not.' % pattern)
        return names.validate_channel_name(pattern + names.random_token(20))

    # Groups

    def group_add(self, group, channel):
        """Make `channel` a member of `group` for `group_expiry` seconds."""
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a group_add() method')

    def group_discard(self, group, channel):
        """Remove `channel` from `group`, whether it is a member or not."""
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a group_discard() method')

    def group_channels(self, group):
        """Return the names of the members of `group` as a list."""
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a group_channels() method')

    def send_group(self, group, message):
        """
        Send `message` to every member of `group`.

        Never raise ChannelFull: members without room are left out and
        counted as dropped in the statistics.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer with groups must provide a send_group() method')

    # Upkeep

    def flush(self):
        """Delete all messages, groups and statistics of the layer."""
        raise NotImplementedError('subclasses of BaseChannelLayer with flush must provide a flush() method')

    def close(self):
        """Give back what the layer holds open."""

    # Capacity

    def compile_capacities(self, channel_capacity):
        """
        Return `channel_capacity` as [(compiled pattern, capacity), ...].

        Raise TypeError for a pattern that is neither a glob nor a compiled
        regular expression, and ValueError for a capacity that is none.
        """
        if not isinstance(channel_capacity, dict):
            raise TypeError('channel_capacity must be a dict, such as {"thumbnails": 1000}, not %r.' %
                            (channel_capacity,))
        compiled = []
        for pattern, capacity in channel_capacity.items():
            _capacity('channel_capacity[%r]' % (pattern,), capacity)
            if hasattr(pattern, 'match'):
                compiled.append((pattern, capacity))
            elif isinstance(pattern, (six.text_type, str)):
                compiled.append((re.compile(fnmatch.translate(pattern)), capacity))
            else:
                raise TypeError(
                    'channel_capacity maps globs or compiled regular expressions to numbers, not %r.' % (pattern,)
                )
        return compiled

    def get_capacity(self, channel):
        """Return how many messages `channel` may hold."""
        name = names.non_local_name(channel)
        try:
            return self._capacities[name]
        except KeyError:
            pass
        for pattern, capacity in self.channel_capacity:
            if pattern.match(channel):
                break
        else:
            capacity = self.capacity
        if len(self._capacities) >= 4096:
            self._capacities.clear()
        self._capacities[name] = capacity
        return capacity

    def get_process_capacity(self, channel):
        """Return how many messages all clients of a ``!`` channel may have."""
        if self.process_capacity is not None:
            return self.process_capacity
        return self.get_capacity(channel) * self.process_capacity_factor

    # Names and messages, checked at the edge

    def check_message(self, message):
        """Raise TypeError unless `message` is a dict."""
        if not isinstance(message, dict):
            raise TypeError('A message must be a dict, not %s (%r).' % (type(message).__name__, message))
        if '__asgi_channel__' in message:
            raise ValueError("The key '__asgi_channel__' is kept for channel layers; name yours differently.")


def _capacity(name, value):
    """Return `value`, a number of messages; raise ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, six.integer_types) or value < 1:
        raise ValueError('%s must be a whole number of messages, 1 or more, not %r.' % (name, value))
    return value


def _seconds(name, value):
    """Return `value`, a number of seconds; raise ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, six.integer_types + (float,)) or not value > 0:
        raise ValueError('%s must be a number of seconds above 0, not %r.' % (name, value))
    return value
