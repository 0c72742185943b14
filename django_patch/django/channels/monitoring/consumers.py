"""
The socket of the admin's page: it asks, and gets the tables as they are now.
"""
from __future__ import absolute_import, unicode_literals

import logging

from django.contrib.auth import get_user_model

from ..auth import channel_session_user, channel_session_user_from_http
from ..compat.url_patterns import Resolver404, resolve
from ..exceptions import DenyConnection
from ..layers import channel_layers
from ..names import split_path
from . import overview

logger = logging.getLogger('django.channels')

#: The code that closes the socket of somebody who may not look any more.
FORBIDDEN = 4403
#: What the path of the socket has behind that of its page.
LIVE = 'live/'
#: The namespace that all admin sites have.
ANY = 'admin'


class _Visit(object):
    """What an admin site asks of a request to know whether a user may see anything of it."""

    def __init__(self, user, session):
        self.user = user
        self.session = session


def namespace_for(message, user):
    """Return the namespace of the admin site whose page `message` is about; None if `user` may not see that page."""
    if not overview.may(user, overview.VIEW):
        return None
    visit, site = _Visit(user, getattr(message, 'http_session', None)), _site_of(message)
    # Where the path isn't that of a page, as with a language before it, all
    # that have the page have to let him in.
    asked = list(overview.sites) if site is None else [site]
    try:
        if asked and all(each.has_permission(visit) for each in asked):
            return ANY if site is None else site.name
    except Exception as error:
        # A site with rules of its own may ask for more than there is.
        logger.warning('The page of channels is not live: its admin site needs a request to know its users: %r', error)
    return None


def _site_of(message):
    path = split_path(message['path'], message.get('root_path') or '')
    try:
        return getattr(resolve(path[:-len(LIVE)]).func, overview.SITE, None)
    except Resolver404:
        return None


@channel_session_user_from_http
def connect(message, **kwargs):
    """Accept the socket of a user who may look."""
    if namespace_for(message, message.user) is None:
        raise DenyConnection('Only staff who may see channels get this socket.')
    message.reply_channel.send({'accept': True})


@channel_session_user
def receive(message, **kwargs):
    """Answer a frame, the alias of a layer, with that layer's tables as HTML."""
    # As the database has it now: a permission may have been taken away.
    user = get_user_model()._default_manager.filter(pk=message.user.pk).first()
    namespace = user and namespace_for(message, user)
    if namespace is None:
        message.reply_channel.send({'close': FORBIDDEN})
        return
    alias = message.get('text') or ''
    if alias in channel_layers:
        message.reply_channel.send({'text': overview.fragment(channel_layers[alias], alias, namespace)})
