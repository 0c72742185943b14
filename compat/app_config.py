"""
The name by which Django before 3.2 finds an app's configuration.

Django 3.2 and later find it by themselves, and some of them warn about the
name. Delete when Django < 3.2 support ends.
"""
from __future__ import absolute_import

import django

__all__ = []

if django.VERSION < (3, 2):
    default_app_config = 'django.channels.apps.ChannelsConfig'
    __all__ += ['default_app_config']
