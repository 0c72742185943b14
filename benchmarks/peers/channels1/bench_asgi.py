"""The layer, for daphne's command line."""
from channels.asgi import get_channel_layer

channel_layer = get_channel_layer()
