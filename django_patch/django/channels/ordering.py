"""
Strict order for the messages of a socket.
"""
from __future__ import absolute_import

import functools

from . import outbox, waiting_room
from .channel_sessions import channel_session
from .compat.coroutines import SUPPORTS_ASYNC, is_coroutine, is_coroutine_function
from .decorators import find_message
from .exceptions import ConsumeLater
from .session_stores import ORDER_KEY, session_for_reply_channel


def enforce_ordering(func=None, slight=False):
    """
    Run the messages of each socket strictly in the order they came.

    A message that is early waits, without a worker, on a channel of its
    socket until the one before it is done, or has failed.
    """
    if slight:
        raise ValueError('enforce_ordering has no slight mode, as the handshake comes first anyway. '
                         'Remove the decorator.')
    if func is None:
        return enforce_ordering

    if SUPPORTS_ASYNC and is_coroutine_function(func):
        from .asynchronous.decorating import in_order
        ordered = in_order(func, find_message, _is_early, waiting_room.wait, outbox.flush, _give_up, _pass_on)
        return channel_session(ordered)

    @channel_session
    @functools.wraps(func)
    def inner(*args, **kwargs):
        message = find_message(args, kwargs)
        if _is_early(message):
            waiting_room.wait(message)
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
    waiting_room.mark_done(message['order'], session)
    waiting_room.call_waiting(message)
