"""
Strict order for the messages of a socket: the waiting room in front of it.
"""
from __future__ import absolute_import

import functools
import hashlib
import logging

from django.db import close_old_connections

from . import outbox
from .channel_sessions import channel_session, session_for_reply_channel
from .compat.coroutines import SUPPORTS_ASYNC, is_coroutine, is_coroutine_function
from .conf import conf
from .decorators import find_message
from .exceptions import ConsumeLater
from .failures import answer
from .layers.base import send_blocking
from .order_watch import OrderWatch
from .session_stores import ORDER_KEY

logger = logging.getLogger('django.channels')


def enforce_ordering(func=None, slight=False):
    """
    Run the messages of each socket strictly in the order they came.

    A message that is early waits, without a worker, on a channel of its
    socket until the one before it is done, or has failed.
    """
    if slight:
        raise ValueError('enforce_ordering has no slight mode: the handshake already comes before all else.')
    if func is None:
        return enforce_ordering

    if SUPPORTS_ASYNC and is_coroutine_function(func):
        from .asynchronous.decorating import in_order
        return channel_session(in_order(func, find_message, _is_early, _wait, outbox.flush, _give_up, _pass_on))

    @channel_session
    @functools.wraps(func)
    def inner(*args, **kwargs):
        message = find_message(args, kwargs)
        if _is_early(message):
            _wait(message)
            return
        try:
            result = func(*args, **kwargs)
            if SUPPORTS_ASYNC and is_coroutine(result):
                # Of a coroutine function inside of another's decorator.
                from .asynchronous.decorating import finish_in_order
                return finish_in_order(message, result, outbox.flush, _give_up, _pass_on)
            # The next worker's sends must not come before this one's.
            outbox.flush()
        except ConsumeLater as later:
            later.if_dropped = functools.partial(_give_up, message)
            raise
        except BaseException:
            _give_up(message)
            raise
        _pass_on(message, message.channel_session)
    return inner


def _is_early(message):
    """Return whether the message before `message` isn't done."""
    if 'order' not in message:
        raise ValueError('enforce_ordering needs a message with an order, which %s lacks.' % message.channel)
    # Servers of the 1.x family may send it as text.
    message['order'] = int(message['order'])
    return message['order'] > message.channel_session.get(ORDER_KEY, 0)


def _give_up(message):
    # It is lost, and those behind it mustn't wait for it. What its consumer
    # put into the session is dropped.
    _pass_on(message, session_for_reply_channel(message.reply_channel.name))


def _pass_on(message, session):
    _mark_done(message['order'], session)
    _call_waiting(message)


def _mark_done(order, session):
    session[ORDER_KEY] = max(order + 1, session.get(ORDER_KEY, 0))
    # What waits is called once the next worker can see the new number.
    session.save_if_changed()


def _waiting_channel(message):
    return '__wait__?' + hashlib.sha1(message.reply_channel.name.encode('ascii')).hexdigest()[:29]


def _wait(message):
    message.is_early = True
    layer = message.channel_layer
    try:
        layer.send(_waiting_channel(message), dict(message.content, original_channel=message.channel.name))
    except layer.ChannelFull:
        raise ConsumeLater()
    # The message before this one may have finished since this one looked.
    latest = session_for_reply_channel(message.reply_channel.name).get(ORDER_KEY, 0)
    if latest >= message['order']:
        _call_waiting(message)
    else:
        _watch.add(message, latest, conf.ordering_timeout)


def _look_after(message, order_seen):
    """
    Go on with the socket of `message` if what that waits for is surely lost.

    Return the number that the socket has come to, or None if nothing waits.
    """
    session = session_for_reply_channel(message.reply_channel.name)
    order = session.get(ORDER_KEY, 0)
    if order >= message['order']:
        return None
    if order != order_seen:
        # It gets on, if slowly.
        return order
    logger.error(
        'Message %d of the socket %s is lost, or its consumer takes more than %s s: the socket is closed. Those '
        'behind it are handled.', order, message.reply_channel, conf.ordering_timeout,
    )
    if message.channel.name != 'websocket.disconnect':
        answer(message)
    _mark_done(message['order'] - 1, session)
    _call_waiting(message)
    return None


_watch = OrderWatch(_look_after, tidy=close_old_connections)


def _call_waiting(message):
    layer = message.channel_layer
    channel = _waiting_channel(message)
    waiting = []
    while True:
        name, content = layer.receive([channel], block=False)
        if name is None:
            break
        waiting.append((content.pop('original_channel'), content))
    waiting.sort(key=lambda pair: pair[1]['order'])
    # They were received before; whether their channel has room for more is no
    # matter, and who waits for it may be the only one who reads it.
    if waiting:
        waiting = layer.requeue(waiting)
    for original_channel, content in waiting:
        try:
            send_blocking(layer, original_channel, content, conf.send_timeout)
        except layer.ChannelFull:
            logger.error(
                'A message on %s that waited for the one before it was dropped: the channel is full.', original_channel
            )
            _mark_done(content['order'], session_for_reply_channel(message.reply_channel.name))
