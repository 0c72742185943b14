"""The channel layer, for the interface server."""
import os

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'blog.settings')

from django.channels.asgi import get_channel_layer  # noqa: E402: settings come first

channel_layer = get_channel_layer()
