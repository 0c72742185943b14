#!/usr/bin/env bash
# django-eventstream 5.3.4 without a storage, which is how one begins: a reader gets ten of
# twenty events that a view sends one after the other, as a loop over changed rows does;
# nothing is raised or logged, and the eleventh never comes. An event's skip_user_ids, which
# should spare its author the echo, does nothing unless the proxy Pushpin is in front. With a
# storage (Redis here) all twenty arrive.
#
# Guessed: twenty each time, for a reader that is connected and waits; and no echo.
#
# Seen of twenty events: 10, with the storage 20. One with the reader in skip_user_ids: 1.
. "$(dirname "$0")/lib.sh"

debian_redis
pypi django-eventstream==5.3.4 Django==5.2.19 djangorestframework==3.18.3 uvicorn==0.54.0 redis==7.4.1
cd "$folder"
cat >site_of_events.py <<'END'
import os
import types

from django.conf import settings

if os.environ['STORAGE']:
    settings.configure(EVENTSTREAM_STORAGE_CLASS='django_eventstream.storage.RedisStorage',
                       EVENTSTREAM_STORAGE_CONNECTION={'host': '127.0.0.1', 'port': int(os.environ['STORAGE'])})
else:
    settings.configure()
settings.SECRET_KEY, settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = 'secret', __name__, ['*']
settings.INSTALLED_APPS = ['django_eventstream']
settings.MIDDLEWARE = [__name__ + '.everybody_is_seven']

import django_eventstream  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


def everybody_is_seven(get_response):
    def middleware(request):
        request.user = types.SimpleNamespace(is_authenticated=True, id=7, pk=7)
        return get_response(request)
    return middleware


async def send(request, event, times):
    skipped = ['7'] if event == 'skipped' else None
    for number in range(times):
        django_eventstream.send_event('news', event, number, skip_user_ids=skipped)
    return HttpResponse()


urlpatterns = [
    path('send/<event>/<int:times>', send),
    path('events', include(django_eventstream.urls), {'channels': ['news']}),
]
application = get_asgi_application()
END
cat >read.py <<'END'
import collections
import sys
import threading
import urllib.request

site = 'http://127.0.0.1:' + sys.argv[1]
# Sets, as with a storage an event can come again.
seen = collections.defaultdict(set)
connected, ended = threading.Event(), threading.Event()


def read():
    for line in urllib.request.urlopen(site + '/events', timeout=30):
        if line.startswith(b'event: '):
            event = line.split()[1].decode()
        elif line.startswith(b'data: '):
            seen[event].add(line)
            if event == 'first':
                connected.set()
            if event == 'last':
                ended.set()
                return


threading.Thread(target=read, daemon=True).start()
for _ in range(100):
    urllib.request.urlopen(site + '/send/first/1').read()
    if connected.wait(0.2):
        break
urllib.request.urlopen(site + '/send/%s/%s' % tuple(sys.argv[2:])).read()
while not ended.wait(0.2):
    urllib.request.urlopen(site + '/send/last/1').read()
print(len(seen[sys.argv[2]]))
END
arrived() {
    "$python" read.py "$server" "$@" 2>&1
}
STORAGE= APPLICATION=site_of_events:application serve uvicorn
compare "of twenty events in a row" 20 10 "$(arrived burst 20)"
compare "one with skip_user_ids" 0 1 "$(arrived skipped 1)"
STORAGE=$redis APPLICATION=site_of_events:application serve uvicorn
compare "of twenty, with a storage" 20 20 "$(arrived burst 20)"
verdict
