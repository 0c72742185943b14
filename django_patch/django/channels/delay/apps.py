"""
The configuration of the delay server's app.
"""
from __future__ import absolute_import

from django.apps import AppConfig

from ..app_names import AppName, NameAsListedMixin


class DelayConfig(NameAsListedMixin, AppConfig):
    name = AppName('django.channels.delay')
    label = 'channels_delay'
    verbose_name = 'Channels: delayed messages'
    # What the migration has, whatever DEFAULT_AUTO_FIELD is.
    default_auto_field = 'django.db.models.AutoField'

    def ready(self):
        from ..layers.registry import READ_ELSEWHERE
        from .consumers import CHANNEL
        READ_ELSEWHERE.add(CHANNEL)
