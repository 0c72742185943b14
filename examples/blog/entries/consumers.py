"""
What readers get: all published entries, and then each change of them.

The admin knows nothing of it. Its views save and delete objects, and the
binding sends what has changed, in each process that has imported it: workers
have, by their routing; a shell that changes entries has to.
"""
from __future__ import unicode_literals

from django.channels.binding.websockets import WebsocketBinding
from django.channels.generic.websockets import WebsocketDemultiplexer, WebsocketMultiplexer

from .models import Entry

READERS = 'readers'
STREAM = 'entries'


class EntryBinding(WebsocketBinding):
    """Sends the entries that are created, changed and deleted."""
    model = Entry
    stream = STREAM
    fields = ['text']

    @classmethod
    def group_names(cls, instance):
        """Return who sees an entry. One that is published or withdrawn is created or deleted for them."""
        return [READERS] if instance.published else []

    def has_permission(self, user, action, pk):
        """Return whether a reader may change an entry by way of the socket: never."""
        return False


class Live(WebsocketDemultiplexer):
    """The socket of a reader."""
    consumers = {STREAM: EntryBinding.consumer}

    def connection_groups(self, **kwargs):
        return [READERS]

    def connect(self, message, **kwargs):
        """Let a reader in, and send all entries as they are now."""
        super(Live, self).connect(message, **kwargs)
        WebsocketMultiplexer(STREAM, message.reply_channel).send({
            'action': 'list',
            'entries': [{'pk': entry.pk, 'text': entry.text} for entry in Entry.objects.filter(published=True)],
        })
