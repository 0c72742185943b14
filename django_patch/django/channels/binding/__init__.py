"""
Data binding: changes of models to clients, and from clients to models.
"""
from __future__ import absolute_import

from .base import Binding

__all__ = ['Binding']
