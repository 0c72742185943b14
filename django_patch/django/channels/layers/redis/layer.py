"""
The channel layer that speaks to Redis, for any process with threads.

A thin driver: what is said to Redis, and what the answers mean, is in
`transport`; how it is carried there in `connection`, `pool`, `blocking_read`.
"""
from __future__ import absolute_import, unicode_literals

import collections
import logging
import threading

from ... import names
from ...compat import six
from ...compat.clock import monotonic
from ...exceptions import LayerUnavailable
from .. import codec
from ..base import RESERVED_KEY, BaseChannelLayer
from ..capacity import checked_number_of_messages
from ..transport.options import Options
from ..validation import plain_copy
from .combined_calls import RedisCombinedCallsMixin
from .rescuing_layer import RedisRescueMixin
from .servers import parse_hosts
from .upkeep import RedisUpkeepMixin

logger = logging.getLogger('django.channels')

#: Lists of channels whose readers are kept.
_KEPT_READERS = 256


class _Loaded(object):
    """A part of a layer's Carrier, which load() makes and then puts in its place."""

    def __init__(self, name):
        self.name = name

    def __get__(self, layer, owner):
        if layer is None:
            # Of the class, which a mock is made like, for example.
            return self
        layer.load()
        return getattr(layer._carriers[0], self.name)


class RedisChannelLayer(RedisCombinedCallsMixin, RedisUpkeepMixin, RedisRescueMixin, BaseChannelLayer):
    """
    A channel layer on one Redis server, or on several that share the load.

    `hosts` is a list of what `hosts.parse_hosts` takes; each is a shard. All
    keys begin with `prefix`. With `symmetric_encryption_keys`, a list,
    messages are encrypted with the first and read with any;
    `unbound_encryption` is for an update from releases whose encryption
    didn't bind a message to its channel ('send' first, then 'accept').
    `confirm` is a dict of what has to be true before a message on an
    acknowledged channel counts as sent: see transport.confirmation.
    `connection_kwargs` go to redis-py. Everything else is BaseChannelLayer's.

    Threads may share a layer, and a forked child makes its own connections.
    Nothing is connected until there is something to say.
    """
    supports_groups = supports_flush = True
    supports_requeue = supports_throttling = supports_blocking_receive = supports_interrupt = True
    counts_waiting = True
    sends_many_at_once = True
    spans_processes = True

    def __init__(self, hosts=None, prefix='channels:', expiry=60, group_expiry=86400, capacity=100,
                 channel_capacity=None, symmetric_encryption_keys=None, process_capacity=None,
                 connection_kwargs=None, unbound_encryption=None, acknowledged=(), confirm=None):
        super(RedisChannelLayer, self).__init__(expiry, group_expiry, capacity, channel_capacity, process_capacity)
        #: Where the shards are and how they are spoken to, for other drivers.
        self.servers = servers = parse_hosts(hosts, connection_kwargs)
        self.transport_options = Options(
            prefix, len(servers), expiry, group_expiry, self.get_capacity, self.get_process_capacity,
            symmetric_encryption_keys, unbound_encryption, sum(server.is_joining for server in servers),
            self.options_of, confirm,
        )
        codec.require_msgpack()
        # Not as late as what waits by it: a process finds what one that was
        # forked from the same has left.
        self._token, self._carriers = names.random_token(), []
        self._readers = {}
        #: That calls from this process' reactor, if one does.
        self._twisted_server = None
        self.start_acknowledging(acknowledged)
        # One thread at a time reads a ! channel: its messages have an order.
        self._locks = {}

    # Commands such as check make a layer to look at its settings, and what
    # speaks is most of it. No __getattr__(): all attributes would be slower.
    _transport, _pools, _blocking, _run = map(_Loaded, ('transport', 'pools', 'blocking', 'run'))

    def load(self):
        if not self._carriers:
            from .carrier import Carrier

            # The first is that of all threads, without a lock, which one that
            # forks might leave locked for ever.
            self._carriers.append(
                Carrier(self.servers, self.transport_options, self._token, self._tell_of_lost_state)
            )
            carrier = self._carriers[0]
            self._transport, self._pools = carrier.transport, carrier.pools
            self._blocking, self._run = carrier.blocking, carrier.run

    def _tell_of_lost_state(self, shard):
        if self._twisted_server is not None:
            self._twisted_server.tell_of_loss(
                lambda channel: self.transport_options.keys.shard_of(channel) == shard)
        if self.on_lost_state is not None:
            self.on_lost_state(shard)

    # Sending

    def send(self, channel, message):
        if type(message) is not dict or RESERVED_KEY in message:
            self.check_message(message)
        if self._twisted_server is None:
            self._run(self._transport.sender.send(channel, message))
        elif not self._twisted_server.takes(channel, message):
            self._run(self._transport.sender.send(channel, message))
            self._twisted_server.note_sent(channel, message)

    def send_many(self, pairs):
        pairs = list(pairs)
        for channel, message in pairs:
            self.check_message(message)
        # It returns the very pairs that were refused.
        return self._run(self._transport.sender.send_many(pairs))

    def throttle(self, channel):
        self._run(self._transport.sender.throttle(channel))

    def unthrottle(self, channel):
        self._run(self._transport.sender.unthrottle(channel))

    def count_waiting(self, channel):
        return self._run(self._transport.sender.destinations.count_waiting(channel))

    # Receiving

    def receive(self, channels, block=False):
        for clients, message in self._receive(channels, 1, self.receive_timeout if block else 0, True):
            return clients[0], message
        return None, None

    def receive_batch(self, channels, limit, timeout=0):
        return [
            # Each recipient may change its copy.
            (channel, message if len(clients) == 1 else plain_copy(message))
            for clients, message in self.receive_deliveries(channels, limit, timeout)
            for channel in clients
        ]

    def receive_deliveries(self, channels, limit, timeout=0):
        return self._receive(channels, checked_number_of_messages('limit', limit), timeout)

    def _receive(self, channels, limit, timeout, one_by_one=False):
        reader = self._reader(channels)
        if not reader.inboxes:
            return self._take(reader, limit, timeout, one_by_one)
        locks = [self._locks.setdefault(inbox.queue, threading.Lock()) for inbox in reader.inboxes]
        for lock in locks:
            lock.acquire()
        try:
            return self._take(reader, limit, timeout, one_by_one)
        finally:
            for lock in locks:
                lock.release()

    def _take(self, reader, limit, timeout, one_by_one, calls=None):
        token = ''
        if timeout:
            token, was_interrupted = self._blocking.begin()
            if was_interrupted:
                timeout = 0
        deadline = monotonic() + timeout
        while True:
            deliveries = self._run(reader.receive(limit, timeout, token, one_by_one, calls))
            if self.reader is None and reader.holds:
                deliveries = self.acknowledge_received(deliveries)
            if deliveries or not timeout or self._blocking.was_interrupted() or calls is not None and calls.failed:
                return deliveries
            # What came had expired, or a connection was cut; or it is over.
            timeout = round(deadline - monotonic(), 3)
            if timeout <= 0:
                return deliveries

    def receive_twisted(self, channels):
        channels = [names.validate_channel_name(channel, receive=True) for channel in channels]
        if not channels or not all(channel.endswith('!') for channel in channels):
            # What is fetched together must not be another process'.
            return super(RedisChannelLayer, self).receive_twisted(channels)
        if self._twisted_server is None:
            from twisted.internet import reactor

            from ..twisted_server import TwistedServer
            self._twisted_server = TwistedServer(self, reactor)
        return self._twisted_server.receive(channels)

    def _reader(self, channels):
        if isinstance(channels, (six.string_types, bytes)):
            raise TypeError('Receive from a list of channels, not from %r.' % (channels,))
        key = tuple(channels)
        try:
            return self._readers[key]
        except KeyError:
            valid = [names.validate_channel_name(channel, receive=True) for channel in key]
            if len(self._readers) >= _KEPT_READERS:
                self._readers.clear()
            # Two locks at once, and each in the same order everywhere.
            held = [channel for channel in valid if self.options_of(channel)]
            reader = self._readers[key] = self._transport.reader(sorted(set(valid)), held, self.holder)
            return reader

    def can_hear(self, channel):
        return self._pools[self.transport_options.keys.shard_of(names.non_local_name(channel))].is_there()

    def requeue(self, messages):
        by_channel = collections.OrderedDict()
        for channel, message in self.release(messages):
            by_channel.setdefault(channel, []).append(message)
        kept = []
        for channel, given in by_channel.items():
            try:
                left = self._run(self._transport.sender.requeue(channel, given))
            except LayerUnavailable as error:
                left = error.refused
                logger.error(
                    '%d messages on %s may be lost, which other workers were to have: %s',
                    len(given) - len(left), channel, error,
                )
            kept += [(channel, message) for message in left]
        return kept

    def interrupt(self):
        self._blocking.interrupt()

    def keeps_place(self, channel):
        return self.transport_options.keys.keeps_place(names.non_local_name(channel))

    # Groups

    def group_add(self, group, channel):
        self._run(self._transport.groups.add(names.validate_group_name(group), names.validate_channel_name(channel)))

    def group_discard(self, group, channel):
        self._run(
            self._transport.groups.discard(names.validate_group_name(group), names.validate_channel_name(channel))
        )

    def group_channels(self, group):
        return self._run(self._transport.groups.channels(names.validate_group_name(group)))

    def send_group(self, group, message):
        group = names.validate_group_name(group)
        self.check_message(message)
        self._run(self._transport.groups.send(group, message))

    # Upkeep; see upkeep.py as well

    def flush(self):
        self._run(self._transport.statistics.flush())

    def close(self):
        # What was never made has nothing to end.
        for carrier in self._carriers[:1]:
            for pool in carrier.pools:
                pool.stop()
