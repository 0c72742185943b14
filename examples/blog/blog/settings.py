"""
Settings of the live blog, the same file on Django 1.8 and on Django 6.1.

Two environment variables change it:

BLOG_REDIS_URL  messages go through this Redis, for example
                redis://127.0.0.1:6379/0, and workers of their own handle
                them. Without it everything runs inside ``runserver``.
BLOG_DATABASE   path of the SQLite file.
"""
from __future__ import unicode_literals

import os

import django

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

SECRET_KEY = 'not a secret: everybody can read this file'
DEBUG = True
ALLOWED_HOSTS = ['localhost', '127.0.0.1', '[::1]']

INSTALLED_APPS = [
    'django.contrib.admin',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.messages',
    'django.contrib.staticfiles',
    # 'channels' does the same, wherever the app of that name is installed.
    'django.channels',
    'entries',
]

MIDDLEWARE = [
    'django.middleware.security.SecurityMiddleware',
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
    'django.middleware.clickjacking.XFrameOptionsMiddleware',
]
if django.VERSION < (1, 10):
    # Django 1.8 and 1.9 know the setting by its older name only; later ones
    # warn when they see both.
    MIDDLEWARE_CLASSES = MIDDLEWARE

ROOT_URLCONF = 'blog.urls'

TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'APP_DIRS': True,
    'OPTIONS': {
        'context_processors': [
            'django.template.context_processors.request',
            'django.contrib.auth.context_processors.auth',
            'django.contrib.messages.context_processors.messages',
        ],
    },
}]

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': os.environ.get('BLOG_DATABASE', os.path.join(BASE_DIR, 'blog.sqlite3')),
        # Seconds: several workers write into one file.
        'OPTIONS': {'timeout': 20},
    },
}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'

USE_TZ = True
TIME_ZONE = 'UTC'
STATIC_URL = '/static/'

CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
        'ROUTING': 'blog.routing.channel_routing',
    },
}
if os.environ.get('BLOG_REDIS_URL'):
    CHANNEL_LAYERS['default'].update({
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': {'hosts': [os.environ['BLOG_REDIS_URL']], 'prefix': 'blog:'},
    })
