#!/usr/bin/env bash
# Django 5.2.19's own RedisCache drops the fraction of a timeout. Of one below a second
# nothing is left: what is set is gone, and add(key, value, 0.5) returns True to everybody
# who asks, so that a lock made of it holds nobody back. In memory, in files and
# with django-redis 7.0.0 it lasts half a second.
#
# Guessed: a fraction of a second counts, as in Django's other caches.
#
# Seen, three add() of one key with timeout=0.5, and get() half a second before 1.9 are over:
#   memory, files, django-redis: True False False, there
#   RedisCache: True True True, gone
. "$(dirname "$0")/lib.sh"

debian_redis
pypi django-redis==7.0.0 Django==5.2.19 redis==7.4.1
cd "$folder"
cat >ask.py <<'END'
import sys
import time

from django.conf import settings

BACKENDS = {
    'memory': ('django.core.cache.backends.locmem.LocMemCache', 'finding'),
    'files': ('django.core.cache.backends.filebased.FileBasedCache', 'cache'),
    'django-redis': ('django_redis.cache.RedisCache', 'redis://127.0.0.1:%s/1' % sys.argv[1]),
    'RedisCache': ('django.core.cache.backends.redis.RedisCache', 'redis://127.0.0.1:%s/2' % sys.argv[1]),
}
backend, location = BACKENDS[sys.argv[2]]
settings.configure(CACHES={'default': {'BACKEND': backend, 'LOCATION': location}})

from django.core.cache import cache  # noqa: E402

cache.get('connects')
added = [str(cache.add('lock', 1, timeout=0.5)) for _ in range(3)]
cache.set('long', 1, timeout=1.9)
time.sleep(1.4)
print(' '.join(added), 'there' if cache.get('long') else 'gone')
END
for name in memory files django-redis; do
    compare "$name" "True False False there" "True False False there" "$("$python" ask.py "$redis" "$name" 2>&1)"
done
compare "RedisCache" "True False False there" "True True True gone" "$("$python" ask.py "$redis" RedisCache 2>&1)"
verdict
