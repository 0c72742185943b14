"""
Where a WebSocket may come from.

Browsers send cookies with a handshake to any host, so a page elsewhere can
open a socket in a visitor's name; the Origin header says that it did
(RFC 6455 section 10.2).
"""
from __future__ import absolute_import

import functools

from django.http.request import validate_host

from ..compat import six
from ..conf import conf
from ..decorators import find_message
from ..exceptions import DenyConnection


class BaseOriginValidator(object):
    """
    A decorator for websocket.connect: refuses what validate_origin() does.

    Subclasses provide validate_origin().
    """

    def __init__(self, func):
        functools.update_wrapper(
            self, func, assigned=[name for name in functools.WRAPPER_ASSIGNMENTS if hasattr(func, name)]
        )
        self.func = func

    def __get__(self, instance, owner):
        # Methods can be decorated, too.
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args, **kwargs):
        message = find_message(args, kwargs)
        if not self.validate_origin(message, self.get_origin(message)):
            raise DenyConnection('The origin of the WebSocket is not allowed.')
        return self.func(*args, **kwargs)

    def get_origin(self, message):
        """Return the Origin header as text, or None."""
        for name, value in message.get('headers') or ():
            if name == b'origin':
                return value.decode('latin-1')
        return None

    def validate_origin(self, message, origin):
        """Return whether a WebSocket from `origin` (text or None) may open."""
        raise NotImplementedError('subclasses of BaseOriginValidator must provide a validate_origin() method')


class AllowedHostsOnlyOriginValidator(BaseOriginValidator):
    """Refuses WebSockets from pages of hosts that are not ALLOWED_HOSTS."""

    def validate_origin(self, message, origin):
        allowed = conf.allowed_hosts
        if conf.debug and not allowed:
            allowed = ['localhost', '127.0.0.1', '[::1]']
        # Only browsers say where a socket comes from, and they always do.
        if origin is None:
            return False
        try:
            host = six.moves.urllib.parse.urlparse(origin).hostname
        except ValueError:
            return False
        if host is None:
            return False
        return validate_host('[%s]' % host if ':' in host else host, allowed)


allowed_hosts_only = AllowedHostsOnlyOriginValidator
