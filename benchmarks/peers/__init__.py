"""
Who is measured. A module a peer: how it is installed and started, and its own
part of the site; what all share is in site/. PEERS has them by name.
"""
import importlib
import pkgutil

from .base import Peer

PEERS = {}
for _, module, is_package in pkgutil.iter_modules(__path__):
    if is_package and module not in ('site',):
        for peer in getattr(importlib.import_module('%s.%s' % (__name__, module)), 'PEERS', ()):
            if peer.name in PEERS:
                raise ValueError('Two peers are called %r.' % peer.name)
            PEERS[peer.name] = peer

__all__ = ['PEERS', 'Peer']
