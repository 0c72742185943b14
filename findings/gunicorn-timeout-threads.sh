#!/usr/bin/env bash
# gunicorn 27.0.1: --timeout ends a page that takes too long with the sync worker alone.
# Of --threads 2 the sync worker becomes "gthread", whose processes say that they are
# alive whatever their threads do, as "asgi" ones do: a page that hangs holds its thread,
# and while as many hang as there are threads nobody is answered, and nothing is logged.
#
# Guessed: a page of 6 s with --timeout 2 is ended.
#
# Seen, with --timeout 2:
#   sync                 page of 6 s ended
#   sync --threads 2     answered; while two such pages run, another isn't
#   gthread              answered
#   asgi                 answered
. "$(dirname "$0")/lib.sh"

pypi gunicorn==27.0.1
cd "$folder"
cat >app.py <<'END'
import asyncio
import time


def wsgi(environ, start_response):
    if environ['PATH_INFO'] == '/long':
        time.sleep(6)
    start_response('200 OK', [('Content-Length', '2')])
    return [b'ok']


async def asgi(scope, receive, send):
    if scope['type'] != 'http':
        return
    if scope['path'] == '/long':
        await asyncio.sleep(6)
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'2')]})
    await send({'type': 'http.response.body', 'body': b'ok'})
END
# serve NAME APPLICATION OPTION...: sets at.
serve() {
    at=$(port)
    start "$1.log" "$bin/gunicorn" --no-control-socket --timeout 2 --bind "127.0.0.1:$at" "${@:3}" "app:$2"
    eventually 30 curl --silent --fail --output /dev/null "http://127.0.0.1:$at/"
}
# ask PATH SECONDS ELSE: "answered", or what it is where no answer comes.
ask() {
    [ "$(curl --silent --max-time "$2" "http://127.0.0.1:$at$1")" = ok ] && echo answered || echo "$3"
}
need curl
serve sync wsgi
compare "sync" "ended" "ended" "$(ask /long 20 ended)"
serve threads wsgi --threads 2
compare "sync --threads 2" "ended" "answered" "$(ask /long 20 ended)"
ask /long 20 ended >first & ask /long 20 ended >second &
sleep 1
compare "sync --threads 2, another page meanwhile" "answered" "waits" "$(ask / 3 waits)"
serve gthread wsgi --worker-class gthread --threads 2
compare "gthread" "ended" "answered" "$(ask /long 20 ended)"
serve asgi asgi --worker-class asgi
compare "asgi" "ended" "answered" "$(ask /long 20 ended)"
grep -h -e TIMEOUT threads.log gthread.log asgi.log && changed=1
verdict
