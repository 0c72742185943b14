"""
Checks of the origin of a WebSocket.

Browsers send cookies with a handshake to any host, so a page elsewhere can
open a socket in a visitor's name; the Origin header says that it did
(RFC 6455 section 10.2).
"""
from __future__ import absolute_import

import functools

from django.http.request import validate_host

from ..compat import six
from ..compat.coroutines import is_coroutine_function
from ..conf import conf
from ..decorators import find_message
from ..exceptions import DenyConnection
from ..headers import header_pairs


class BaseOriginValidator(object):
    """
    A decorator for websocket.connect: refuses what validate_origin() does.

    Subclasses provide validate_origin(), which is only asked about an origin
    that is there and that is ASCII: a handshake without one is refused by
    get_origin().
    """

    def __init__(self, func):
        functools.update_wrapper(
            self, func, assigned=[name for name in functools.WRAPPER_ASSIGNMENTS if hasattr(func, name)]
        )
        self.func = func
        if is_coroutine_function(func):
            # For decorators around this one, and the system checks.
            self._is_coroutine = True

    def __get__(self, instance, owner):
        # Methods can be decorated, too.
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args, **kwargs):
        message = find_message(args, kwargs)
        if not self.validate_origin(message, self.get_origin(message)):
            raise DenyConnection('The origin of the WebSocket is not allowed.')
        return self.func(*args, **kwargs)

    def get_header(self, message, name):
        """
        Return the values (bytes) of the first header `name` (bytes), a list.

        Raise KeyError if the message has no such header.
        """
        for pair in header_pairs(message):
            if pair and pair[0] == name:
                return list(pair[1:])
        raise KeyError('The message has no header %r.' % (name,))

    def get_origin(self, message):
        """
        Return the Origin header as text.

        Raise DenyConnection if it is missing, empty or not ASCII: browsers
        always send one (RFC 6455 section 4.1), and RFC 6454 section 6.2 has
        no other characters in it.
        """
        try:
            origin = self.get_header(message, b'origin')[0].decode('ascii')
        except (KeyError, IndexError):
            raise DenyConnection('The WebSocket has no Origin.')
        except UnicodeDecodeError:
            raise DenyConnection('The Origin of the WebSocket is not ASCII.')
        if not origin:
            raise DenyConnection('The Origin of the WebSocket is empty.')
        return origin

    def validate_origin(self, message, origin):
        """Return whether a WebSocket from `origin` (text, not empty) may open."""
        raise NotImplementedError('subclasses of BaseOriginValidator must provide a validate_origin() method')


class AllowedHostsOnlyOriginValidator(BaseOriginValidator):
    """Refuses WebSockets from pages of hosts that are not ALLOWED_HOSTS."""

    def validate_origin(self, message, origin):
        allowed = conf.allowed_hosts
        if conf.debug and not allowed:
            allowed = ['localhost', '127.0.0.1', '[::1]']
        try:
            host = six.moves.urllib.parse.urlparse(origin).hostname
        except ValueError:
            return False
        if host is None:
            return False
        return validate_host('[%s]' % host if ':' in host else host, allowed)


allowed_hosts_only = AllowedHostsOnlyOriginValidator
