"""
Sessions for messages: those of a reply channel, and the HTTP session that
a WebSocket's handshake names.
"""
from __future__ import absolute_import

import contextlib
import logging

from django.conf import settings
from django.http.cookie import parse_cookie

from .channel_sessions import channel_session, with_channel_session
from .compat import six
from .compat.text import native_from_bytes
from .conf import conf
from .decorators import decorator_from_context
from .headers import header_values
from .ordering import enforce_ordering
from .session_stores import HTTP_SESSION_KEY, open_http_session, session_for_reply_channel, session_key

__all__ = [
    'channel_and_http_session', 'channel_session', 'enforce_ordering', 'http_session', 'session_for_reply_channel',
    'session_key',
]

logger = logging.getLogger('django.channels')


def _http_session_key(message):
    if conf.session_key_in_query:
        query = message.get('query_string') or b''
        if isinstance(query, bytes):
            query = query.decode('ascii', 'replace')
        key = six.moves.urllib.parse.parse_qs(query).get('session_key', [None])[0]
        if key:
            return key
    cookies = b'; '.join(header_values(message, b'cookie'))
    return parse_cookie(native_from_bytes(cookies)).get(settings.SESSION_COOKIE_NAME)


def _http_session(key):
    return open_http_session(settings.SESSION_ENGINE, key) if key else None


@contextlib.contextmanager
def _with_http_session(message):
    if hasattr(message, 'http_session'):
        yield
        if not getattr(message, 'saves_http_session', False):
            # None of ours has opened it, which would save it.
            _save_http_session(message.http_session)
        return
    message.saves_http_session = True
    key = _http_session_key(message)
    message.http_session = _http_session(key)
    yield
    session = message.http_session
    if _is_begun_anew(session):
        logger.warning(
            'What a consumer on %s wrote to the HTTP session was dropped: it has ended that session, and the browser '
            'can be told of no other.', message.channel
        )
    else:
        _save_http_session(session)


def _is_begun_anew(session):
    """Return whether `session` was ended, and then written to."""
    return (
        session is not None and session.session_key is None and not session.is_empty() and
        not getattr(session, 'is_gone', False)
    )


def _save_http_session(session):
    # An empty one was never begun, or the visitor has logged out.
    if getattr(session, 'modified', False) and not session.is_empty():
        session.save()


#: Decorator: gives the message the visitor's `http_session`, or None.
http_session = decorator_from_context(_with_http_session)


@contextlib.contextmanager
def _with_channel_and_http_session(message):
    with with_channel_session(message):
        message.saves_http_session = True
        if not hasattr(message, 'http_session'):
            key = _stored_key(message) or _http_session_key(message)
            if key and key == message.channel_session.session_key and not message.channel_session.must_create:
                # A WSClient's session is both, and a login here must not
                # move the one away from the other.
                message.http_session = message.channel_session
            else:
                message.http_session = _http_session(key)
        _store_key(message)
        yield
        _save_http_session(message.http_session)
        # The consumer may have moved the session to another key, by a login
        # for example; the next message of the socket goes on with that.
        _store_key(message)


def _stored_key(message):
    session = message.channel_session
    # The second is where Channels 1.x kept it: a socket that is open while
    # the site changes over keeps its session.
    return session.get(HTTP_SESSION_KEY) or session.get(settings.SESSION_COOKIE_NAME)


def _store_key(message):
    key = message.http_session.session_key if message.http_session is not None else None
    if key and message.channel_session.get(HTTP_SESSION_KEY) != key:
        message.channel_session[HTTP_SESSION_KEY] = key


#: Decorator: as channel_session, and `http_session` for the whole life of
#: a socket, though only its handshake has the cookie.
channel_and_http_session = decorator_from_context(_with_channel_and_http_session)
