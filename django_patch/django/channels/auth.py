"""
Decorators that give a message its user.

The user comes from a session and from nothing that the client says: see
`sessions` for where the sessions come from.
"""
from __future__ import absolute_import

import contextlib

from django.contrib import auth

from .decorators import decorator_from_context
from .sessions import channel_and_http_session, channel_session, http_session
from .socket_users import close_session_sockets, close_user_sockets, is_logged_in, leave, remember_session

__all__ = [
    'channel_and_http_session_user_from_http', 'channel_session_user', 'channel_session_user_from_http',
    'close_session_sockets', 'close_user_sockets', 'http_session_user', 'transfer_user', 'user_for',
]

_KEYS = (auth.SESSION_KEY, auth.BACKEND_SESSION_KEY, auth.HASH_SESSION_KEY)


class _SessionCopy(dict):
    """
    What a session says, for auth.get_user() to do with as it likes.

    It moves a session to another key (where SECRET_KEY was changed) and ends
    one that doesn't hold. With a request, the response tells the browser so;
    with a message nobody does, and the visitor would have lost it. His next
    request does the same to the session itself.
    """

    def flush(self):
        self.clear()

    def cycle_key(self):
        pass


class _SessionHolder(object):
    """What django.contrib.auth needs of a request."""

    def __init__(self, session):
        self.session = session


def user_for(session):
    """Return the user that `session` names, or AnonymousUser; leave the session as it is."""
    if session is None:
        # Models can't be imported before the apps are.
        from django.contrib.auth.models import AnonymousUser
        return AnonymousUser()
    return auth.get_user(_SessionHolder(_SessionCopy(session.items())))


def transfer_user(from_session, to_session):
    """Make the user of one session the user of another."""
    for key in _KEYS:
        if key in from_session:
            to_session[key] = from_session[key]
        elif key in to_session:
            # Logged out there is logged out here.
            del to_session[key]


@contextlib.contextmanager
def _with_channel_user(message):
    session = message.channel_session
    if not _has_user_of(message, session):
        _look_up(message, session if session is not None and is_logged_in(message) else None)
    yield


@contextlib.contextmanager
def _with_http_user(message):
    if not _has_user_of(message, message.http_session):
        _look_up(message, message.http_session)
    yield


def _keys_of(session):
    return [None if session is None else session.get(key) for key in _KEYS]


def _has_user_of(message, session):
    """
    Return whether a decorator around this has looked up the user of `session`.

    A consumer may have logged somebody in since, or out, or put another user
    on the message.
    """
    user, keys = getattr(message, 'looked_up', (None, None))
    return user is not None and user is getattr(message, 'user', None) and keys == _keys_of(session)


def _look_up(message, session):
    message.user = user_for(session)
    message.looked_up = message.user, _keys_of(session)


@contextlib.contextmanager
def _with_user_carried_over(message):
    if message.http_session is not None:
        transfer_user(message.http_session, message.channel_session)
        joined = remember_session(message)
        try:
            yield
        except Exception:
            # The session that would list the groups isn't saved.
            leave(message, joined)
            raise
    else:
        yield


def channel_session_user(func):
    """Give the message a `user` out of its channel session."""
    return channel_session(decorator_from_context(_with_channel_user)(func))


def http_session_user(func):
    """Give the message a `user` out of the HTTP session of its handshake."""
    return http_session(decorator_from_context(_with_http_user)(func))


def channel_session_user_from_http(func):
    """
    Carry the HTTP session's user into the channel session.

    For websocket.connect; use channel_session_user on what follows, whose
    messages have no cookies.
    """
    return http_session_user(channel_session(decorator_from_context(_with_user_carried_over)(func)))


def channel_and_http_session_user_from_http(func):
    """
    As channel_session_user_from_http, and keep the HTTP session at hand.

    Works for every message of a socket: its `http_session` is the live one,
    and its `user` is that session's.
    """
    return channel_and_http_session(
        decorator_from_context(_with_http_user)(decorator_from_context(_with_user_carried_over)(func)),
    )
