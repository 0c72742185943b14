#!/usr/bin/env bash
# Django 5.2.19 under ASGI: what a FileResponse sends is read into memory before the first
# byte of it leaves, since its iterator isn't async: a download of 200 MB takes 200 MB of
# the process. So do static files that WhiteNoise 6.12.0 serves there. Under WSGI both go
# out in pieces.
#
# Guessed: a few pieces are in memory at a time, as under WSGI.
#
# Seen, what the process has grown by for one download of 200 MB:
#                  FileResponse    WhiteNoise
#   uvicorn        above 150 MB    above 150 MB
#   gunicorn       below 20 MB     below 20 MB
. "$(dirname "$0")/lib.sh"

need curl
pypi Django==5.2.19 whitenoise==6.12.0 uvicorn==0.54.0 gunicorn==27.0.1
cd "$folder"
mkdir static
truncate --size 200M static/large.bin
cat >site_of_files.py <<'END'
import os

import django
from django.conf import settings
from django.http import FileResponse, HttpResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'], SECRET_KEY='secret', STATIC_URL='/static/',
    STATIC_ROOT=os.path.abspath('static'), MIDDLEWARE=['whitenoise.middleware.WhiteNoiseMiddleware'],
)
django.setup()
urlpatterns = [
    path('', lambda request: HttpResponse(str(os.getpid()))),
    path('file', lambda request: FileResponse(open('static/large.bin', 'rb'))),
]
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

asgi, wsgi = get_asgi_application(), get_wsgi_application()
END
# kilobytes NAME: that figure of the process.
kilobytes() {
    sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$process/status"
}
# serve SERVER ADDRESS OPTION...: the port follows ADDRESS. Sets at and process.
serve() {
    at=$(port)
    start "$1.log" "$bin/$1" "${@:3}" "$2$at" "site_of_files:$application"
    eventually 30 curl --silent --fail --output process "http://127.0.0.1:$at/"
    process=$(cat process)
}
# grown PATH SERVER...: by how much one download makes it grow at most.
grown() {
    local before grown
    serve "${@:2}"
    # The peak begins anew with what it has now.
    echo 5 >"/proc/$process/clear_refs"
    before=$(kilobytes VmHWM)
    [ "$(curl --silent --output /dev/null --write-out '%{size_download}' "http://127.0.0.1:$at$1")" = 209715200 ]
    grown=$(($(kilobytes VmHWM) - before))
    if [ "$grown" -gt 150000 ]; then
        echo "above 150 MB"
    elif [ "$grown" -lt 20000 ]; then
        echo "below 20 MB"
    else
        echo "$grown kB"
    fi
}
application=asgi
for path in /file /static/large.bin; do
    compare "uvicorn, $path" "below 20 MB" "above 150 MB" "$(grown $path uvicorn --port=)"
done
application=wsgi
for path in /file /static/large.bin; do
    compare "gunicorn, $path" "below 20 MB" "below 20 MB" \
        "$(grown $path gunicorn --bind=127.0.0.1: --no-control-socket)"
done
verdict
