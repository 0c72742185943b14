#!/usr/bin/env bash
# django-eventstream 5.3.4 with its DjangoModelStorage: an event that is sent in a transaction
# reaches the readers at once, and its number goes back with the rollback, so the next
# event has the same one. A reader that heard the first, and is away for a moment when the
# second is sent, comes back with that number as Last-Event-ID, and never gets the second,
# which was committed and stored. Without the rollback it gets it.
#
# Guessed: what is sent and stored while a reader is away is what it gets first.
#
# Seen, what the reader gets when it is back, after one event that it missed ("missed") and
# before the next ("later"):
#   missed, later
#   when the event before was rolled back: later
. "$(dirname "$0")/lib.sh"

pypi django-eventstream==5.3.4 Django==5.2.19 djangorestframework==3.18.3 uvicorn==0.54.0
cd "$folder"
cat >site_of_events.py <<'END'
from django.conf import settings

settings.configure(
    SECRET_KEY='secret', ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], INSTALLED_APPS=['django_eventstream'],
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'database', 'OPTIONS': {'timeout': 30}}},
    EVENTSTREAM_STORAGE_CLASS='django_eventstream.storage.DjangoModelStorage',
)

import django_eventstream  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.db import transaction  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


def send(request, channel, event, end):
    with transaction.atomic():
        django_eventstream.send_event(channel, event, '')
        transaction.set_rollback(end == 'rollback')
    return HttpResponse()


urlpatterns = [
    path('send/<channel>/<event>/<end>', send),
    path('events/<channel>', include(django_eventstream.urls)),
]
application = get_asgi_application()
END
cat >read.py <<'END'
import sys
import threading
import urllib.request

port, channel, end = sys.argv[1:]
site = 'http://127.0.0.1:' + port


def send(event, end='commit'):
    urllib.request.urlopen('%s/send/%s/%s/%s' % (site, channel, event, end)).read()


class Reader(threading.Thread):
    # Reads until an event of the name `last`, which it sends until it comes.
    def __init__(self, last, number=''):
        super().__init__(daemon=True)
        self.last, self.heard, self.number, self.came = last, [], number, threading.Event()
        self.request = urllib.request.Request(site + '/events/' + channel, headers={'Last-Event-ID': number})

    def run(self):
        with urllib.request.urlopen(self.request, timeout=30) as lines:
            event = None
            for line in lines:
                name, _, value = line.decode().strip().partition(': ')
                if name == 'event':
                    event = value
                elif name == 'id':
                    self.number = value
                elif not name and event:
                    if event not in ('stream-open', *self.heard):
                        self.heard.append(event)
                    if event in self.last:
                        self.came.set()
                    if event == self.last[-1]:
                        return
                    event = None


first = Reader(['hello', 'before'])
first.start()
while not first.came.wait(0.5):
    send('hello')
send('before', end)
first.join()
send('missed')
second = Reader(['later'], first.number)
second.start()
while not second.came.wait(0.5):
    send('later')
print(', '.join(second.heard))
END
"$python" -c 'import site_of_events; from django.core.management import call_command; call_command("migrate", verbosity=0)'
APPLICATION=site_of_events:application serve uvicorn
back() {
    "$python" read.py "$server" "$@" 2>&1
}
compare "after a commit" "missed, later" "missed, later" "$(back kept commit)"
compare "after a rollback" "missed, later" "later" "$(back lost rollback)"
verdict
