#!/usr/bin/env bash
# Two proxies, of which the second adds to X-Forwarded-Proto ("https, https", as Apache's
# `RequestHeader append` and those that join lines make it): uvicorn 0.54.0 and gunicorn
# 27.0.1 (WSGI and "asgi") drop it, and take each page for http; daphne 4.2.3 makes "https,
# https" the scheme. So Django 5.2.19 redirects to https for ever (SECURE_SSL_REDIRECT),
# refuses log-ins ("Origin checking failed"), and builds http addresses. Two headers, which
# HAProxy's `add-header` makes, are fine. Hypercorn 0.18.0's ProxyFixMiddleware reads both,
# and so does Django's SECURE_PROXY_SSL_HEADER.
#
# Guessed: https; a list of two is what X-Forwarded-For is, too.
#
# Seen, request.scheme and is_secure(), of "https", "https, https" and two headers:
#   uvicorn, gunicorn (both)   https True, http False, https True
#   daphne                     https True, "https, https" False, https True
#   Hypercorn                  https True, https True, https True
#   uvicorn, with SECURE_PROXY_SSL_HEADER: https True, https True, https True
. "$(dirname "$0")/lib.sh"

need curl
pypi uvicorn==0.54.0 daphne==4.2.3 gunicorn==27.0.1 hypercorn==0.18.0 Django==5.2.19
cd "$folder"
cat >app.py <<'END'
import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from hypercorn.middleware import ProxyFixMiddleware

settings.configure(
    SECRET_KEY='secret', ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'],
    SECURE_PROXY_SSL_HEADER=('HTTP_X_FORWARDED_PROTO', 'https') if os.environ['SETTING'] else None)


def page(request):
    return HttpResponse('%s %s' % (request.scheme, request.is_secure()))


urlpatterns = [path('', page)]
application = get_asgi_application()
if os.environ['FIX']:
    application = ProxyFixMiddleware(application, mode='legacy', trusted_hops=1)
wsgi = get_wsgi_application()
END
export SETTING='' FIX=''
ask() {
    curl --silent -H 'X-Forwarded-For: 192.0.2.7' "$@" "http://127.0.0.1:$server/"
}
# asked NAME SERVER OPTION...: in the background; NAME.seen says it.
asked() {
    local https='X-Forwarded-Proto: https'
    {
        serve "${@:2}"
        echo "$(ask -H "$https"), $(ask -H "$https, https"), $(ask -H "$https" -H "$https")"
    } >"$1.seen" &
}
asked uvicorn uvicorn --lifespan off
asked gunicorn-asgi gunicorn
APPLICATION=app:wsgi asked gunicorn-wsgi gunicorn -k sync
asked daphne daphne --proxy-headers
FIX=yes asked hypercorn hypercorn
SETTING=yes asked setting uvicorn --lifespan off
wait
guessed="https True, https True, https True"
dropped="https True, http False, https True"
compare uvicorn "$guessed" "$dropped" "$(cat uvicorn.seen)"
compare "gunicorn, asgi" "$guessed" "$dropped" "$(cat gunicorn-asgi.seen)"
compare "gunicorn, WSGI" "$guessed" "$dropped" "$(cat gunicorn-wsgi.seen)"
compare daphne "$guessed" "https True, https, https False, https True" "$(cat daphne.seen)"
compare "Hypercorn, ProxyFixMiddleware" "$guessed" "$guessed" "$(cat hypercorn.seen)"
compare "uvicorn, SECURE_PROXY_SSL_HEADER" "$guessed" "$guessed" "$(cat setting.seen)"
verdict
