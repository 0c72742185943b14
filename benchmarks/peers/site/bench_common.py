"""Settings that all peers' sites share, for Django 1.11 and 5.2: as little as there can be."""
import os

SECRET_KEY = 'for benchmarks'
DEBUG = False
ALLOWED_HOSTS = ['*']
ROOT_URLCONF = 'bench_urls'
MIDDLEWARE = []
DATABASES = {}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
USE_TZ = True
# For the whole body of a POST of a megabyte.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

REDIS = os.environ.get('BENCH_REDIS')
