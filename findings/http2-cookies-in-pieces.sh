#!/usr/bin/env bash
# Browsers send each cookie of an HTTP/2 request as a header of its own (RFC 9113, 8.2.3).
# granian 2.8.9 hands them to the application so, and Django 5.2.19 joins equal headers by
# commas: it sees one cookie, the first, whose value has all the others; the visitor is
# logged out, and forms fail for want of a CSRF cookie. Hypercorn 0.18.0 and daphne 4.2.3
# join them by "; ", and Django 6.1.3 does. curl, httpx and tests send one header, and see
# nothing of it.
#
# Guessed: the server or Django joins them: ASGI says that servers should.
#
# Seen in Chromium 156 with three cookies (those that Django has):
#   granian, Django 5.2.19       first
#   granian, Django 6.1.3        first sessionid third
#   Hypercorn, Django 5.2.19     first sessionid third
. "$(dirname "$0")/lib.sh"

need chromium openssl
case $(chromium --version) in "Chromium 156."*) ;; *) missing "Chromium 156" ;; esac
python3 -c 'import sys; sys.exit(sys.version_info < (3, 12))' && newest=6.1.3 || newest=
cd "$folder"
cat >site_app.py <<'END'
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path

NAMES = ['first', 'sessionid', 'third']


def page(request):
    if request.path == '/':
        response = HttpResponse('<script>location = "/second"</script>')
        for name in NAMES:
            response.set_cookie(name, 'value')
        return response
    return HttpResponse('<p id=seen>%s</p>' % ' '.join(sorted(request.COOKIES)))


urlpatterns = [path('', page), path('second', page)]
settings.configure(SECRET_KEY='for this run', ROOT_URLCONF='site_app', ALLOWED_HOSTS=['*'])
application = get_asgi_application()
END
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2 -subj /CN=localhost 2>openssl.log
openssl pkcs8 -topk8 -nocrypt -in key.pem -out key8.pem
export PYTHONPATH=$folder
# cookies COMMAND...: the port follows its last argument
cookies() {
    local number
    number=$(port)
    start server.log "$bin/$1" "${@:2:$#-2}" "${@: -1}$number"
    reachable "$number"
    timeout 60 chromium --headless --no-sandbox --disable-gpu --ignore-certificate-errors \
        --user-data-dir="$folder/profile-$number" --virtual-time-budget=5000 --dump-dom "https://127.0.0.1:$number/" \
        2>/dev/null | sed -n 's/.*<p id="seen">\([^<]*\)<.*/\1/p'
    kill -KILL -- "-$pid"
}
by_granian=(granian --interface asgi site_app:application
    --ssl-certificate certificate.pem --ssl-keyfile key8.pem --port=)
pypi Django==5.2.19 granian==2.8.9 hypercorn==0.18.0
compare "granian, Django 5.2.19" "first sessionid third" "first" "$(cookies "${by_granian[@]}")"
compare "Hypercorn, Django 5.2.19" "first sessionid third" "first sessionid third" \
    "$(cookies hypercorn site_app:application --certfile certificate.pem --keyfile key.pem --bind 127.0.0.1:)"
[ -n "$newest" ] || verdict
pypi Django==$newest
compare "granian, Django 6.1.3" "first sessionid third" "first sessionid third" "$(cookies "${by_granian[@]}")"
verdict
