"""
How to get a server that speaks WebSocket, for the Pythons of Django 1.10.
"""
from __future__ import absolute_import

__all__ = ['HOW_TO_INSTALL']

HOW_TO_INSTALL = 'pip install daphne==1.4.2'
