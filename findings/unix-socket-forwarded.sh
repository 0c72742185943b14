#!/usr/bin/env bash
# Behind a proxy that reaches it through a Unix socket, uvicorn 0.54.0, as a worker of
# gunicorn, too, drops X-Forwarded-Proto and X-Forwarded-For, which it believes a proxy on
# 127.0.0.1. So Django takes each page for http and refuses log-ins ("Origin checking
# failed"). --forwarded-allow-ips='*' changes it. gunicorn 27.0.1 with its own workers and
# daphne 4.2.3 believe them on both ways.
#
# Guessed: what comes through a file of this machine is believed as 127.0.0.1 is.
#
# Seen (scheme and client, over TCP; over a Unix socket):
#   uvicorn: https 192.0.2.7; http
#   gunicorn with uvicorn's worker: https 192.0.2.7; http
#   daphne --proxy-headers: https 192.0.2.7; https 192.0.2.7
#   gunicorn: https; https
. "$(dirname "$0")/lib.sh"

need curl
pypi uvicorn==0.54.0 daphne==4.2.3 gunicorn==27.0.1 uvicorn-worker==0.4.0
cd "$folder"
export HOME=$folder
asgi_application <<'END'
client = scope['client'] or ['']
body = (scope['scheme'] + ' ' + client[0]).strip().encode()
await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'%d' % len(body))]})
await send({'type': 'http.response.body', 'body': body})
END
cat >wsgi_app.py <<'END'
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [environ['wsgi.url_scheme'].encode()]
END
ask() {
    curl --silent -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-For: 192.0.2.7' "$@"
}
# both TCP UNIX COMMAND...: the options that have it listen, with PORT for the port.
both() {
    local number seen
    number=$(port)
    # Options are words of their own.
    # shellcheck disable=SC2086
    start tcp.log "${@:3}" ${1//PORT/$number}
    reachable "$number"
    seen=$(ask "http://127.0.0.1:$number/")
    kill -KILL -- "-$pid"
    # shellcheck disable=SC2086
    start unix.log "${@:3}" $2
    eventually 30 ask --unix-socket socket http://localhost/ || cat unix.log >&2
    echo "$seen; $(ask --unix-socket socket http://localhost/)"
    kill -KILL -- "-$pid"
    rm -f socket
}
trusted="https 192.0.2.7; https 192.0.2.7"
dropped="https 192.0.2.7; http"
gunicorn=("-b 127.0.0.1:PORT" "-b unix:socket" "$bin/gunicorn")
compare uvicorn "$trusted" "$dropped" \
    "$(both "--port PORT" "--uds socket" "$bin/uvicorn" app:application)"
compare "gunicorn with uvicorn's worker" "$trusted" "$dropped" \
    "$(both "${gunicorn[@]}" -k uvicorn_worker.UvicornWorker app:application)"
compare daphne "$trusted" "$trusted" \
    "$(both "-b 127.0.0.1 -p PORT" "-u socket" "$bin/daphne" --proxy-headers app:application)"
compare gunicorn "https; https" "https; https" "$(both "${gunicorn[@]}" wsgi_app:application)"
verdict
