"""
The routes of the admin's live page, for include() in a project's routing.
"""
from __future__ import absolute_import, unicode_literals

from ..routing import route
from . import consumers

#: Wherever the admin has its place.
PATH = r'^.*/channels_monitoring/overview/live/$'

channel_routing = [
    route('websocket.connect', consumers.connect, path=PATH),
    route('websocket.receive', consumers.receive, path=PATH),
]
