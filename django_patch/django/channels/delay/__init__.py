"""
The app of the delay server: messages that are sent at a later time.

Install 'channels.delay', run ``manage.py rundelay``, and send to
``asgi.delay`` what to send: {channel, delay (milliseconds), content}.
"""
from __future__ import absolute_import

from ..compat import app_config

# Where Django doesn't find an app's configuration by itself.
if hasattr(app_config, 'default_app_config'):
    default_app_config = 'django.channels.delay.apps.DelayConfig'
