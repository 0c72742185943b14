"""
The servers that runserver can put in front of a channel layer.

None is a requirement: the first one that is installed serves.
"""
from __future__ import absolute_import

import functools
from importlib import import_module

from django.core.servers.basehttp import WSGIServer

from ..compat.server_advice import HOW_TO_INSTALL

__all__ = ['HOW_TO_INSTALL', 'find_server']


def find_server(server_cls=None):
    """
    Return a function that serves, or None if no server is installed.

    It takes (channel_layer, host, port) and the keyword arguments ipv6,
    signal_handlers, http_timeout, websocket_handshake_timeout, ws_protocols,
    root_path, action_logger and any_project, and returns when the server has
    ended, or raises AnotherProject. One that can serve in a thread has a
    function `in_thread`, which takes (channel_layer, host) and returns what
    has a `port`, and a stop().
    `server_cls`, if it is a class like daphne's Server, serves in any case.
    """
    # From Django 1.11 on, runserver has one of that name that speaks WSGI.
    if server_cls is not None and not issubclass(server_cls, WSGIServer):
        return functools.partial(_serve_with_class, server_cls)
    if _is_installed('interface_server'):
        return _serve_with_interface_server
    daphne = _is_installed('daphne')
    # daphne 2 and later are made for another architecture.
    if daphne and getattr(daphne, '__version__', '').startswith('1.'):
        from daphne.server import Server
        return functools.partial(_serve_with_class, Server)
    return None


def _is_installed(name):
    try:
        return import_module(name)
    except ImportError:
        return None


def _serve_with_interface_server(channel_layer, host, port, **options):
    from interface_server import embedded
    embedded.run(channel_layer, host, port, **options)


def _start_interface_server(channel_layer, host):
    from interface_server import embedded
    return embedded.Background(channel_layer, host)


_serve_with_interface_server.in_thread = _start_interface_server


def _serve_with_class(server_cls, channel_layer, host, port, ipv6=False, any_project=True, **options):
    # It does not say whose it is. The command has looked, and its workers do.
    # Twisted's description of an endpoint; a colon in an address is escaped.
    endpoint = 'tcp:port=%d:interface=%s' % (port, host.strip('[]').replace(':', r'\:'))
    server_cls(channel_layer=channel_layer, endpoints=[endpoint], **options).run()
