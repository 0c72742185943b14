from datetime import datetime
from typing import Any

from django.db import models

from ..layers import ChannelLayerWrapper
from ..layers.base import BaseChannelLayer

class DelayedMessage(models.Model):
    # What they are on an object; on the class they are Django's fields.
    due_date: datetime | Any
    channel_name: str | Any
    content: str | Any
    delay: int
    def send(
        self, channel_layer: ChannelLayerWrapper | BaseChannelLayer | None = None, requeue_delay: int = 1000
    ) -> None: ...
