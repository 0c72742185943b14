#!/usr/bin/env bash
# In Channels 4.3.2 the synchronous WebsocketConsumers of all sockets of a process share one
# thread: four sockets whose receive() takes a second each are answered after 1, 2, 3
# and 4 seconds, so one slow query stops every other socket. The sync views of Django
# 5.2 under ASGI get a thread for each request, on the same server.
#
# Guessed: a pool of threads, as for any sync_to_async of that many callers.
#
# Seen (four at once, one second each):
#   sockets: 4 seconds
#   views: 1 seconds
. "$(dirname "$0")/lib.sh"

pypi channels==4.3.2 django==5.2.19 asgiref==3.13.0
cat >"$folder/sockets.py" <<'EOF'
import asyncio
import sys
import time

import django
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], DATABASES={}, SECRET_KEY='x' * 50)
django.setup()

from channels.generic.websocket import WebsocketConsumer  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402


class Consumer(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        time.sleep(1)
        self.send('answer')


def view(request):
    time.sleep(1)
    return HttpResponse('answer')


urlpatterns = [path('', view)]


async def socket(number):
    client = ApplicationCommunicator(Consumer.as_asgi(), {'type': 'websocket', 'path': '/'})
    await client.send_input({'type': 'websocket.connect'})
    await client.receive_output(10)
    await client.send_input({'type': 'websocket.receive', 'text': 'question'})
    await client.receive_output(10)
    client.stop(exceptions=False)


async def page(number):
    scope = {'type': 'http', 'method': 'GET', 'path': '/', 'query_string': b'', 'headers': [(b'host', b'a')]}
    client = ApplicationCommunicator(get_asgi_application(), scope)
    await client.send_input({'type': 'http.request', 'body': b''})
    await client.receive_output(10)
    await client.receive_output(10)


async def main(kind):
    start = time.monotonic()
    await asyncio.gather(*map(kind, range(4)))
    print('%d seconds' % round(time.monotonic() - start))


asyncio.run(main({'sockets': socket, 'views': page}[sys.argv[1]]))
EOF
compare "four sockets" "1 seconds" "4 seconds" "$("$python" "$folder/sockets.py" sockets)"
compare "four views" "1 seconds" "1 seconds" "$("$python" "$folder/sockets.py" views)"
verdict
