"""The channel layer, for an interface server of its own."""
import os

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_under_test.settings')

from django.channels.asgi import get_channel_layer  # noqa: E402: settings come first
from django.channels.test.linting import lint_everything  # noqa: E402

# Whatever a server of this project sends keeps the standard.
if os.environ.get('SUT_LINT') != 'no':
    lint_everything()

channel_layer = get_channel_layer()
