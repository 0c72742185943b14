#!/usr/bin/env bash
# A second server on a Unix socket that a first one serves. gunicorn 27.0.1 takes the path
# without a word, and when the old process ends, that removes the file of the new one:
# it runs, its log is clean, and nginx gets "No such file". So a deployment that starts
# the new before it stops the old ends in 502 for good. uvicorn 0.54.0 and Hypercorn 0.18.0
# take the path over, too, but leave it there. daphne 4.2.3 and granian 2.8.9 refuse.
#
# Guessed: "address already in use", as with a TCP port.
#
# Seen (whose page comes with both running; once the first has ended by SIGTERM):
#   gunicorn               second, none
#   uvicorn, Hypercorn     second, second
#   daphne, granian        first, none (the second didn't start)
. "$(dirname "$0")/lib.sh"

five_servers
page() {
    curl --silent --max-time 5 --unix-socket socket http://localhost/ || echo none
}
# pages COMMAND...
pages() {
    local old both
    rm -f socket
    SITE=first
    start first.log "$bin/$1" "${@:2}"
    old=$pid
    eventually 30 curl --silent --unix-socket socket http://localhost/
    SITE=second
    start second.log "$bin/$1" "${@:2}"
    sleep 4
    both=$(page)
    kill -TERM "$old"
    eventually 20 sh -c "! kill -0 $old"
    sleep 1
    echo "$both, $(page)"
    kill -KILL -- "-$old" "-$pid" 2>/dev/null || true
}
compare gunicorn "first, none" "second, none" \
    "$(pages gunicorn -k uvicorn_worker.UvicornWorker app:application --bind unix:socket)"
compare uvicorn "first, none" "second, second" "$(pages uvicorn app:application --uds socket)"
compare Hypercorn "first, none" "second, second" "$(pages hypercorn app:application --bind unix:socket)"
compare daphne "first, none" "first, none" "$(pages daphne app:application -u socket)"
compare granian "first, none" "first, none" "$(pages granian --interface asgi app:application --uds socket)"
verdict
