"""What the editor writes."""
from __future__ import unicode_literals

from django.db import models


class Entry(models.Model):
    """One entry of the blog."""
    text = models.TextField()
    #: Readers see it only then.
    published = models.BooleanField(default=True)

    class Meta:
        ordering = ['-pk']
        verbose_name_plural = 'entries'
