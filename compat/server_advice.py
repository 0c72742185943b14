"""
Advice on installing a WebSocket server for this Python and Django.

Delete the choice when Python < 3.9 support ends.
"""
from __future__ import absolute_import

import sys

import django

__all__ = ['HOW_TO_INSTALL']

if sys.version_info >= (3, 9):
    HOW_TO_INSTALL = (
        'pip install channels-interface-server (in a checkout of Channels for Django: pip install ./interface_server)'
    )
elif django.VERSION < (3, 0):
    HOW_TO_INSTALL = 'pip install daphne==1.4.2'
else:
    # daphne 1.4.2 needs an asgiref that this Django is too new for.
    HOW_TO_INSTALL = 'use Python 3.9 or later, then: pip install channels-interface-server'
