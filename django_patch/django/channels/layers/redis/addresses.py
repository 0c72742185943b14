"""
The addresses of Redis servers, as settings have them.
"""
from __future__ import absolute_import, unicode_literals

import re

from ...compat import six

unquote = six.moves.urllib.parse.unquote
urlparse = six.moves.urllib.parse.urlparse

#: What stands before the host; a password may hold what should be quoted.
_PASSWORD = re.compile('^(\\w+://)?.*@')
_SCHEMES = ('redis://', 'rediss://', 'unix://')


def is_plain(url):
    """Return whether `url` needs nothing of redis-py: there is no TLS, and are no options."""
    return url.startswith(('redis://', 'unix://')) and '?' not in url


def check_dict(name, value):
    """Raise ValueError, which calls it `name`, unless `value` is a dict."""
    if not isinstance(value, dict):
        raise ValueError('%s must be a dict, not %r.' % (name, value))


def url_of(host, options):
    """
    Return the URL of `host`, which is one, or a pair (host, port).

    A pair takes ``ssl`` out of `options`. Raise ValueError, saying what it
    should be.
    """
    if isinstance(host, (tuple, list)) and len(host) == 2:
        return join_url('rediss' if options.pop('ssl', False) else 'redis', *pair(host))
    if isinstance(host, (six.text_type, str)) and host.startswith(_SCHEMES):
        # redis-py takes 0 for anything else.
        if not host.startswith('unix:') and urlparse(host).path.strip('/').strip('0123456789'):
            raise ValueError(
                "What follows the port in '%s' must be the number of a database, as in '/0'. In a password, quote "
                "'/', '@', '?' and '#', as urllib.parse.quote(password, safe='') does." % _without_password(host)
            )
        return host
    # A lazy text looks like text.
    shown = ("'%s'" % _without_password(host)) if isinstance(host, (six.text_type, str)) else '%r (of the type %s)' % (
        host, type(host).__name__)
    raise ValueError(
        '%s is not the address of a Redis server: use redis://, rediss:// or unix:// URLs, or (host, port).' % shown
    )


def _without_password(url):
    """Return `url` for people to read."""
    return _PASSWORD.sub(lambda found: (found.group(1) or '') + '***@', url)


def pair(host):
    """Return the pair (host, port) that `host` is, with the port as a number; raise ValueError."""
    name, port = host
    # Out of an environment variable it comes as text.
    if isinstance(port, (six.text_type, str)) and port.isdigit():
        port = int(port)
    is_port = isinstance(port, six.integer_types) and not isinstance(port, bool) and 0 < port < 65536
    if not is_port or not name or not isinstance(name, (six.text_type, bytes)):
        raise ValueError('%r is not the address of a Redis server: in (host, port), the host must be text and the '
                         'port a number from 1 to 65535.' % (tuple(host),))
    return name, port


def join_url(scheme, host, port):
    """Return the URL of `port` on `host`."""
    if isinstance(host, bytes):
        host = host.decode('ascii')
    return '%s://%s:%d' % (scheme, '[%s]' % host if ':' in host else host, port)


def name_of(url):
    """Return what people call the server at `url`; raise ValueError if it is none."""
    parts = urlparse(url)
    if url.startswith('unix:'):
        return unquote(parts.path)
    return '%s:%s' % (unquote(parts.hostname or '') or 'localhost', parts.port or 6379)


def listed(name, value):
    """Return `value`; raise ValueError, which calls it `name`, unless it is a list that isn't empty."""
    if not isinstance(value, (tuple, list)) or not value:
        raise ValueError('%r must be a list of at least one server, not %r.' % (str(name), value))
    return value
