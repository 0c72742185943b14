"""
The calls of a Twisted server such as daphne 1.x, many of them in one.

daphne sends from its reactor, which stands still meanwhile, and asks for one
message after the other. Here, what it sends while the reactor goes round once
leaves together, and what has come is fetched together, by one thread.

daphne can be told that a channel is full while it sends, and at no other time.
So a message for which there is no room waits in the line of its channel, first
come first served, and if that lasts too long its client gets the answer here,
as if a worker had given it. Only with a full line does daphne hear of it.
"""
from __future__ import absolute_import, unicode_literals

import collections
import itertools
import logging

from .. import names
from ..compat import six
from ..exceptions import ChannelFull, LayerUnavailable
from .backoff import Backoff
from .blocking import MOST_BYTES, MOST_WAITING
from .clock import SYSTEM_CLOCK
from .twisted_clients import AWAY, BUSY, FAULTY, LOST, TwistedClients, response_of
from .twisted_inbox import MOST_AT_ONCE, TwistedInbox

logger = logging.getLogger('django.channels')
get_ident = six.moves._thread.get_ident

#: Seconds for which a message waits for room.
PATIENCE = 10.0
#: Seconds between two tries of what waits, growing from first to last.
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.02
#: Seconds for the answers to requests that may have been lost with a layer's
#: data. Those that a worker had already taken still come.
LOST_AFTER = 5.0
#: Seconds that what is to be sent has when the reactor ends.
_LAST_SENDS = 5.0

#: The channels that daphne sends to in passing, in the order in which what
#: comes together leaves: the end of a socket comes behind its frames. Who
#: opens a socket is told at once.
_CHANNELS = ('http.request', 'websocket.receive', 'websocket.disconnect', 'http.disconnect')


class _Item(object):
    """A message that is to be sent: `pair`, its channel and its content."""
    __slots__ = ('pair', 'reply_channel', 'size', 'deadline')

    def __init__(self, pair, reply_channel, deadline):
        self.pair = pair
        self.reply_channel = reply_channel
        self.size = sum(len(value) for value in pair[1].values() if hasattr(value, '__len__'))
        self.deadline = deadline


class _Line(object):
    """What is to be sent to one channel, the first at the left."""

    def __init__(self):
        self.items = collections.deque()
        self.bytes = 0

    def is_full(self):
        return len(self.items) >= MOST_WAITING or self.bytes > MOST_BYTES

    def add(self, item):
        self.items.append(item)
        self.bytes += item.size

    def remove(self, items):
        """Remove `items`, a set, as far as they are there."""
        if not items.isdisjoint(self.items):
            self.items = collections.deque(item for item in self.items if item not in items)
            self.bytes = sum(item.size for item in self.items)


class TwistedServer(object):
    """
    Sends and receives of the reactor's thread through `layer`.

    Made, and called, in that thread.
    """

    def __init__(self, layer, reactor, clock=SYSTEM_CLOCK):
        self._layer = layer
        self._reactor = reactor
        self._clock = clock
        self._thread = get_ident()
        self._is_over = False
        # A class with a send() of its own sees each message when it comes.
        self._lines = collections.OrderedDict(
            (channel, _Line()) for channel in (_CHANNELS if layer.sends_many_at_once else ()))
        self._backoff = Backoff(_FIRST_PAUSE, _LAST_PAUSE)
        self._next_flush = None
        self._clients = TwistedClients()
        # Channels received from, a tuple -> TwistedInbox.
        self._inboxes = {}
        # ... and without the names of clients -> the same.
        self._served = {}
        reactor.addSystemEventTrigger('before', 'shutdown', self.end)

    def end(self):
        """Send what is left, and leave all that comes to the layer itself."""
        self._is_over = True
        self._layer.interrupt()
        deadline = self._clock.monotonic() + _LAST_SENDS
        while any(line.items for line in self._lines.values()) and self._clock.monotonic() < deadline:
            if self._flush_once():
                self._clock.sleep(_LAST_PAUSE)
        for channel, line in self._lines.items():
            if line.items:
                logger.warning('%d messages to %s are lost with this process: the channel is full.',
                               len(line.items), channel)

    # Sending

    def takes(self, channel, message):
        """
        Return whether `message` is sent to `channel` from here, with others.

        Raise ChannelFull if too many messages wait for room there.
        """
        if channel not in self._lines or get_ident() != self._thread or self._is_over:
            return False
        reply_channel = message.get('reply_channel')
        # Of any other, nobody here could be told that there was no room.
        if not isinstance(reply_channel, six.string_types) or names.non_local_name(reply_channel) not in self._served:
            return False
        line = self._lines[channel]
        if line.is_full():
            self._clients.note_refused(reply_channel)
            raise ChannelFull('Too many messages wait for room in %s.' % channel)
        # Its sender may go on with the dict.
        line.add(_Item((channel, dict(message)), reply_channel, self._clock.monotonic() + PATIENCE))
        self._clients.note_sent(channel, reply_channel)
        if self._next_flush is None:
            self._next_flush = self._reactor.callLater(0, self._flush)
        return True

    def note_sent(self, channel, message):
        """Take note of a message that isn't sent from here, and was."""
        if channel == 'websocket.connect' and get_ident() == self._thread:
            self._clients.note_sent(channel, message.get('reply_channel'))

    def _flush(self):
        self._next_flush = None
        if self._flush_once():
            self._next_flush = self._reactor.callLater(self._backoff.next_pause(), self._flush)
        else:
            self._backoff.reset()

    def _flush_once(self):
        """Send what there is room for; return whether something is left."""
        due = self._due()
        pairs = [item.pair for item in due]
        try:
            refused = self._layer.send_many(pairs) if pairs else []
        except LayerUnavailable as error:
            refused = self._surely_unsent(due, error)
            unsent = set(map(id, refused))
            self._give_up_lost([item for item in due if id(item.pair) not in unsent], error)
        except Exception:
            # One of them can't be sent at all, and so none was.
            refused = self._send_one_by_one(due)
        refused = set(map(id, refused))
        # Nobody has to hear that a request is over.
        left = [item for item in due if id(item.pair) in refused and item.pair[0] != 'http.disconnect']
        self._remove(set(due).difference(left))
        self._give_up_late(left)
        return any(line.items for line in self._lines.values())

    @staticmethod
    def _surely_unsent(due, error):
        """Return the pairs of `due` that another server may take, as `error` of send_many() tells."""
        # A server was cut off amid a call. One that is away takes none.
        return error.refused if len(error.refused) < len(due) else []

    def _remove(self, items):
        """Remove `items`, a set, from the lines."""
        for line in self._lines.values():
            line.remove(items)

    def _due(self):
        """Return a list of the items that may leave now, in the order of the channels."""
        due = []
        for channel, line in self._lines.items():
            items = itertools.islice(line.items, MOST_AT_ONCE)
            if channel == 'websocket.disconnect' and line.items:
                # A frame of the same socket may be refused.
                busy = {item.reply_channel for item in self._lines['websocket.receive'].items}
                items = [item for item in items if item.reply_channel not in busy]
            due += items
        return due

    def _send_one_by_one(self, due):
        """Return the pairs that were refused as full; the clients of others that can't be sent are answered."""
        refused, full, closed = [], set(), set()
        for position, item in enumerate(due):
            channel = item.pair[0]
            if channel == 'websocket.receive' and item.reply_channel in closed:
                continue
            try:
                if channel in full or self._layer.send_many([item.pair]):
                    full.add(channel)
                    refused.append(item.pair)
            except LayerUnavailable as error:
                # As it is for all the others.
                self._give_up_lost(due[position:], error)
                break
            except Exception:
                logger.exception('A message to %s could not be sent.', channel)
                self._give_up([item], FAULTY)
                closed.add(item.reply_channel)
        return refused

    def _give_up_late(self, refused):
        """Give up those of `refused`, which found no room, that have waited too long."""
        now = self._clock.monotonic()
        late = [item for item in refused if item.deadline <= now]
        for channel, number in sorted(collections.Counter(item.pair[0] for item in late).items()):
            logger.warning('%d messages to %s were dropped: the channel was full for %s s. Run more workers for '
                           'it, or raise its capacity.', number, channel, PATIENCE)
        self._give_up(late, BUSY)

    def _give_up_lost(self, items, error):
        logger.warning('%d messages of clients may be lost: %s', len(items), error)
        self._give_up(items, AWAY)

    def _give_up(self, items, page):
        """Remove `items`, and the frames that are behind one of them, and answer their clients, with `page`."""
        if not items:
            return
        self._remove(set(items))
        closed = {item.reply_channel for item in items if item.pair[0] == 'websocket.receive'}
        if closed:
            frames = self._lines['websocket.receive']
            frames.remove({item for item in frames.items if item.reply_channel in closed})
        for item in items:
            if item.pair[0] == 'http.request':
                self._answer(item.reply_channel, response_of(page))
        for reply_channel in sorted(closed):
            # daphne knows few codes.
            self._answer(reply_channel, {'close': True})

    def _answer(self, reply_channel, message):
        """Have the client told `message` as if a worker had sent it."""
        self._served[names.non_local_name(reply_channel)].put([(reply_channel, message)])

    # Losses

    def tell_of_loss(self, is_lost):
        """
        Have clients told that a server has lost its data; from any thread.

        Those of sockets whose channel `is_lost`, a function, says yes to, and
        of requests that nobody answers.
        """
        self._reactor.callFromThread(self._on_loss, is_lost)

    def _on_loss(self, is_lost):
        # No group has their sockets as members any more, and nobody would tell
        # them. Clients connect again, and are added again.
        lost = {channel for channel in self._served if is_lost(channel)}
        closed = [name for name in self._clients.sockets if names.non_local_name(name) in lost]
        held = {item.reply_channel for item in self._lines['http.request'].items} if self._lines else ()
        # Requests wait on all shards, wherever they are answered.
        waiting = [name for name in self._clients.unanswered(self._clients.requests) if name not in held]
        if closed or waiting:
            logger.warning('%d sockets are closed, and %d requests may be: the channel layer has lost its data.',
                           len(closed), len(waiting))
        for reply_channel in closed:
            self._answer(reply_channel, {'close': True})
        self._reactor.callLater(LOST_AFTER, self._give_up_unanswered, waiting)

    def _give_up_unanswered(self, reply_channels):
        for reply_channel in self._clients.unanswered(reply_channels):
            self._answer(reply_channel, response_of(LOST))

    # Receiving

    def receive(self, channels):
        """Return a Deferred of (channel, message) or (None, None); `channels` are those of clients of this process."""
        key = tuple(channels)
        try:
            inbox = self._inboxes[key]
        except KeyError:
            inbox = TwistedInbox(self._layer, self._reactor, key, self._clients.note_received)
            for other in self._inboxes.values():
                inbox.meet(other)
            self._inboxes[key] = inbox
            self._served.update((channel, inbox) for channel in key)
        return inbox.get()
