"""
The contract that every channel layer keeps: `BaseChannelLayer`.

A layer needs send() and receive(); everything else has a default here that
is honest: it works with these two alone, or does nothing, and a flag of the
class says which. A third-party layer that isn't a subclass is wrapped once,
see `legacy`, so code that uses a layer asks its flags and never looks for a
method.
"""
from __future__ import absolute_import

import sys
import warnings

from .. import exceptions, names
from ..compat import RemovedAfterNextVersionWarning, six
from ..durations import checked_seconds
from .acknowledgement import AcknowledgementMixin
from .blocking import send_blocking
from .capacity import CapacityMixin, checked_number_of_messages
from .combining import CombiningMixin
from .group_methods import GroupsMixin
from .inspection import InspectionMixin
from .presence import PresenceMixin
from .rescue import RescueMixin
from .validation import copy_message

__all__ = ['BaseChannelLayer', 'RESERVED_KEY', 'copy_message', 'send_blocking']

#: A key that messages must not have.
RESERVED_KEY = '__asgi_channel__'


class BaseChannelLayer(
    AcknowledgementMixin, CapacityMixin, CombiningMixin, GroupsMixin, InspectionMixin, PresenceMixin, RescueMixin
):
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

    #: Does flush() delete everything?
    supports_flush = False
    #: Does it count: global_statistics() and channel_statistics()?
    supports_statistics = False
    #: Does requeue() put messages back before all others?
    supports_requeue = False
    #: Does throttle() make senders to one client wait or give up?
    supports_throttling = False
    #: Does count_waiting() tell how far the process of a client is behind?
    counts_waiting = False
    #: Does receive(block=True) wait without polling?
    supports_blocking_receive = False
    #: Does interrupt() end a receive that waits?
    supports_interrupt = False
    #: Do other processes see the messages?
    spans_processes = False
    #: Called with the number of a shard that turns out to have lost its data,
    #: by a layer that can tell; None where nobody wants to know.
    on_lost_state = None
    #: Returns whether streams have to end, since the worker does that reads
    #: from here; None without a worker.
    are_streams_over = None
    #: Seconds that receive(block=True) waits at most.
    receive_timeout = 5.0

    def __init__(self, expiry=60, group_expiry=86400, capacity=100, channel_capacity=None, process_capacity=None):
        self.expiry = checked_seconds('expiry', expiry)
        self.group_expiry = checked_seconds('group_expiry', group_expiry)
        self.capacity = checked_number_of_messages('capacity', capacity)
        if process_capacity is not None:
            checked_number_of_messages('process_capacity', process_capacity)
        self.process_capacity = process_capacity
        self.channel_capacity = self.compile_capacities({} if channel_capacity is None else channel_capacity)
        self._capacities = {}
        self._interrupted_by_reactor = False
        self.keep_own_send()

    @property
    def class_name(self):
        """The name of the layer's class, for people."""
        return type(self).__name__

    @property
    def extensions(self):
        """The names of the optional parts, as the layer API of 1.x has them."""
        parts = (
            ('groups', self.supports_groups), ('flush', self.supports_flush),
            ('statistics', self.supports_statistics),
            # A program that asks for "twisted" has imported its reactor.
            ('twisted', 'twisted.internet.reactor' in sys.modules),
        )
        return [name for name, is_there in parts if is_there]

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

    def send_blocking(self, channel, message, timeout):
        """
        Send `message`, waiting up to `timeout` seconds for room.

        Raise ChannelFull once the time is over, else what send() raises.
        """
        send_blocking(self, channel, message, timeout)

    def warn_if_unread(self, channel):
        """Do nothing: a layer without a project's routing can't know."""

    def throttle(self, channel):
        """
        Refuse sends to one client of a ``!`` channel, as if it were full.

        It lasts until unthrottle(), or until the message expiry is over and
        nothing has been sent to its process. Without `supports_throttling`,
        do nothing.
        """

    def unthrottle(self, channel):
        """End a throttle() of `channel`."""

    def count_waiting(self, channel):
        """
        Return how many messages wait for the process that has `channel`.

        A whole number. See `counts_waiting`.
        """
        raise NotImplementedError('subclasses of BaseChannelLayer that count must provide a count_waiting() method')

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
        Raise ValueError for a `limit` that isn't a whole number above 0.
        """
        checked_number_of_messages('limit', limit)
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

    def requeue(self, messages):
        """
        Put received messages back before all others, in their order.

        `messages` is [(channel, message), ...]. There is always room for
        them. Return the list of those that did not go back, which the caller
        has to handle or send: all of them without `supports_requeue`, and
        those that the layer can't take back. Messages of which it isn't
        known whether they went are logged as lost.
        """
        return list(messages)

    def interrupt(self):
        """
        Have every receive that is waiting return at once, with nothing.

        Without `supports_interrupt`, do nothing: they return after a while.
        """

    def can_hear(self, channel):
        """
        Return whether what is sent to `channel` could be received just now.

        Not so while the one server that holds a ``!`` or ``?`` channel is
        known to be away: then send nothing that would be answered there.
        """
        return True

    def new_channel(self, pattern):
        """Return a channel of its own: `pattern`, which ends in ``?``, and a token."""
        if not isinstance(pattern, six.text_type):
            pattern = names.validate_channel_name(pattern)
        if not pattern.endswith('?'):
            raise ValueError('The pattern of a new channel must end in "?"; %r does not.' % pattern)
        return names.new_name(pattern, '', self.keeps_place)

    def keeps_place(self, channel):
        """Return whether a channel stays put when servers are added."""
        return True

    # Upkeep

    def flush(self):
        """Delete all messages, groups and statistics of the layer."""
        raise NotImplementedError('subclasses of BaseChannelLayer with flush must provide a flush() method')

    def global_statistics(self):
        """Return {name: number} of what all channels together count."""
        raise NotImplementedError(
            'subclasses of BaseChannelLayer with statistics must provide a global_statistics() method'
        )

    def channel_statistics(self, channel):
        """Return {name: number} of what one channel counts."""
        raise NotImplementedError(
            'subclasses of BaseChannelLayer with statistics must provide a channel_statistics() method'
        )

    def load(self):
        """Load what else it takes to send and to receive; who is about to fork calls it, so that it is shared."""

    def close(self):
        """Close what the layer holds open; it opens it again when used."""

    # Messages, checked at the edge

    def check_message(self, message):
        """Raise TypeError unless `message` is a dict, ValueError for a key that is the layer's."""
        if not isinstance(message, dict):
            raise TypeError('A message must be a dict, not %s (%r).' % (type(message).__name__, message))
        if RESERVED_KEY in message:
            raise ValueError('The key %r is kept for channel layers; name yours differently.' % RESERVED_KEY)
