"""Models that bindings watch."""
from django.db import models


class Room(models.Model):
    name = models.CharField(max_length=50)
    topic = models.CharField(max_length=50, default='')
    size = 3

    def shout(self):
        return self.name.upper()


class Silent(models.Model):
    name = models.CharField(max_length=50)
