"""
The name by which Django 1.10 finds an app's configuration.
"""
from __future__ import absolute_import

__all__ = ['default_app_config']

default_app_config = 'django.channels.apps.ChannelsConfig'
