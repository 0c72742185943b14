"""
Advice on installing a WebSocket server beside a patched Django 1.10.

Delete the choice when Python < 3.9 support ends.
"""
from __future__ import absolute_import

import sys

__all__ = ['HOW_TO_INSTALL']

if sys.version_info >= (3, 9):
    HOW_TO_INSTALL = 'pip install channels-interface-server'
else:
    HOW_TO_INSTALL = 'pip install daphne==1.4.2'
