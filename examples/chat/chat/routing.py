"""Which consumer handles which message; the WebSocket side of urls.py."""
from __future__ import unicode_literals

from django.channels import route
from rooms import consumers

# HTTP requests need no line here: they go to the views in urls.py.
LIVE_PATH = r'^/room/(?P<room_id>[0-9]{1,9})/live/$'

channel_routing = [
    route('websocket.connect', consumers.connect, path=LIVE_PATH),
    route('websocket.receive', consumers.receive, path=LIVE_PATH),
    route('websocket.disconnect', consumers.disconnect, path=LIVE_PATH),
]
