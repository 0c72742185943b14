"""For stubtest, which compares the stubs with the modules that it imports."""
SECRET_KEY = 'types'
INSTALLED_APPS = [
    'channels', 'channels.delay', 'django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions',
]
CHANNEL_LAYERS = {'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', 'ROUTING': []}}
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
