"""
The tests of django.channels that run inside Django's own tests/runtests.py.

That script decides INSTALLED_APPS: Django's always installed apps, and the
folder of each label. It imports this package while it walks over the list, so
apps appended here are installed right behind it, on every version of Django
and without a change to the script. Other settings belong to the tests, by
override_settings.
"""
from __future__ import absolute_import

import os

from django.channels.test.linting import lint_everything
from django.conf import settings

try:
    import faulthandler
except ImportError:  # Python 2.7
    pass
else:
    if os.environ.get('CHANNELS_TESTS_TIMEOUT'):
        # What hangs says where, before runtests.py kills it.
        faulthandler.dump_traceback_later(float(os.environ['CHANNELS_TESTS_TIMEOUT']), exit=True)

if os.environ.get('CHANNELS_TESTS_WITHOUT_EMULATION'):
    # As it will be when the deprecation of the wsgi.* keys has ended.
    settings.CHANNEL_WSGI_EMULATION = False

# Whatever a test sends keeps the standard.
lint_everything()

for app in ('django.channels', 'django.channels.delay', 'django.channels.monitoring'):
    if app not in settings.INSTALLED_APPS:
        settings.INSTALLED_APPS.append(app)
