"""
The servers that runserver can put in front of a channel layer.

None is a requirement: the first one that is installed serves.
"""
from __future__ import absolute_import

from importlib import import_module

from ..compat.server_advice import HOW_TO_INSTALL

__all__ = ['HOW_TO_INSTALL', 'find_server']


def find_server():
    """
    Return a function that serves, or None if no server is installed.

    It takes (channel_layer, host, port) and the keyword arguments ipv6,
    signal_handlers, http_timeout, websocket_handshake_timeout, ws_protocols,
    root_path and action_logger, and returns when the server has ended.
    """
    if _is_installed('interface_server'):
        return _serve_with_interface_server
    daphne = _is_installed('daphne')
    # daphne 2 and later are made for another architecture.
    if daphne and getattr(daphne, '__version__', '').startswith('1.'):
        return _serve_with_daphne
    return None


def _is_installed(name):
    try:
        return import_module(name)
    except ImportError:
        return None


def _serve_with_interface_server(channel_layer, host, port, **options):
    from interface_server import embedded
    embedded.run(channel_layer, host, port, **options)


def _serve_with_daphne(channel_layer, host, port, ipv6=False, **options):
    from daphne.server import Server, build_endpoint_description_strings
    Server(
        channel_layer=channel_layer,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        **options
    ).run()
