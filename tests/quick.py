"""
Run some tests of the package from the checkout, on this Python's Django.

    python tests/quick.py test_routing
    python tests/quick.py test_routing.RoutingTests

No wheel is built and no environment made: any Python will do that has Django
and six, such as those of .runtests/envs/. A module takes a few seconds. What
counts is runtests.py, which runs the same tests inside Django's own harness.
"""
from __future__ import absolute_import

import os
import shutil
import sys
import tempfile

TESTS = os.path.dirname(os.path.abspath(__file__))
BACKPORT = os.path.join(os.path.dirname(TESTS), 'backport')

CONTRIB = ('contenttypes', 'auth', 'sites', 'sessions', 'messages', 'admin.apps.SimpleAdminConfig', 'staticfiles')
PROCESSORS = [
    'django.template.context_processors.request', 'django.contrib.auth.context_processors.auth',
    'django.contrib.messages.context_processors.messages',
]
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware', 'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware', 'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
]

#: This file is the ROOT_URLCONF as well.
urlpatterns = []


def use_checkout():
    """Have django.channels found in the checkout, also where a wheel of it is installed."""
    # The wheel's finders are there since Python's start, and would come first.
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not type(finder).__module__.startswith('channels_backport')
    ]
    for name in [name for name in sys.modules if name.partition('.')[0] == 'channels_backport']:
        del sys.modules[name]
    sys.path[:0] = [BACKPORT, TESTS]
    import channels_backport
    channels_backport.install()


def main(labels):
    """Run the tests that the labels name below channels_tests; return the exit status."""
    os.environ.setdefault('CHANNELS_VECTORS', os.path.join(os.path.dirname(TESTS), 'docs', 'standards', 'vectors'))
    use_checkout()
    from django.conf import settings
    settings.configure(
        ALLOWED_HOSTS=['*'], SECRET_KEY='quick', ROOT_URLCONF='quick', STATIC_URL='/static/', USE_TZ=False,
        DATABASES={alias: {'ENGINE': 'django.db.backends.sqlite3'} for alias in ('default', 'other')},
        # As Django's own tests/runtests.py has them.
        SITE_ID=1, MIDDLEWARE=MIDDLEWARE, MIDDLEWARE_CLASSES=MIDDLEWARE,
        TEMPLATES=[{
            'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True,
            'OPTIONS': {'context_processors': PROCESSORS},
        }],
        INSTALLED_APPS=['django.contrib.' + name for name in CONTRIB] + ['channels_tests'],
    )
    # It adds the apps of the package, as it does in Django's harness.
    import channels_tests  # NOQA
    import django
    django.setup()
    from django.test.runner import DiscoverRunner

    # Files of sessions that another Django has left can't be read by each.
    tempfile.tempdir = tempfile.mkdtemp()
    try:
        return bool(DiscoverRunner().run_tests(['channels_tests.' + label for label in labels]))
    finally:
        shutil.rmtree(tempfile.tempdir)


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    sys.exit(main(sys.argv[1:]))
