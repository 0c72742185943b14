"""Where the tests of others' layers find Django's settings and a Redis."""
import os
import sys

from django.conf import settings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

settings.configure(SECRET_KEY='for tests')
