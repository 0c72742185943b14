"""
A client that opens WebSockets, with cookies, headers, a session and a user.
"""
from __future__ import absolute_import

import json as json_module
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, SimpleCookie
from django.http.request import validate_host

from ..compat import six
from ..conf import conf
from ..exceptions import DenyConnection
from ..layers.base import copy_message
from ..sessions import session_for_reply_channel, session_key
from .base import Client

#: The host of Django's test client.
TEST_HOST = b'testserver'


class ConnectionRejected(AssertionError, DenyConnection):
    """
    Raised when a socket that a test opens isn't accepted.

    Tests may expect a failed assertion, or what the consumer may have raised.
    """


class WSClient(Client):
    """
    Sends the messages of a browser's WebSocket.

    With `ordered`, they carry the order in which they are sent, which
    enforce_ordering and `strict_ordering` need.
    """

    def __init__(self, **kwargs):
        self._ordered = kwargs.pop('ordered', False)
        super(WSClient, self).__init__(**kwargs)
        self.order = 0
        self._path = '/'
        self._cookies = {}
        self._headers = {}
        self._session = None
        self._began = False
        self._unread = None

    # The handshake's headers

    def set_cookie(self, key, value):
        """
        Send a cookie along from now on; both are text.

        That of a session, such as Django's test client has after a log-in,
        takes the place of the client's own.
        """
        self._cookies[key] = value

    def get_cookies(self):
        """Return {name: value} of the cookies that are sent along."""
        cookies = dict(self._cookies)
        # Who answers to a frame has to remember the session of the
        # handshake; a browser names it only there.
        named = settings.SESSION_COOKIE_NAME in cookies
        if not self._began and not named and apps.is_installed('django.contrib.sessions'):
            # Opening the session would need the database.
            opened = self._session is not None or not _one_engine()
            key = self.session.session_key if opened else session_key(self.reply_channel)
            if key:
                cookies[settings.SESSION_COOKIE_NAME] = key
        return cookies

    def set_header(self, key, value):
        """Send a header along from now on; both are text."""
        key = key.lower()
        if key == 'cookie':
            raise ValueError('Cookies are set with set_cookie().')
        self._headers[key] = value

    @property
    def headers(self):
        """The headers that are sent along: {lower-case name: value}."""
        headers = {key: _as_bytes(value) for key, value in self._headers.items()}
        # Browsers always send both.
        headers.setdefault('origin', b'http://' + TEST_HOST)
        headers.setdefault('host', _host_for(headers['origin']))
        cookies = SimpleCookie()
        for key, value in self.get_cookies().items():
            cookies[str(key)] = str(value)
        if cookies:
            headers['cookie'] = _as_bytes('; '.join(
                cookie.output(header='').strip() for _, cookie in sorted(cookies.items())
            ))
        return headers

    # Session and user

    @property
    def session(self):
        """
        The client's session; call its save() after changes.

        It is that of the cookie, and until a login also the channel session
        of the socket, unless the two have different engines.
        """
        if not apps.is_installed('django.contrib.sessions'):
            raise EnvironmentError("A client has a session only with 'django.contrib.sessions' in INSTALLED_APPS.")
        if self._session is None:
            if _one_engine():
                self._session = session_for_reply_channel(self.reply_channel)
                if self._session.must_create:
                    # A session is saved by its decorator; this one has none,
                    # and a plain save() wants it to be there.
                    self._session.save(must_create=True)
                    self._session.must_create = False
            else:
                self._session = import_module(settings.SESSION_ENGINE).SessionStore()
        return self._session

    def login(self, **credentials):
        """
        Log in as the user whom django.contrib.auth finds for `credentials`.

        Return whether there is one, and he may log in.
        """
        from django.contrib.auth import authenticate
        user = authenticate(**credentials)
        if user is None or not user.is_active:
            return False
        self._login(user)
        return True

    def force_login(self, user, backend=None):
        """Log in as `user`; `backend` is the path of the one to stand for."""
        user.backend = backend or settings.AUTHENTICATION_BACKENDS[0]
        self._login(user)

    def _login(self, user):
        from django.contrib.auth import login
        request = HttpRequest()
        request.session = self.session
        login(request, user)
        self.session.save()
        # The next message is the first of a visit.
        self._began = False

    # Frames

    def send(self, to, content=None, text=None, path=None):
        """
        Send a message: `content`, and what a server would add.

        `text` becomes a text frame, as JSON unless it is a string. `path`
        may have a query string; without it, the last one holds on.
        """
        content = copy_message(content or {})
        if path is not None:
            self._path, _, query = path.partition('?')
            content.setdefault('query_string', _as_bytes(query))
        content.setdefault('query_string', b'')
        content.setdefault('path', self._path)
        if to == 'websocket.connect':
            self._began = False
        content.setdefault('headers', [[_as_bytes(key), value] for key, value in sorted(self.headers.items())])
        self._began = True
        if self._ordered:
            if 'order' in content:
                raise ValueError('The order is counted by the client; leave it out, or leave ordered=True out.')
            content['order'] = self.order
            self.order += 1
        text = content.get('text') if text is None else text
        if text is not None:
            content['text'] = text if isinstance(text, six.string_types) else json_module.dumps(text)
        super(WSClient, self).send(to, content)

    def send_and_consume(self, channel, content=None, text=None, path=None, fail_on_none=True, check_accept=True):
        """As send() and then consume(); return the consumer's result."""
        self.send(channel, content, text, path)
        return self.consume(channel, fail_on_none=fail_on_none, check_accept=check_accept)

    def consume(self, channel, fail_on_none=True, check_accept=True):
        """
        Run the consumer of the next message on `channel`; return its result.

        With `check_accept`, raise ConnectionRejected (an AssertionError and
        a DenyConnection) if it is websocket.connect and the consumer didn't
        accept the socket.
        """
        result = super(WSClient, self).consume(channel, fail_on_none=fail_on_none)
        if channel == 'websocket.connect' and check_accept:
            self._check_accept(super(WSClient, self).receive())
        return result

    def _check_accept(self, reply):
        data = {key: value for key, value in (reply or {}).items() if key != 'accept'}
        has_data = bool(data.get('text') or data.get('bytes'))
        # Data that isn't preceded by an answer is one, says the standard.
        if reply is None or not reply.get('accept', has_data):
            # Tests of the 1.x family look for these words.
            raise ConnectionRejected("Connection rejected: %s != '{accept: True}'" % (reply,))
        if has_data:
            self._unread = data

    def receive(self, json=True):
        """
        Return the next frame from the server, or None.

        That is the text of a text frame, decoded from JSON unless `json` is
        False (or it isn't text, as a test may have sent it), and the whole
        content of any other reply.
        """
        content, self._unread = self._unread, None
        if content is None:
            content = super(WSClient, self).receive()
        text = (content or {}).get('text')
        if text is None:
            return content
        return json_module.loads(text) if json and isinstance(text, six.string_types) else text


def _as_bytes(value):
    return value.encode('utf-8') if isinstance(value, six.text_type) else value


def _one_engine():
    return conf.session_engine == settings.SESSION_ENGINE


def _host_for(origin):
    """
    Return the Host to send along with an Origin; both are bytes.

    Where a test's ALLOWED_HOSTS don't have that of Django's test client, the
    page is taken to be of the site that the socket is to.
    """
    if validate_host(TEST_HOST.decode('ascii'), conf.allowed_hosts):
        return TEST_HOST
    return origin.partition(b'://')[2] or TEST_HOST
