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


class Booking(models.Model):
    """It has fields of many types."""
    room = models.ForeignKey(Room, null=True, on_delete=models.CASCADE)
    seats = models.ManyToManyField(Silent)
    at = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    code = models.UUIDField(null=True)
    length = models.DurationField(null=True)
    share = models.FloatField(default=0.5)
    paid = models.BooleanField(default=False)
    paper = models.FileField(null=True)
    secret = models.CharField(max_length=10, default='', editable=False)


class Named(models.Model):
    """Its primary key is text."""
    key = models.CharField(max_length=20, primary_key=True)
    note = models.TextField(blank=True)
