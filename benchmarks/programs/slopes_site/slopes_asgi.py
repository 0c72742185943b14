"""The layer of slopes_site for the command line of an interface server."""
from django.channels.asgi import get_channel_layer

channel_layer = get_channel_layer()
