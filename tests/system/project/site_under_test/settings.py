"""
Settings of the project under test, for Django 1.8 ... 6.1.

The tests choose by environment variables:

SUT_APP       name of our app: 'channels', 'django.channels' in a patched
              Django, '' in a project that never heard of it.
SUT_LAYERS    'memory', 'redis', 'empty' (CHANNEL_LAYERS = {}), 'unset',
              'no-routing' (a layer whose ROUTING was forgotten) or
              'no-default' (a layer of another alias).
SUT_REDIS     URL of the Redis, for 'redis'; several with commas between.
SUT_GROUP_EXPIRY  seconds that a group keeps a member, there (86400)
SUT_KEY       another SECRET_KEY, that of another project.
SUT_SECRETS   secrets of its encryption, with commas between.
SUT_ROUTING   another module of routing than 'routing'.
SUT_LINT      'no': messages are not checked, which costs time.
SUT_DATABASE  path of the SQLite file.
SUT_DELAY     anything: with the app of the delay server.
SUT_TICKS     path of the file in which the ticks of a schedule are noted.
SUT_JOB_SECONDS  how long a job of SUT_ROUTING=jobs takes.
SUT_ADMIN     anything: with Django's admin, and the pages about channels there.
SUT_DEBUG     'no': without the pages that DEBUG makes of errors; what is
              logged still goes to standard error.
"""
from __future__ import unicode_literals

import os

import django

SECRET_KEY = os.environ.get('SUT_KEY', 'for tests')
DEBUG = os.environ.get('SUT_DEBUG') != 'no'
if not DEBUG:
    LOGGING = {
        'version': 1,
        'disable_existing_loggers': False,
        'handlers': {'console': {'class': 'logging.StreamHandler'}},
        'loggers': {'django.request': {'handlers': ['console']}},
    }
ALLOWED_HOSTS = ['127.0.0.1', 'localhost']

INSTALLED_APPS = [
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.staticfiles',
    'site_under_test',
]
if os.environ.get('SUT_APP', 'channels'):
    INSTALLED_APPS += [os.environ.get('SUT_APP', 'channels')]
if os.environ.get('SUT_DELAY'):
    INSTALLED_APPS += ['django.channels.delay']

PROCESSORS = []
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
]
if os.environ.get('SUT_ADMIN'):
    INSTALLED_APPS += [
        'django.contrib.admin', 'django.contrib.messages', os.environ.get('SUT_APP', 'channels') + '.monitoring',
    ]
    MIDDLEWARE += ['django.middleware.csrf.CsrfViewMiddleware', 'django.contrib.messages.middleware.MessageMiddleware']
    PROCESSORS = [
        'django.template.context_processors.request', 'django.contrib.auth.context_processors.auth',
        'django.contrib.messages.context_processors.messages',
    ]
if django.VERSION < (1, 10):
    MIDDLEWARE_CLASSES = MIDDLEWARE

ROOT_URLCONF = 'site_under_test.urls'
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True,
    'OPTIONS': {'context_processors': PROCESSORS},
}]
DATABASES = {'default': {
    'ENGINE': 'django.db.backends.sqlite3',
    'NAME': os.environ.get('SUT_DATABASE', ':memory:'),
}}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
USE_TZ = True
STATIC_URL = '/static/'

if os.environ.get('SUT_TICKS'):
    CHANNEL_SCHEDULES = {'tick': {'channel': 'ticks', 'every': 0.5}}
ROUTING = 'site_under_test.%s.channel_routing' % os.environ.get('SUT_ROUTING', 'routing')
LAYERS = os.environ.get('SUT_LAYERS', 'memory')
if LAYERS == 'memory':
    CHANNEL_LAYERS = {'default': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
        'ROUTING': ROUTING,
    }}
elif LAYERS == 'redis':
    CHANNEL_LAYERS = {'default': {
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': {
            'hosts': os.environ['SUT_REDIS'].split(','),
            'group_expiry': int(os.environ.get('SUT_GROUP_EXPIRY', 86400)),
            'prefix': 'system-tests:',
            'symmetric_encryption_keys': list(filter(None, os.environ.get('SUT_SECRETS', '').split(','))),
        },
        'ROUTING': ROUTING,
    }}
elif LAYERS == 'no-routing':
    CHANNEL_LAYERS = {'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer'}}
elif LAYERS == 'no-default':
    CHANNEL_LAYERS = {'other': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
        'ROUTING': ROUTING,
    }}
elif LAYERS == 'empty':
    CHANNEL_LAYERS = {}
elif LAYERS != 'unset':
    raise ValueError('SUT_LAYERS=%s is none of those in the docstring.' % LAYERS)

if os.environ.get('SUT_ROUTING') == 'interop':
    # The handshakes of the test vectors come from any site.
    CHANNEL_ALLOWED_ORIGINS = ['*']
