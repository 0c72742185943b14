"""Settings for both sides."""
SECRET_KEY = 'the same on both sides'
PASSWORD_HASHERS = ['django.contrib.auth.hashers.MD5PasswordHasher']
ALLOWED_HOSTS = ['testserver', 'example.com']
DEBUG = False
USE_TZ = True
ROOT_URLCONF = 'scenarios.urls'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
MIDDLEWARE_CLASSES = MIDDLEWARE = []
# On Django 1.8 and 1.9 the hash in a session is looked at with this alone.
MIDDLEWARE_CLASSES = ['django.contrib.auth.middleware.SessionAuthenticationMiddleware']
INSTALLED_APPS = [
    'django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions', 'django.contrib.staticfiles',
    'channels', 'channels.delay', 'scenarios.family_app',
]
STATIC_URL = '/static/'
try:
    import channels.layers  # NOQA
    MEMORY = 'django.channels.layers.memory.InMemoryChannelLayer'
    REDIS = 'django.channels.layers.redis.RedisChannelLayer'
except ImportError:
    MEMORY = 'asgiref.inmemory.ChannelLayer'
    REDIS = 'asgi_redis.RedisChannelLayer'
CHANNEL_LAYERS = {
    'default': {'BACKEND': MEMORY, 'ROUTING': 'scenarios.urls.channel_routing', 'TEST_CONFIG': {'expiry': 5}},
    'second': {'BACKEND': MEMORY, 'ROUTING': []},
    'nothing': {},
    'unrouted': {'BACKEND': MEMORY},
    'missing': {'BACKEND': 'no.such.Layer', 'ROUTING': []},
}
