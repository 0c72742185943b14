"""
HTTP through channels under its public names.
"""
from __future__ import absolute_import

from .http.handler import ChannelHandler, ViewConsumer
from .http.request import ChannelRequest

__all__ = ['AsgiHandler', 'AsgiRequest', 'ChannelHandler', 'ChannelRequest', 'ViewConsumer', 'view_consumer']

# The names of the 1.x family.
AsgiHandler = ChannelHandler
AsgiRequest = ChannelRequest

#: What consumes http.request where a project's routing names nothing else.
view_consumer = ViewConsumer()
