"""
Consumers as classes: one method for each kind of message.
"""
from __future__ import absolute_import

from .base import BaseConsumer

__all__ = ['BaseConsumer']
