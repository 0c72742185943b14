#!/usr/bin/env bash
# cache.clear() of Django 5.2.19's Redis cache deletes the whole database of Redis: keys of
# other caches with another KEY_PREFIX, sessions, Celery's queues, locks. So does that of
# django-redis 7.0.0.
#
# Guessed: all keys with the prefix of this cache.
#
# Seen, with a key of somebody else in the same database:
#   django: gone
#   django-redis: gone
. "$(dirname "$0")/lib.sh"

debian_redis
pypi Django==5.2.19 django-redis==7.0.0 redis==7.4.1
cd "$folder"
cat >clear.py <<'END'
import sys

import redis
from django.conf import settings

address = 'redis://127.0.0.1:%s/0' % sys.argv[1]
settings.configure(CACHES={'default': {'BACKEND': sys.argv[2], 'LOCATION': address, 'KEY_PREFIX': 'mine'}})

from django.core.cache import cache  # noqa: E402

others = redis.Redis.from_url(address)
others.rpush('queue of somebody else', 'job')
cache.set('page', 'text')
cache.clear()
print('kept' if others.exists('queue of somebody else') else 'gone')
END
compare django kept gone "$("$python" clear.py "$redis" django.core.cache.backends.redis.RedisCache)"
compare django-redis kept gone "$("$python" clear.py "$redis" django_redis.cache.RedisCache)"
verdict
