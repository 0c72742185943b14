"""
Sessions for messages: those of a reply channel, and the HTTP session that
a WebSocket's handshake names.
"""
from __future__ import absolute_import

import contextlib
from importlib import import_module

from django.conf import settings
from django.http.cookie import parse_cookie

from .channel_sessions import channel_session, session_for_reply_channel, session_key, with_channel_session
from .compat import six
from .compat.text import native_from_bytes
from .decorators import decorator_from_context
from .ordering import enforce_ordering

__all__ = [
    'channel_and_http_session', 'channel_session', 'enforce_ordering', 'http_session', 'session_for_reply_channel',
    'session_key',
]

#: In the channel session: the key of the HTTP session of the handshake.
HTTP_SESSION_KEY = '__http_session_key'


def _http_session_key(message):
    cookies = b'; '.join(value for name, value in message.get('headers') or () if name == b'cookie')
    key = parse_cookie(native_from_bytes(cookies)).get(settings.SESSION_COOKIE_NAME)
    if key:
        return key
    query = message.get('query_string') or b''
    if isinstance(query, bytes):
        query = query.decode('ascii', 'replace')
    return six.moves.urllib.parse.parse_qs(query).get('session_key', [None])[0]


def _http_session(key):
    return import_module(settings.SESSION_ENGINE).SessionStore(session_key=key)


@contextlib.contextmanager
def _with_http_session(message):
    if hasattr(message, 'http_session'):
        yield
        return
    key = _http_session_key(message)
    message.http_session = _http_session(key) if key else None
    yield
    _save_http_session(message)


def _save_http_session(message):
    session = message.http_session
    # An empty one was never begun, or the visitor has logged out.
    if session is not None and session.modified and not session.is_empty():
        session.save()


#: Decorator: gives the message the visitor's `http_session`, or None.
http_session = decorator_from_context(_with_http_session)


@contextlib.contextmanager
def _with_channel_and_http_session(message):
    with with_channel_session(message):
        if not hasattr(message, 'http_session'):
            key = message.channel_session.get(HTTP_SESSION_KEY) or _http_session_key(message)
            message.http_session = _http_session(key) if key else None
        if message.http_session is not None:
            if message.channel_session.get(HTTP_SESSION_KEY) != message.http_session.session_key:
                message.channel_session[HTTP_SESSION_KEY] = message.http_session.session_key
        yield
        _save_http_session(message)


#: Decorator: as channel_session, and `http_session` for the whole life of
#: a socket, though only its handshake has the cookie.
channel_and_http_session = decorator_from_context(_with_channel_and_http_session)
