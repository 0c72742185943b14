#!/usr/bin/env bash
# Django 5.2.19: cache.incr() gives a key a new lifetime, the backend's default of five
# minutes, in the database's and the file's cache; LocMemCache and RedisCache keep the one
# it has. A limit of "ten a minute" that is counted so (add(key, 0, 60), then incr(key))
# never ends there for a client that goes on, and a key that shouldn't expire does.
#
# Guessed: the lifetime stays, as in Redis and memcached.
#
# Seen (set for 2 s, incr() at once, looked at after 3 s):
#   DatabaseCache, FileBasedCache    2
#   LocMemCache, RedisCache          None
. "$(dirname "$0")/lib.sh"

debian_redis
pypi Django==5.2.19 redis==7.1.0
cd "$folder"
cat >count.py <<'END'
import sys
import time

import django
from django.conf import settings

PLACES = {'db.DatabaseCache': 'counters', 'filebased.FileBasedCache': 'cache', 'locmem.LocMemCache': '',
          'redis.RedisCache': 'redis://127.0.0.1:' + sys.argv[1]}
CACHES = {backend: {'BACKEND': 'django.core.cache.backends.' + backend, 'LOCATION': place}
          for backend, place in PLACES.items()}
settings.configure(
    CACHES=dict(CACHES, default=CACHES['locmem.LocMemCache']),
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}})
django.setup()

from django.core.cache import caches  # noqa: E402
from django.core.management import call_command  # noqa: E402

call_command('createcachetable')
for backend in PLACES:
    caches[backend].set('requests', 1, 2)
    caches[backend].incr('requests')
time.sleep(3)
for backend in PLACES:
    print(backend.partition('.')[2], caches[backend].get('requests'))
END
"$python" count.py "$redis" >seen
for backend in DatabaseCache FileBasedCache; do
    compare $backend "None" "2" "$(sed -n "s/^$backend //p" seen)"
done
for backend in LocMemCache RedisCache; do
    compare $backend "None" "None" "$(sed -n "s/^$backend //p" seen)"
done
verdict
