"""
Settings of the chat, the same file on Django 1.8 and on Django 6.1.

Four environment variables change it:

CHAT_REDIS_URL      messages go through this Redis, for example
                    redis://127.0.0.1:6379/0, and separate processes handle
                    them. Without it everything runs inside ``runserver``.
CHAT_DATABASE       path of the SQLite file.
CHAT_ALLOWED_HOSTS  more host names to answer to, separated by commas.
CHAT_SECRET_KEY     the secret of a real deployment; it turns DEBUG off.
"""
from __future__ import unicode_literals

import os

import django

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

SECRET_KEY = os.environ.get('CHAT_SECRET_KEY', 'not a secret: everybody can read this file')
DEBUG = 'CHAT_SECRET_KEY' not in os.environ

ALLOWED_HOSTS = ['localhost', '127.0.0.1', '[::1]']
ALLOWED_HOSTS += [host for host in os.environ.get('CHAT_ALLOWED_HOSTS', '').split(',') if host]

INSTALLED_APPS = [
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.messages',
    'django.contrib.staticfiles',
    # 'channels' does the same, wherever the app of that name is installed. A
    # Django with the patch set has this one by itself.
    'django.channels',
    'rooms',
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

ROOT_URLCONF = 'chat.urls'

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
        'NAME': os.environ.get('CHAT_DATABASE', os.path.join(BASE_DIR, 'chat.sqlite3')),
        # Seconds: several workers write into one file.
        'OPTIONS': {'timeout': 20},
    },
}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'

AUTH_PASSWORD_VALIDATORS = [
    {'NAME': 'django.contrib.auth.password_validation.MinimumLengthValidator'},
    {'NAME': 'django.contrib.auth.password_validation.CommonPasswordValidator'},
]
LOGIN_URL = 'login'
LOGIN_REDIRECT_URL = 'rooms'

USE_TZ = True
TIME_ZONE = 'UTC'
STATIC_URL = '/static/'

# Where messages between the interface server and the consumers travel. This
# is all it takes to turn a Django project into one that speaks WebSocket.
CHANNEL_LAYERS = {
    'default': {
        'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer',
        'ROUTING': 'chat.routing.channel_routing',
    },
}
# A user who logs out in one tab is logged out of the chat in all others.
CHANNEL_CLOSE_ON_LOGOUT = True
if os.environ.get('CHAT_REDIS_URL'):
    CHANNEL_LAYERS['default'].update({
        'BACKEND': 'django.channels.layers.redis.RedisChannelLayer',
        'CONFIG': {'hosts': [os.environ['CHAT_REDIS_URL']], 'prefix': 'chat:'},
    })
