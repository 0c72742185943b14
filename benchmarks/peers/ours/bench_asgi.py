"""The layer, for the server's command line."""
from django.channels.asgi import get_channel_layer

channel_layer = get_channel_layer()
