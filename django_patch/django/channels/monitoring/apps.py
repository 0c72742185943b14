"""
The configuration of the app of the admin's pages.
"""
from __future__ import absolute_import, unicode_literals

from django.apps import AppConfig

from ..app_names import AppName, NameAsListedMixin


class MonitoringConfig(NameAsListedMixin, AppConfig):
    name = AppName('django.channels.monitoring')
    label = 'channels_monitoring'
    verbose_name = 'Channels'
    # What the migration has, whatever DEFAULT_AUTO_FIELD is.
    default_auto_field = 'django.db.models.AutoField'
