"""
The waiting room of each ordered socket: for messages that came early.

It is a channel of the socket. The session of the socket says whose turn it is.
"""
from __future__ import absolute_import

import hashlib
import logging

from django.db import close_old_connections

from .conf import conf
from .exceptions import ConsumeLater
from .failures import answer
from .layers.base import send_blocking
from .order_watch import OrderWatch
from .session_stores import ORDER_KEY, session_for_reply_channel

logger = logging.getLogger('django.channels')

#: In what waits: it is no message, but the end of the socket's session.
_END = 'ends_session'


def _session_of(message):
    return session_for_reply_channel(message.reply_channel.name)


def mark_done(order, session):
    """Note in the channel `session` that the turn of the message `order` is over."""
    session[ORDER_KEY] = max(order + 1, session.get(ORDER_KEY, 0))
    # What waits is called once the next worker can see the new number.
    getattr(session, 'save_if_changed', session.save)()


def _channel(message):
    return '__wait__?' + hashlib.sha1(message.reply_channel.name.encode('ascii')).hexdigest()[:29]


def wait(message):
    """Have `message`, which is early, wait for its turn."""
    message.is_early = True
    try:
        _wait(message, dict(message.content, original_channel=message.channel.name))
    except message.channel_layer.ChannelFull:
        raise ConsumeLater()


def end_in_turn(message, session):
    """
    End the channel `session` of a socket, of whose closing `message` tells.

    Where that is handled without a turn of its own, ordered messages before
    it may still be on their way, and need the session until then.
    """
    order = message.get('order')
    if ORDER_KEY not in session or order is None or int(order) <= session[ORDER_KEY]:
        session.end()
        return
    message['order'] = int(order)
    try:
        _wait(message, {'reply_channel': message.reply_channel.name, 'order': message['order'], _END: True})
    except message.channel_layer.ChannelFull:
        _watch.add(message, session[ORDER_KEY], conf.ordering_timeout)


def _wait(message, content):
    latest = _put(message, content)
    if latest is not None:
        _watch.add(message, latest, conf.ordering_timeout)


def _put(message, content):
    """
    Put `content` into the room of `message`.

    Return the number that the socket has come to, or None if that is the turn
    of `content`; then it has been called.
    """
    message.channel_layer.send(_channel(message), content)
    # The message before this one may have finished since this one looked.
    latest = _session_of(message).get(ORDER_KEY, 0)
    if latest < content['order']:
        return latest
    call_waiting(message)
    return None


def _look_after(message, order_seen):
    """
    Go on with the socket of `message` if what that waits for is surely lost.

    Return the number that the socket has come to, or None if nothing waits.
    """
    session = _session_of(message)
    order = session.get(ORDER_KEY, 0)
    if order >= message['order']:
        return None
    if order != order_seen:
        # It gets on, if slowly.
        return order
    if not getattr(message, 'is_early', False):
        # The end of the session, for which no message waits.
        session.end()
        return None
    logger.error(
        'Message %d of the socket %s is lost, its consumer takes more than %s s, or lacks enforce_ordering '
        '(strict_ordering in a class): the socket is closed. Those behind it are handled.',
        order, message.reply_channel, conf.ordering_timeout,
    )
    if message.channel.name != 'websocket.disconnect':
        answer(message)
    mark_done(message['order'] - 1, session)
    call_waiting(message)
    return None


_watch = OrderWatch(_look_after, tidy=close_old_connections)


def call_waiting(message):
    """Have what waits in the room of `message` handled, or wait again; end the session if it is time."""
    waiting, end = _take_waiting(message)
    # They were received before; whether their channel has room for more is no
    # matter, and who waits for it may be the only one who reads it.
    if waiting:
        waiting = message.channel_layer.requeue(waiting)
    for original_channel, content in waiting:
        try:
            send_blocking(message.channel_layer, original_channel, content, conf.send_timeout)
        except message.channel_layer.ChannelFull:
            logger.error(
                'A message on %s that waited for the one before it was dropped: the channel is full.', original_channel
            )
            mark_done(content['order'], _session_of(message))
    if end is not None:
        _end_or_wait(message, end)


def _take_waiting(message):
    """Return ([(channel, content)] in their order, the content that stands for the end of the session or None)."""
    waiting, end = [], None
    while True:
        name, content = message.channel_layer.receive([_channel(message)], block=False)
        if name is None:
            break
        if content.get(_END):
            end = content
        else:
            waiting.append((content.pop('original_channel'), content))
    return sorted(waiting, key=lambda pair: pair[1]['order']), end


def _end_or_wait(message, end):
    session = _session_of(message)
    if session.get(ORDER_KEY, 0) >= end['order']:
        session.end()
        return
    try:
        _put(message, end)
    except message.channel_layer.ChannelFull:
        # Who brought it watches the socket, and ends the session later.
        return
