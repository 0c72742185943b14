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

five_servers uvicorn-worker==0.4.0
site_page
page() {
    curl --silent --max-time 5 --unix-socket "$folder/socket" http://localhost/ || echo none
}
# The second one has ended, or both listen.
settled() {
    [ ! -e "/proc/$pid" ] || [ "$(grep -c " 00010000 .* $folder/socket$" /proc/net/unix)" = 2 ]
}
# pages COMMAND...
pages() {
    local old both
    rm -f "$folder/socket"
    SITE=first
    start first.log "$bin/$1" "${@:2}"
    old=$pid
    eventually 30 curl --silent --unix-socket "$folder/socket" http://localhost/
    SITE=second
    start second.log "$bin/$1" "${@:2}"
    eventually 60 settled || true
    both=$(page)
    kill -TERM "$old"
    eventually 20 sh -c "! kill -0 $old"
    sleep 1
    echo "$both, $(page)"
    kill -KILL -- "-$old" "-$pid" 2>/dev/null || true
}
compare gunicorn "first, none" "second, none" \
    "$(pages gunicorn -k uvicorn_worker.UvicornWorker app:application --bind "unix:$folder/socket")"
compare uvicorn "first, none" "second, second" "$(pages uvicorn app:application --uds "$folder/socket")"
compare Hypercorn "first, none" "second, second" "$(pages hypercorn app:application --bind "unix:$folder/socket")"
compare daphne "first, none" "first, none" "$(pages daphne app:application -u "$folder/socket")"
compare granian "first, none" "first, none" "$(pages granian --interface asgi app:application --uds "$folder/socket")"
verdict
