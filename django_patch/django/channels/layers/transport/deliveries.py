"""
Deliveries: tuples of a deadline (ms), a message, and the channels it is for.
"""
from __future__ import absolute_import

from ..validation import plain_copy


def hand_out(delivery, inbox, deliveries, limit, one_by_one):
    """Append `delivery`, for clients of `inbox`, to `deliveries`, or leave it there for later."""
    if len(deliveries) >= limit:
        inbox.waiting.append(delivery)
        return
    if one_by_one and len(delivery[1]) > 1:
        delivery, rest = split(delivery)
        inbox.waiting.append(rest)
    deliveries.append(delivery[1:])


def split(delivery):
    """Return the delivery for the first of its channels, and for the rest."""
    deadline, channels, message = delivery
    # Each recipient may change its copy.
    return (deadline, channels[:1], message), (deadline, channels[1:], plain_copy(message))


def take_ready(inboxes, transport, limit, one_by_one):
    """Return up to `limit` of what waits in `inboxes` already, in a list; see hand_out()."""
    ready = []
    for inbox in inboxes:
        while inbox.waiting and len(ready) < limit:
            delivery = inbox.waiting.popleft()
            if delivery[0] <= transport.clocks[inbox.shard].now():
                transport.decoder.expired(inbox)
                continue
            if one_by_one and len(delivery[1]) > 1:
                delivery, rest = split(delivery)
                inbox.waiting.appendleft(rest)
            ready.append(delivery[1:])
    return ready


def take_unread(inboxes):
    """Return what was taken from Redis for one of `inboxes` and not looked at yet, as a Reader takes it, in a list."""
    for inbox in inboxes:
        if inbox.unread:
            entries, inbox.unread = inbox.unread, []
            return [(inbox.shard, inbox.queue, inbox, entries)]
    return []
