"""
Settings of the reports, the same file on Django 1.8 and on Django 6.1.

Three environment variables change it:

REPORTS_REDIS_URL  jobs and messages go through this Redis, for example
                   redis://127.0.0.1:6379/0, and workers of their own handle
                   them. Without it everything runs inside ``runserver``.
REPORTS_DATABASE   path of the SQLite file.
REPORTS_PAUSE      seconds that one month of a report takes.
"""
from __future__ import unicode_literals

import os

import django

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

SECRET_KEY = 'not a secret: everybody can read this file'
DEBUG = True
ALLOWED_HOSTS = ['localhost', '127.0.0.1', '[::1]']

INSTALLED_APPS = [
    'django.contrib.staticfiles',
    # 'channels' does the same, wherever the app of that name is installed.
    'django.channels',
    'sales',
]

MIDDLEWARE = [
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.middleware.clickjacking.XFrameOptionsMiddleware',
]
if django.VERSION < (1, 10):
    # Django 1.8 and 1.9 know the setting by its older name only; later ones
    # warn when they see both.
    MIDDLEWARE_CLASSES = MIDDLEWARE

ROOT_URLCONF = 'reports.urls'

TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'APP_DIRS': True,
}]

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': os.environ.get('REPORTS_DATABASE', os.path.join(BASE_DIR, 'reports.sqlite3')),
        # Seconds: several workers write into one file.
        'OPTIONS': {'timeout': 20},
    },
}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'

USE_TZ = True
TIME_ZONE = 'UTC'
STATIC_URL = '/static/'

REPORTS_PAUSE = float(os.environ.get('REPORTS_PAUSE', '1'))
#: Whether jobs are in Redis, and so outlive the process that does them.
REPORTS_OUTLIVE_WORKERS = bool(os.environ.get('REPORTS_REDIS_URL'))

CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
        'ROUTING': 'reports.routing.channel_routing',
    },
}
if REPORTS_OUTLIVE_WORKERS:
    CHANNEL_LAYERS['default'].update({
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': {'hosts': [os.environ['REPORTS_REDIS_URL']], 'prefix': 'reports:'},
    })
