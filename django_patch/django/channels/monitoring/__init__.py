"""
The app that shows what channels do: pages in the admin, metrics, health.

Install 'channels.monitoring' for the pages; the rest works without.
"""
from __future__ import absolute_import

from ..compat import app_config

# Where Django doesn't find an app's configuration by itself.
if hasattr(app_config, 'default_app_config'):
    default_app_config = 'django.channels.monitoring.apps.MonitoringConfig'
