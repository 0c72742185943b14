"""Django's own WSGI application, which the tests compare with."""
import os

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_under_test.settings')

from django.core.wsgi import get_wsgi_application  # noqa: E402: settings come first

application = get_wsgi_application()
