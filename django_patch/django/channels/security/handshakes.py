"""
Checks of host and origin that each WebSocket passes before its consumer.

Requests have their host checked by Django and their origin by the middleware
against cross-site request forgery, neither of which sees a WebSocket: any
page may open one in a visitor's name (RFC 6455 section 10.2).
"""
from __future__ import absolute_import

import logging

from django.http.request import split_domain_port, validate_host

from ..compat import six
from ..conf import conf
from ..exceptions import DenyConnection
from ..headers import header_values

logger = logging.getLogger('django.channels')

#: The port that an address without one has.
DEFAULT_PORTS = {'http': '80', 'ws': '80', 'https': '443', 'wss': '443'}
#: Has this process told of a refusal, and of what to do about it?
_told = set()


def check_handshake(message):
    """
    Refuse a "websocket.connect" for a host or from an origin that isn't ours.

    Raise DenyConnection. Other messages pass, and all do whose project has
    '*' among its CHANNEL_ALLOWED_ORIGINS.
    """
    if message.channel.name != 'websocket.connect' or '*' in conf.allowed_origins:
        return
    reason = find_reason(message)
    if reason is None:
        return
    text = 'The WebSocket at %s was refused: %s.' % (message.get('path'), reason)
    if _told:
        logger.info(text)
    else:
        _told.add(reason)
        setting = 'ALLOWED_HOSTS' if reason.endswith('ALLOWED_HOSTS') else 'CHANNEL_ALLOWED_ORIGINS'
        logger.warning('%s If it is yours, name it in %s. Further ones are logged as INFO.', text, setting)
    raise DenyConnection(text)


def find_reason(message):
    """Return why a handshake is refused, as text, or None."""
    host = _host(message)
    domain, port = split_domain_port(host) if host else ('', '')
    if host and not (domain and validate_host(domain, _allowed_hosts())):
        return 'its host, %r, is not in ALLOWED_HOSTS' % str(host)
    origins = header_values(message, b'origin')
    if not origins:
        # Not a browser: those always send one.
        return None
    if len(origins) > 1:
        return 'it has several origins'
    origin = origins[0].decode('latin-1')
    if origin in conf.allowed_origins or _is_same(origin, domain, port) or _is_ours(origin, bool(host)):
        return None
    return 'its origin, %r, is another site' % str(origin)


def _host(message):
    values = header_values(message, b'x-forwarded-host') if conf.use_forwarded_host else []
    values = values or header_values(message, b'host')
    return values[0].decode('latin-1') if values else None


def _allowed_hosts():
    if conf.debug and not conf.allowed_hosts:
        return ['localhost', '.localhost', '127.0.0.1', '[::1]']
    return conf.allowed_hosts


def _split(origin):
    """Return (scheme, host, port) of an origin as text; empty ones for what isn't one."""
    try:
        parsed = six.moves.urllib.parse.urlsplit(origin)
        host, port = parsed.hostname or '', parsed.port
    except ValueError:
        return '', '', ''
    # Both are the same site, as Django has it for the host of a request.
    host = host[:-1] if host.endswith('.') else host
    host = '[%s]' % host if ':' in host else host
    return parsed.scheme, host, str(port or DEFAULT_PORTS.get(parsed.scheme, ''))


def _is_same(origin, domain, port):
    scheme, host, origin_port = _split(origin)
    # A proxy in front may speak TLS, which the Host doesn't tell.
    return bool(host) and host == domain and (origin_port == port or not port and origin_port in ('80', '443'))


def _is_ours(origin, has_host):
    # '*' stands for hosts that are checked elsewhere, not for all sites; but
    # without a host, as in tests alone, there is nothing else to go by.
    hosts = [host for host in _allowed_hosts() if host != '*' or not has_host]
    host = _split(origin)[1]
    return bool(host) and validate_host(host, hosts)
