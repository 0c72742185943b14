"""The WSGI application that hands requests on to workers."""
import os

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_under_test.settings')

from django.channels.asgi import get_channel_layer  # noqa: E402: settings come first
from django.channels.interfaces.wsgi import WSGIInterface  # noqa: E402

application = WSGIInterface(get_channel_layer(), timeout=float(os.environ.get('SUT_TIMEOUT', '60')))
