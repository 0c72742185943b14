#!/usr/bin/env bash
# With Django 5.2.19's GZipMiddleware, of an async StreamingHttpResponse Chromium 156,
# curl --compressed and httpx show the first piece only, and then a clean end: each
# piece is compressed as a gzip file of its own, and they ignore what comes after the
# first. So server-sent events stop after one, and an export is cut off, with status
# 200. The events of a sync iterator all arrive at its end: it is never flushed. Node,
# requests and aiohttp, and curl without --compressed, get the pieces as they come, so
# the fault shows in browsers alone. Django 6.1 has neither (seen with 6.1.3).
#
# Guessed: the pieces arrive one by one; or, compressed, together at the end.
#
# Seen (four events, half a second between them):
#   curl: async 0 1 2 3, sync 0 1 2 3
#   curl --compressed: async 0, sync 0 1 2 3
#   httpx: async 0, sync 0 1 2 3
#   requests: async 0 1 2 3, sync 0 1 2 3
#   chromium, EventSource: async 0, sync 0 1 2 3
#   what has arrived a second after the first event, requests: async 0 1, sync nothing
. "$(dirname "$0")/lib.sh"

need chromium curl
debian curl 7.88.1
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
pypi Django==5.2.19 uvicorn==0.54.0 waitress==3.0.2 httpx==0.28.1 requests==2.34.2 urllib3==2.8.0
cat >"$folder/site.py" <<'EOF'
import asyncio
import time

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=['*'], ROOT_URLCONF=__name__, SECRET_KEY='for this run',
    MIDDLEWARE=['django.middleware.gzip.GZipMiddleware'])
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

PAGE = """<p id=seen>nothing</p><script>
const seen = [], source = new EventSource('/events');
source.onmessage = message => seen.push(message.data);
source.onerror = () => { source.close(); document.getElementById('seen').textContent = seen.join(' '); };
</script>"""


async def events():
    for number in range(4):
        yield 'data: %d\n\n' % number
        await asyncio.sleep(0.5)


def sync_events():
    for number in range(4):
        yield 'data: %d\n\n' % number
        time.sleep(0.5)


def stream(iterator):
    return lambda request: StreamingHttpResponse(iterator(), content_type='text/event-stream')


def served(iterator):
    return [path('', lambda request: HttpResponse(PAGE)), path('events', stream(iterator))]


EOF
cat "$folder/site.py" - >"$folder/by_asgi.py" <<'EOF'
urlpatterns = served(events)
application = get_asgi_application()
EOF
cat "$folder/site.py" - >"$folder/by_wsgi.py" <<'EOF'
urlpatterns = served(sync_events)
application = get_wsgi_application()
EOF
rm "$folder/site.py"
cat >"$folder/client.py" <<'EOF'
import sys
import time

import httpx
import requests

how, url = sys.argv[1:]
if how == 'httpx':
    print(httpx.get(url).text)
elif how == 'requests':
    print(requests.get(url).text)
else:
    # Two events have been sent by then; the third comes a second after the first.
    begun, seen = time.monotonic(), ''
    with requests.get(url, stream=True) as response:
        for piece in response.iter_content(None):
            if time.monotonic() - begun > 0.9:
                break
            seen += piece.decode()
    print(seen or 'nothing')
EOF
cd "$folder"
asgi=$(port)
start asgi.log "$bin/uvicorn" --port "$asgi" by_asgi:application
wsgi=$(port)
start wsgi.log "$bin/waitress-serve" --listen "127.0.0.1:$wsgi" by_wsgi:application
reachable "$asgi"
reachable "$wsgi"
numbers() {
    sed 's/data: //' | xargs
}
in_chromium() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --timeout=9000 --virtual-time-budget=20000 --dump-dom "http://127.0.0.1:$1/" 2>/dev/null |
        sed -n 's/.*<p id="seen">\([^<]*\)<.*/\1/p'
}
both() {
    echo "async $("$@" "http://127.0.0.1:$asgi/events" | numbers), sync $("$@" "http://127.0.0.1:$wsgi/events" | numbers)"
}
all="async 0 1 2 3, sync 0 1 2 3"
first="async 0, sync 0 1 2 3"
compare "curl" "$all" "$all" "$(both curl -s)"
compare "curl --compressed" "$all" "$first" "$(both curl -s --compressed)"
compare "httpx" "$all" "$first" "$(both "$python" client.py httpx)"
compare "requests" "$all" "$all" "$(both "$python" client.py requests)"
compare "chromium, EventSource" "$all" "$first" "async $(in_chromium "$asgi"), sync $(in_chromium "$wsgi")"
compare "a second after the first event, requests" "async 0 1, sync 0 1" "async 0 1, sync nothing" \
    "$(both "$python" client.py early)"
verdict
