"""The socket of the readers; the binding in it sends what changes."""
from __future__ import unicode_literals

from entries.consumers import Live

channel_routing = [
    Live.as_route(path=r'^/live/$'),
]
