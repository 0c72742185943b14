"""What the readers get."""
from __future__ import unicode_literals

from django.db import models


class Headline(models.Model):
    """One line of news."""
    text = models.CharField(max_length=200)
