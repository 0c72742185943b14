"""
The socket of the admin's page: it asks, and gets the tables as they are now.
"""
from __future__ import absolute_import, unicode_literals

from django.contrib.auth import get_user_model

from ..auth import channel_session_user, channel_session_user_from_http
from ..exceptions import DenyConnection
from ..layers import channel_layers
from . import overview

#: The code that closes the socket of somebody who may not look any more.
FORBIDDEN = 4403


@channel_session_user_from_http
def connect(message, **kwargs):
    """Accept the socket of a user who may look."""
    if not overview.may(message.user, overview.VIEW):
        raise DenyConnection('Only staff who may see channels get this socket.')
    message.reply_channel.send({'accept': True})


@channel_session_user
def receive(message, **kwargs):
    """Answer a frame, the alias of a layer, with that layer's tables as HTML."""
    # As the database has it now: a permission may have been taken away.
    user = get_user_model()._default_manager.filter(pk=message.user.pk).first()
    if user is None or not overview.may(user, overview.VIEW):
        message.reply_channel.send({'close': FORBIDDEN})
        return
    alias = message.get('text') or ''
    if alias in channel_layers:
        message.reply_channel.send({'text': overview.fragment(channel_layers[alias], alias)})
