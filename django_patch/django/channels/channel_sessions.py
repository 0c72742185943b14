"""
Sessions of reply channels: what one socket's messages have in common.
"""
from __future__ import absolute_import

import contextlib

from .channel import Group
from .decorators import decorator_from_context
from .exceptions import ConsumeLater
from .session_stores import GROUPS_KEY, one_consumer, save_foreign, session_for_reply_channel
from .waiting_room import end_in_turn


@contextlib.contextmanager
def with_channel_session(message):
    """
    Give `message` its `channel_session` for the block.

    It is saved at the end, or deleted with its socket.
    """
    if hasattr(message, 'channel_session'):
        yield
        if not getattr(message, 'saves_channel_session', False):
            # None of ours has opened it, which would save it.
            save_foreign(message.channel_session)
        return
    if message.reply_channel is None:
        raise ValueError('channel_session needs a message with a reply_channel; %s has none.' % message.channel)
    message.saves_channel_session = True
    with one_consumer(), _opened(message):
        yield


@contextlib.contextmanager
def _opened(message):
    message.channel_session = session = session_for_reply_channel(message.reply_channel.name)
    if message.channel.name != 'websocket.disconnect':
        yield
        session.save_if_changed()
        return
    try:
        yield
    except ConsumeLater:
        # It will come again.
        raise
    except Exception:
        # Opened again: the ordering of messages may have saved it since.
        _end(message, session_for_reply_channel(message.reply_channel.name))
        raise
    # A message that waits for its turn under enforce_ordering comes again,
    # too.
    if not getattr(message, 'is_early', False):
        _end(message, session)


def _end(message, session):
    for name in session.get(GROUPS_KEY, ()):
        Group(name, channel_layer=message.channel_layer).discard(message.reply_channel)
    end_in_turn(message, session)
    message.has_ended_session = True


_decorate = decorator_from_context(with_channel_session)
#: Has this process a consumer with a channel session?
_in_use = False


def channel_session(func):
    """
    Decorator: gives the message a `channel_session`.

    It is saved after the consumer, and deleted after that of
    websocket.disconnect.
    """
    global _in_use
    _in_use = True
    return _decorate(func)


def end_session(message, **kwargs):
    """
    Delete the channel session of a socket that has closed.

    It consumes websocket.disconnect where a project names no other consumer.
    """
    if _in_use and message.reply_channel is not None:
        _end(message, session_for_reply_channel(message.reply_channel.name))


@contextlib.contextmanager
def _with_end(message):
    try:
        yield
    except ConsumeLater:
        raise
    except Exception:
        _end_unless_ended(message)
        raise
    _end_unless_ended(message)


def _end_unless_ended(message):
    if not (getattr(message, 'is_early', False) or getattr(message, 'has_ended_session', False)):
        end_session(message)


_and_end = decorator_from_context(_with_end)


def ending_session(consumer):
    """
    Return `consumer`, that of websocket.disconnect, with the channel session
    ended after it.

    It may have no decorator that does so, though others of the socket have.
    """
    if not _in_use:
        return consumer

    def consume(message, **kwargs):
        result = consumer(message, **kwargs)
        # An instance, where the consumer is a class.
        return getattr(result, 'outcome', result)
    return _and_end(consume)
