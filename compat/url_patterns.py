"""
Patterns of URLs by their names since Django 2.0; delete when Django < 2.0
support ends.
"""
from __future__ import absolute_import

__all__ = ['Resolver404', 're_path', 'resolve', 'reverse']

try:
    from django.urls import Resolver404, resolve, reverse
except ImportError:
    # Before Django 1.10.
    from django.core.urlresolvers import Resolver404, resolve, reverse
try:
    from django.urls import re_path
except ImportError:
    from django.conf.urls import url as re_path
