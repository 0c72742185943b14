"""Settings of the project; CQ_REDIS is the URL of a Redis for the logs of its tasks."""
import os

SECRET_KEY = 'of a test'
USE_TZ = True
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
INSTALLED_APPS = [
    'django.contrib.auth', 'django.contrib.contenttypes', 'channels', 'rest_framework', 'cq_project', 'cq']
CHANNEL_LAYERS = {'default': {'BACKEND': 'asgiref.inmemory.ChannelLayer', 'ROUTING': 'cq.routing.channel_routing'}}
CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': os.environ['CQ_REDIS']}}
ROOT_URLCONF = 'cq_project.urls'
