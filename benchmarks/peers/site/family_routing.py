"""Routing under the names of Channels 1.x."""
import family_consumers

try:
    from django.channels import route
except ImportError:
    from channels import route

channel_routing = [
    route('websocket.connect', family_consumers.accept, path=r'^/echo/'),
    route('websocket.receive', family_consumers.echo, path=r'^/echo/'),
    route('websocket.connect', family_consumers.join, path=r'^/broadcast/'),
    route('websocket.receive', family_consumers.broadcast, path=r'^/broadcast/'),
    route('websocket.disconnect', family_consumers.leave, path=r'^/broadcast/'),
    route('bench.task', family_consumers.task),
]
