"""
Connections to the servers that need nothing of redis-py.

Those are what addresses.is_plain() says. All of redis-py would be loaded for a
socket and two commands, into each process that sends something.
"""
from __future__ import absolute_import, unicode_literals

import os
import socket

from ...compat.interrupts import again
from ...compat.text import native_from_text
from ..transport.resp import INCOMPLETE, ReplyError, make_parser, pack
from .addresses import unquote, urlparse

#: Where a server listens if its URL doesn't say.
_HOST, _PORT = 'localhost', 6379
_CHUNK = 4096


class NotConnected(Exception):
    """Raised when a server can't be connected to, or refuses a login or a database."""


class DirectConnection(object):
    """A connection to the server at `url`, each step of which may take `timeout` seconds."""

    def __init__(self, url, timeout, connect_timeout):
        # On Python 2 what is quoted is the bytes of UTF-8.
        self._parts = urlparse(native_from_text(url))
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._process = os.getpid()
        self._sock = None

    def connect(self):
        """Connect, log in and choose the database; raise NotConnected, or an error of the system."""
        try:
            self._sock = self._open()
        except socket.timeout:
            raise NotConnected('It does not answer.')
        except EnvironmentError as error:
            raise NotConnected(error.strerror or '%s' % error)
        try:
            self._sock.settimeout(self._timeout)
            self._log_in()
            database = self._parts.path.strip('/') if self._parts.scheme == 'redis' else ''
            if int(database or 0):
                self._ask('SELECT', int(database))
        except BaseException:
            self.disconnect()
            raise

    def disconnect(self):
        """Close it; the server notices, even if others have the socket as well."""
        connected, self._sock = self._sock, None
        if connected is None:
            return
        try:
            if os.getpid() == self._process:
                connected.shutdown(socket.SHUT_RDWR)
        except EnvironmentError:
            # It has been cut.
            pass
        connected.close()

    def __del__(self):
        # It was that of a thread which has ended.
        try:
            self.disconnect()
        except Exception:
            # The interpreter is ending, and what this needs is gone.
            pass

    def _open(self):
        parts = self._parts
        if parts.scheme == 'unix':
            opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                opened.settimeout(self._timeout)
                opened.connect(unquote(parts.path))
            except BaseException:
                opened.close()
                raise
            return opened
        host = unquote(parts.hostname or '') or _HOST
        try:
            # Python loads what knows of names beyond ASCII for text alone.
            host = host.encode('ascii')
        except UnicodeError:
            pass
        opened = again(socket.create_connection, (host, parts.port or _PORT), self._connect_timeout)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return opened

    def _log_in(self):
        name, password = unquote(self._parts.username or ''), unquote(self._parts.password or '')
        if not name and not password:
            return
        if name:
            try:
                self._ask('AUTH', name, password)
                return
            except NotConnected as error:
                # Redis before 6.0 knows no names, and a URL may have one.
                if 'wrong number of arguments' not in '%s' % error:
                    raise
        self._ask('AUTH', password)

    def _ask(self, *arguments):
        self._sock.sendall(pack(*arguments))
        parser = make_parser()
        reply = parser.next()
        while reply is INCOMPLETE:
            data = again(self._sock.recv, _CHUNK)
            if not data:
                raise NotConnected('It closed the connection.')
            parser.feed(data)
            reply = parser.next()
        if type(reply) is ReplyError:
            raise NotConnected('%s' % reply)
