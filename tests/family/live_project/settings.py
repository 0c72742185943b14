"""
Settings of the project.

LIVE_REDIS is the URL of a Redis, LIVE_DATABASE the file of the test database.
"""
import os

SECRET_KEY = 'of a test'
ALLOWED_HOSTS = ['localhost']
PASSWORD_HASHERS = ['django.contrib.auth.hashers.MD5PasswordHasher']
DATABASES = {'default': {
    'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'unused', 'TEST': {'NAME': os.environ['LIVE_DATABASE']},
    'OPTIONS': {'timeout': 20},
}}
MIDDLEWARE_CLASSES = MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware', 'django.contrib.auth.middleware.AuthenticationMiddleware']
INSTALLED_APPS = [
    'django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions', 'django.contrib.staticfiles',
    'channels', 'live_project',
]
STATIC_URL = '/static/'
ROOT_URLCONF = 'live_project.urls'
SITE_NAME = 'of the settings'
try:
    import channels.layers  # NOQA
    BACKEND = 'django.channels.layers.redis.RedisChannelLayer'
except ImportError:
    BACKEND = 'asgi_redis.RedisChannelLayer'
CHANNEL_LAYERS = {'default': {
    'BACKEND': BACKEND, 'ROUTING': 'live_project.urls.channel_routing',
    'CONFIG': {'hosts': [os.environ['LIVE_REDIS']]}, 'TEST_CONFIG': {'hosts': [os.environ['LIVE_REDIS']]},
}}
