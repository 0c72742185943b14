"""What the chat remembers: rooms, and what was said in them."""
from __future__ import unicode_literals

from django.conf import settings
from django.db import models
from django.utils import timezone


class Room(models.Model):
    """A room; everybody who is logged in may enter it."""
    title = models.CharField(max_length=60, unique=True)


class Line(models.Model):
    """One thing that one user said in one room."""

    #: The longest text of one line, in characters.
    MAX_LENGTH = 1000
    #: How many lines a page shows, and how many a browser that was away for
    #: a while gets.
    HISTORY = 50

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name='lines')
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.CharField(max_length=MAX_LENGTH)
    said = models.DateTimeField(default=timezone.now)

    @classmethod
    def latest(cls, room_id, after=0):
        """
        Return the newest lines of a room, oldest first, at most HISTORY.

        ``after`` is the id of the last line that the reader knows (int).
        """
        lines = cls.objects.filter(room_id=room_id, pk__gt=after).select_related('user')
        return list(lines.order_by('-pk')[:cls.HISTORY])[::-1]

    def as_dict(self):
        """Return the form in which a browser gets this line (JSON types)."""
        return {
            'id': self.pk,
            'user': self.user.get_username(),
            'text': self.text,
            'said': self.said.isoformat(),
        }
