"""
The channel layer, for an interface server of its own.

``runserver`` doesn't need it. In production:
``interface-server chat.asgi:channel_layer``.
"""
import os

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'chat.settings')

from django.channels.asgi import get_channel_layer  # noqa: E402: settings come first

channel_layer = get_channel_layer()
